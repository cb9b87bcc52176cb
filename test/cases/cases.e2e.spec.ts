import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

/** Each of them says what is right in its own words; see README.md here. */
const scripts = readdirSync(__dirname).filter((file) => /^[CJ]\d.*\.mjs$/.test(file));
const BOUND_MS = 120_000;

describe('cases from the real world', () => {
  let server: ServerProcess | undefined;
  beforeAll(async () => {
    server = await startServerProcess({ env: { ROLLBOOK_DEV_NODES: '2' } });
  }, BOUND_MS);
  afterAll(() => server?.stop());

  test.each(scripts)(
    '%s',
    async (script) => {
      const env = { ...process.env, BASE: server?.url };
      const run = promisify(execFile)(process.execPath, [join(__dirname, script)], { env, timeout: BOUND_MS });
      const { stdout } = await run.catch((failed: { stdout: string }) => failed);
      expect(stdout.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual([]);
      expect(stdout).toContain('VERDICT pass');
    },
    BOUND_MS,
  );
});
