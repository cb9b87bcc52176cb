import { startEmbeddedPostgres } from '@app/platform';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';

let server: Promise<{ url: string; stop: () => Promise<void> }> | undefined;
let users = 0;

/** Postgres for a benchmark: the one of DATABASE_URL, or an embedded one as `npm start` has it, with its durability. */
async function startServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const given = process.env['DATABASE_URL'];
  if (given) return { url: given, stop: async () => undefined };
  const dataDir = await mkdtemp(join(tmpdir(), 'rollbook-bench-'));
  const { url, stop } = await startEmbeddedPostgres({ dataDir, log: () => undefined });
  return {
    url,
    async stop() {
      await stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Runs a benchmark on an empty database of its own, and removes it. */
export async function withBenchDatabase<T>(bench: (url: string) => Promise<T>): Promise<T> {
  users++;
  server ??= startServer();
  const { url, stop } = await server;
  const name = `bench_${randomBytes(6).toString('hex')}`;
  const admin = new Client({ connectionString: url });
  await admin.connect();
  try {
    await admin.query(`CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`);
    const own = new URL(url);
    own.pathname = `/${name}`;
    return await bench(own.href);
  } finally {
    await admin.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
    await admin.end();
    if (--users === 0) {
      server = undefined;
      await stop();
    }
  }
}
