import { createTestDatabase, type TestDatabase } from '@app/testing';
import { Client } from 'pg';
import { SchemaIsNewer } from '../errors.js';
import { toyMigrations } from '../testing/toy-database.js';
import { eventStoreMigrations, migrate } from './migrate.js';

jest.setTimeout(60_000);

describe('migrating', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  const query = async (text: string): Promise<unknown[]> => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  };

  test('is safe when twenty processes start at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => migrate(database.url, toyMigrations)));
    expect(await query('SELECT name FROM schema_migration ORDER BY id')).toEqual([
      { name: 'EventLog1760000000000' },
      { name: 'ToyTable1760000000001' },
      { name: 'Upkeep1764320000000' },
      { name: 'Chain1764360000000' },
      { name: 'Past1764363600000' },
      { name: 'Tally1764363660000' },
      { name: 'FoldedWords1764363780000' },
    ]);
    expect(await query('SELECT index::int FROM log_head')).toEqual([{ index: 0 }]);
  });

  test('adds what is new and leaves the rest', async () => {
    await migrate(database.url);
    const [{ store_epoch: epoch }] = (await query('SELECT store_epoch FROM log_head')) as [{ store_epoch: string }];
    await migrate(database.url, toyMigrations);
    expect(await query('SELECT store_epoch FROM log_head')).toEqual([{ store_epoch: epoch }]);
    expect(await query('SELECT count(*)::int AS rows FROM toy')).toEqual([{ rows: 0 }]);
  });

  test('refuses a schema that a newer release has made', async () => {
    await migrate(database.url, toyMigrations);
    await expect(migrate(database.url, eventStoreMigrations)).rejects.toThrow(SchemaIsNewer);
    await expect(migrate(database.url, eventStoreMigrations)).rejects.toThrow('ToyTable1760000000001');
  });

  test('a migration that fails leaves nothing behind and can be run again', async () => {
    class Broken1760000000002 {
      readonly name = 'Broken1760000000002';
      async up(runner: { query(text: string): Promise<unknown> }): Promise<void> {
        await runner.query('CREATE TABLE half (id int)');
        throw new Error('broken');
      }
      async down(): Promise<void> {}
    }
    await expect(migrate(database.url, [...eventStoreMigrations, Broken1760000000002])).rejects.toThrow('broken');
    expect(await query(`SELECT to_regclass('half') AS half, to_regclass('event')::text AS event`)).toEqual([
      { half: null, event: 'event' },
    ]);
    await migrate(database.url, toyMigrations);
  });
});
