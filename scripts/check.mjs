// `npm run check`: everything a change must pass before it is reviewed, the quick things first. Arguments choose steps by name.
import { main, Failure } from './lib/failure.mjs';
import { runJest } from './lib/jest.mjs';
import { runNode } from './lib/launch.mjs';
import { inRoot } from './lib/paths.mjs';
import { prepare } from './lib/prepare.mjs';

const tool =
  (path, ...args) =>
  () =>
    runNode([inRoot('node_modules', path), ...args]);

const oxlint = tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '.');

const steps = {
  format: tool('prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'),
  lint: async () => (await oxlint()) || runNode([inRoot('scripts/names.mjs')]),
  types: async () =>
    (await tool('typescript/bin/tsc', '-p', '.')()) || tool('typescript/bin/tsc', '-p', 'apps/console')(),
  boundaries: tool(
    'dependency-cruiser/bin/dependency-cruise.mjs',
    'apps',
    'libs',
    'test',
    '--config',
    '.dependency-cruiser.cjs',
  ),
  'dead-code': tool('knip/bin/knip.js', '--no-progress'),
  docs: () => runNode([inRoot('scripts/docs.mjs'), '--check']),
  tests: () => runJest(['\\.(unit|prop)\\.spec\\.ts$']),
};

await main(async () => {
  const chosen = process.argv.slice(2);
  const unknown = chosen.find((name) => !(name in steps));
  if (unknown) throw new Failure(`there is no step ${unknown}; the steps are ${Object.keys(steps).join(', ')}.`);
  await prepare();
  const failed = [];
  for (const [name, run] of Object.entries(steps).filter(([step]) => chosen.length === 0 || chosen.includes(step))) {
    const begin = performance.now();
    const code = await run();
    if (code !== 0) failed.push(name);
    process.stdout.write(
      `${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - begin) / 1000).toFixed(1)} s)\n`,
    );
  }
  if (failed.length > 0) throw new Failure(`the check found something: ${failed.join(', ')}.`);
});
