import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

/** Scenarios of what is not served yet; README says so, too. Whoever serves one takes its name away. */
const NOT_SERVED = new Set([
  'enterprise-answers',
  'client-exec',
  'client-fs',
  'client-logs',
  'client-restart-signal',
  'client-stats',
  'jobs-statuses',
  'namespaces-jobs',
]);
const LANES = 6;
const BOUND_MS = 600_000;

const names = readdirSync(join(__dirname, 'scenarios'))
  .map((file) => file.replace(/\.mjs$/, ''))
  .filter((name) => !NOT_SERVED.has(name));

interface Report {
  readonly scenarios: readonly { readonly name: string; readonly error?: string; readonly failures: readonly { readonly observation: string }[] }[];
}

describe('a real Nomad and Rollbook answer alike', () => {
  let server: ServerProcess | undefined;
  let report: Report;

  beforeAll(async () => {
    server = await startServerProcess();
    const directory = await mkdtemp(join(tmpdir(), 'rollbook-conformance-'));
    const json = join(directory, 'report.json');
    const run = [join(__dirname, 'conformance.mjs'), '--addr', server.url, '--only', names.join(','), '--parallel', String(LANES), '--json', json];
    // It ends with 1 when something differs; the report tells what.
    await promisify(execFile)(process.execPath, run, { maxBuffer: 2 ** 28, timeout: BOUND_MS }).catch(() => undefined);
    report = JSON.parse(await readFile(json, 'utf8')) as Report;
    await rm(directory, { recursive: true, force: true });
  }, BOUND_MS);

  afterAll(() => server?.stop());

  test.each(names)('%s', (name) => {
    const scenario = report.scenarios.find((one) => one.name === name);
    expect({ error: scenario?.error, failures: scenario?.failures }).toEqual({ error: undefined, failures: [] });
  });
});
