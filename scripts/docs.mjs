// `npm run docs`: writes the generated documentation anew; with --check it only says whether that would change anything.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Failure, main } from './lib/failure.mjs';
import { inRoot } from './lib/paths.mjs';
import { prepare } from './lib/prepare.mjs';

const generated = {
  'docs/compatibility.md': (compiled) => compiled('dist/test/cases/compatibility.js').renderCompatibilityDocs(),
  'docs/openapi.json': (compiled) => compiled('dist/libs/nomad-api/index.js').openApiText(),
  'docs/metrics.md': (compiled) => compiled('dist/libs/platform/index.js').renderMetricsDocs(),
  'docs/configuration.md': (compiled) => compiled('dist/libs/platform/index.js').renderConfigurationDocs(),
};

/** What takes a database to make: --check looks for a line that tells what it was made of; a test of the default suite (test/schema) compares it all. */
const written = {
  'docs/schema.sql': {
    render: (compiled) => compiled('dist/test/schema/schema-text.js').renderSchemaDocs(),
    line: (compiled) => compiled('dist/test/schema/schema-text.js').migrationsLine(),
  },
};

const present = (name) => (existsSync(inRoot(name)) ? readFileSync(inRoot(name), 'utf8') : '');
const outdated = (name) => new Failure(`${name} is not what the source says; run \`npm run docs\`.`);

function write(name, text) {
  if (present(name) === text) return;
  mkdirSync(dirname(inRoot(name)), { recursive: true });
  writeFileSync(inRoot(name), text);
}

await main(async () => {
  await prepare();
  const require = createRequire(import.meta.url);
  const compiled = (path) => require(inRoot(path));
  const check = process.argv.includes('--check');
  for (const [name, render] of Object.entries(generated)) {
    const text = render(compiled);
    if (!check) write(name, text);
    else if (present(name) !== text) throw outdated(name);
  }
  for (const [name, { render, line }] of Object.entries(written)) {
    if (!check) write(name, await render(compiled));
    else if (!present(name).split('\n').includes(line(compiled))) throw outdated(name);
  }
});
