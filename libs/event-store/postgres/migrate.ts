import { Client } from 'pg';
import { DataSource, type MigrationInterface } from 'typeorm';
import { SchemaIsNewer } from '../errors.js';
import { CONNECT_TIMEOUT_MS, MIGRATION_LOCK_TIMEOUT_MS } from '../limits.js';
import { EventLog1760000000000 } from './migrations/1760000000000-event-log.migration.js';
import { Past1764363600000 } from './migrations/1764363600000-past.migration.js';
import { Upkeep1764320000000 } from './migrations/1764320000000-upkeep.migration.js';
import { Chain1764360000000 } from './migrations/1764360000000-chain.migration.js';
import { FoldedWords1764363780000 } from './migrations/1764363780000-folded-words.migration.js';
import { Tally1764363660000 } from './migrations/1764363660000-tally.migration.js';

/** A TypeORM migration class. */
export type Migration = new () => MigrationInterface;

/** What the event store itself needs. */
export const eventStoreMigrations: readonly Migration[] = [
  EventLog1760000000000,
  Upkeep1764320000000,
  Chain1764360000000,
  Past1764363600000,
  Tally1764363660000,
  FoldedWords1764363780000,
];

const TABLE = 'schema_migration';
/** Any number will do, as long as every release uses the same one. */
const ADVISORY_LOCK = 7_164_202_511;

/**
 * Brings the database up to date. Any number of processes may call it at once: one migrates, the others wait for it and find nothing left
 * to do. The names of all that was ever run are kept in `schema_migration`. @throws SchemaIsNewer; the driver's error.
 */
export async function migrate(url: string, migrations: readonly Migration[] = eventStoreMigrations): Promise<void> {
  const lock = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  await lock.connect();
  try {
    await lock.query(`SET lock_timeout = ${MIGRATION_LOCK_TIMEOUT_MS}`);
    // Held by the session: it ends with the connection, however this process ends.
    await lock.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCK]);
    const applied = await appliedMigrations(lock);
    const known = new Set(migrations.map(nameOf));
    const foreign = applied.filter((name) => !known.has(name));
    if (foreign.length > 0) throw new SchemaIsNewer(foreign);
    if (applied.length < known.size) await run(url, migrations);
  } finally {
    await lock.end();
  }
}

const nameOf = (migration: Migration): string => new migration().name ?? migration.name;

async function appliedMigrations(client: Client): Promise<string[]> {
  const { rows: tables } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('${TABLE}') IS NOT NULL AS exists`,
  );
  if (tables[0]?.exists !== true) return [];
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${TABLE} ORDER BY id`);
  return rows.map(({ name }) => name);
}

async function run(url: string, migrations: readonly Migration[]): Promise<void> {
  const source = new DataSource({
    type: 'postgres',
    url,
    migrations: [...migrations],
    migrationsTableName: TABLE,
    migrationsTransactionMode: 'each',
    logging: false,
  });
  await source.initialize();
  try {
    await source.runMigrations();
  } finally {
    await source.destroy();
  }
}
