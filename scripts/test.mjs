// `npm test`: sets up, then runs the tests; arguments go to Jest. The last line of the output is a count for people and for CI.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from './lib/failure.mjs';
import { runJest } from './lib/jest.mjs';
import { prepare } from './lib/prepare.mjs';

/** A file of tests that could not even be loaded counts as one failure. */
function countLine(file) {
  const results = JSON.parse(readFileSync(file, 'utf8'));
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  const skipped = results.numPendingTests + results.numTodoTests;
  return `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

await main(async () => {
  await prepare();
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-results-'));
  const file = join(directory, 'results.json');
  try {
    const code = await runJest(['--json', `--outputFile=${file}`, ...process.argv.slice(2)]);
    let line = '0 passed, 1 failed';
    try {
      line = countLine(file);
    } catch {
      process.stderr.write('rollbook: Jest ended without results.\n');
    }
    process.stdout.write(`${line}\n`);
    return code;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
