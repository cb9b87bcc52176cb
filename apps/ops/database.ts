import { join, resolve } from 'node:path';
import { MIGRATIONS } from '@app/read-models';
import {
  findRunningPostgres,
  hasEmbeddedPostgres,
  loadOpsConfiguration,
  startEmbeddedPostgres,
  StartupError,
} from '@app/platform';
import { Client } from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;
/** Where the database of `npm run stack` is, below the data directory. */
const STACK = 'stack/database';

/**
 * Runs `work` on the database: that of DATABASE_URL, else the embedded one of ROLLBOOK_DATA_DIR, be it a server's or the stack's: the one that
 * runs, or one that is started for as long as this takes. @throws StartupError
 */
export async function withDatabase<T>(work: (url: string) => Promise<T>, { create = false } = {}): Promise<T> {
  const { databaseUrl, dataDir } = loadOpsConfiguration(process.env);
  if (databaseUrl !== undefined) return work(databaseUrl);
  const stackDir = join(dataDir, STACK);
  const running = [dataDir, stackDir].flatMap((directory) => findRunningPostgres(directory) ?? []);
  if (running.length > 1)
    throw new StartupError(
      `a server and the stack run on ${resolve(dataDir)}; set ROLLBOOK_DATA_DIR to ${stackDir} for the stack's database, or DATABASE_URL.`,
    );
  if (running[0] !== undefined) return work(running[0]);
  const kept = [dataDir, stackDir].find(hasEmbeddedPostgres);
  if (!create && kept === undefined) {
    throw new StartupError(
      `there is no database in ${resolve(dataDir)}; set ROLLBOOK_DATA_DIR or DATABASE_URL, or start a server first.`,
    );
  }
  const postgres = await startEmbeddedPostgres({ dataDir: kept ?? dataDir, log: () => undefined, restart: false });
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
  }
}

/** As {@link withDatabase}, for a database that has the schema of this release. @throws StartupError for one that does not. */
export const withLog = <T>(work: (url: string) => Promise<T>): Promise<T> =>
  withDatabase(async (url) => {
    await requireSchema(url);
    return work(url);
  });

/** Runs `work` with a connection of its own. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function requireSchema(url: string): Promise<void> {
  const applied = new Set(await appliedMigrations(url));
  const known = MIGRATIONS.map((Migration) => new Migration().name ?? Migration.name);
  if (known.some((name) => !applied.has(name))) {
    const what = applied.size === 0 ? 'has no log yet' : 'is older than this release';
    throw new StartupError(`the database ${what}; run \`npm run ops migrate\`.`);
  }
  if (applied.size > known.length)
    throw new StartupError('the database is newer than this release; use the newer one.');
}

async function appliedMigrations(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  try {
    await client.connect();
    const { rows: tables } = await client.query<{ exists: boolean }>(
      `SELECT to_regclass('schema_migration') IS NOT NULL AS exists`,
    );
    if (tables[0]?.exists !== true) return [];
    const { rows } = await client.query<{ name: string }>('SELECT name FROM schema_migration');
    return rows.map(({ name }) => name);
  } catch (error) {
    throw new StartupError(`the database cannot be used: ${(error as Error).message}`, 1, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}
