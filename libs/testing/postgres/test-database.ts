import { randomBytes } from 'node:crypto';
import { escapeIdentifier, type Client } from 'pg';
import { databasePrefix, testServer } from './test-server.js';
import { withClient } from './with-client.js';

/** A database that tests copy: made once in a test run, by whoever needs it first. */
export interface DatabaseTemplate {
  readonly name: string;
  /** Fills the empty database, by migrations for instance; must leave no connection open. */
  readonly prepare: (url: string) => Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  /** Removes the database, also from under those who are still connected. */
  readonly drop: () => Promise<void>;
}

const EMPTY = "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'";

function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** Makes the template if it is missing. The lock is the session's: it goes when the maker dies, and a half-made template is made anew. */
async function ensureTemplate(client: Client, serverUrl: string, { name, prepare }: DatabaseTemplate): Promise<string> {
  const database = `${databasePrefix()}template_${name}`;
  await client.query('SELECT pg_advisory_lock(hashtext($1))', [database]);
  try {
    const { rows } = await client.query<{ datistemplate: boolean }>(
      'SELECT datistemplate FROM pg_database WHERE datname = $1',
      [database],
    );
    if (rows[0]?.datistemplate) return database;
    await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(database)} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${escapeIdentifier(database)} ${EMPTY}`);
    await prepare(urlOf(serverUrl, database));
    await client.query(`ALTER DATABASE ${escapeIdentifier(database)} IS_TEMPLATE true ALLOW_CONNECTIONS false`);
    return database;
  } finally {
    await client.query('SELECT pg_advisory_unlock(hashtext($1))', [database]);
  }
}

/** A database of one's own on the run's Postgres: empty, or a copy of the template. */
export async function createTestDatabase(template?: DatabaseTemplate): Promise<TestDatabase> {
  const { url: serverUrl } = await testServer();
  const name = `${databasePrefix()}${randomBytes(6).toString('hex')}`;
  await withClient(serverUrl, async (client) => {
    const source = template ? `TEMPLATE ${escapeIdentifier(await ensureTemplate(client, serverUrl, template))}` : EMPTY;
    await client.query(`CREATE DATABASE ${escapeIdentifier(name)} ${source}`);
  });
  return {
    url: urlOf(serverUrl, name),
    drop: () =>
      withClient(
        serverUrl,
        async (client) => void (await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`)),
      ),
  };
}
