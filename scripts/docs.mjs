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

/** What takes a database: compared by a test of the default suite (test/schema), which has one, and only written here. */
const written = {
  'docs/schema.sql': (compiled) => compiled('dist/test/schema/schema-text.js').renderSchemaDocs(),
};

await main(async () => {
  await prepare();
  const require = createRequire(import.meta.url);
  const check = process.argv.includes('--check');
  for (const [name, render] of Object.entries(check ? generated : { ...generated, ...written })) {
    const file = inRoot(name);
    const text = await render((path) => require(inRoot(path)));
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    if (check) throw new Failure(`${name} is not what the source says; run \`npm run docs\`.`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
});
