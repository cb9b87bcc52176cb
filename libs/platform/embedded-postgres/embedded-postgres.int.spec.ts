import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { StartupError } from '../startup-error.js';
import { findBinaries } from './binaries.js';
import { openCluster } from './cluster.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import type { EmbeddedPostgres } from './embedded-postgres.js';
import { findRunningPostgres, hasEmbeddedPostgres } from './find-running.js';
import { isAlive, waitUntil } from './live-process.js';
import { freePort, startPostmaster } from './postmaster.js';

const BOUND_MS = 60_000;
jest.setTimeout(BOUND_MS);

describe('the embedded Postgres', () => {
  // mkdtemp makes a directory that only we may enter, as a root's clone often is.
  const dataDir = join(mkdtempSync(join(tmpdir(), 'rollbook-embedded-')), 'data');
  const messages: string[] = [];
  let running: EmbeddedPostgres | undefined;

  const start = async (): Promise<EmbeddedPostgres> => {
    running = await startEmbeddedPostgres({
      dataDir,
      log: (message) => messages.push(message),
      initdbArgs: ['--no-sync'],
    });
    return running;
  };
  const query = async (url: string, sql: string): Promise<unknown[]> => {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]);
    } finally {
      await client.end();
    }
  };
  const answers = async (url: string): Promise<boolean> => {
    try {
      await query(url, 'SELECT 1');
      return true;
    } catch {
      return false;
    }
  };
  afterEach(async () => {
    await running?.stop();
    running = undefined;
  });
  afterAll(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }));

  test('starts from nothing: durable settings, UTF8, texts in order of code points, a private password', async () => {
    const { url } = await start();
    const settings = await query(
      url,
      "SELECT setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')",
    );
    expect(settings).toEqual(['on', 'on', 'on']);
    expect(
      await query(
        url,
        "SELECT datcollate || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'rollbook'",
      ),
    ).toEqual(['C UTF8']);
    expect(await query(url, "SELECT x FROM unnest(ARRAY['a', 'B', 'é', 'z']) x ORDER BY x")).toEqual([
      'B',
      'a',
      'z',
      'é',
    ]);
    expect(statSync(join(dataDir, 'postgres.password')).mode & 0o777).toBe(0o600);
    expect(new URL(url).hostname).toBe('127.0.0.1');
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer');
  });

  test('keeps its data between runs', async () => {
    const { url } = await start();
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([42]);
  });

  test('refuses a directory that another run uses, in one sentence', async () => {
    await start();
    await expect(startEmbeddedPostgres({ dataDir, log: () => undefined })).rejects.toThrow(
      /is in use by another run \(process \d+\); stop it or set ROLLBOOK_DATA_DIR/,
    );
  });

  test('gives the directory free when it stops', async () => {
    const { stop, pid } = await start();
    await stop();
    expect(isAlive(pid())).toBe(false);
    expect(existsSync(join(dataDir, 'rollbook.lock'))).toBe(false);
  });

  test('is found by others while it runs, and not before or after', async () => {
    expect(findRunningPostgres(join(dataDir, 'nowhere'))).toBeUndefined();
    expect(findRunningPostgres(dataDir)).toBeUndefined();
    const { url, stop } = await start();
    expect(findRunningPostgres(dataDir)).toBe(url);
    await stop();
    expect(findRunningPostgres(dataDir)).toBeUndefined();
    expect(hasEmbeddedPostgres(dataDir)).toBe(true);
  });

  test('finds and stops the Postgres that a killed server left', async () => {
    const binaries = findBinaries();
    const cluster = await openCluster(dataDir, binaries, []);
    const orphan = await startPostmaster({ cluster, binaries, port: await freePort() });
    writeFileSync(join(dataDir, 'rollbook.lock'), JSON.stringify({ pid: process.pid, start: 'of an earlier process' }));
    const { url } = await start();
    expect(isAlive(orphan.pid)).toBe(false);
    expect(messages).toContain(`stopped the Postgres of a run that was killed (process ${orphan.pid})`);
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([42]);
  });

  test('starts in spite of a pid file whose pid has gone to another program', async () => {
    const { stop } = await start();
    await stop();
    const pidFile = [process.pid, join(dataDir, 'postgres'), 1, 5432, '', '127.0.0.1', '', 'ready'].join('\n');
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), pidFile);
    const { url } = await start();
    expect(await answers(url)).toBe(true);
  });

  test('begins anew where a first start was killed half-way', async () => {
    const half = join(dataDir, '..', 'half');
    mkdirSync(join(half, 'postgres.new', 'base'), { recursive: true });
    running = await startEmbeddedPostgres({ dataDir: half, log: () => undefined, initdbArgs: ['--no-sync'] });
    expect(await answers(running.url)).toBe(true);
    expect(existsSync(join(half, 'postgres.new'))).toBe(false);
  });

  test('is started again on the same port when Postgres is killed, and has lost nothing', async () => {
    const { url, pid } = await start();
    await query(url, 'CREATE TABLE survivor AS SELECT 7 AS answer');
    const killed = pid();
    process.kill(killed, 'SIGKILL');
    expect(await waitUntil(() => pid() !== killed, BOUND_MS)).toBe(true);
    expect(await query(url, 'SELECT answer FROM survivor')).toEqual([7]);
  });

  test('says in one sentence that there is no Postgres for a platform', () => {
    expect(() => findBinaries('sunos', 'sparc')).toThrow(
      new StartupError(
        'there is no embedded Postgres for sunos-sparc; set DATABASE_URL to a Postgres 18 or use `docker compose up`.',
      ),
    );
  });

  test('says in one sentence that another version made the directory', async () => {
    const old = join(dataDir, '..', 'old');
    mkdirSync(join(old, 'postgres'), { recursive: true });
    writeFileSync(join(old, 'postgres', 'PG_VERSION'), '17\n');
    writeFileSync(join(old, 'postgres.password'), 'secret\n');
    await expect(startEmbeddedPostgres({ dataDir: old, log: () => undefined })).rejects.toThrow(
      /was made by Postgres 17; this release needs 18\.$/,
    );
  });
});
