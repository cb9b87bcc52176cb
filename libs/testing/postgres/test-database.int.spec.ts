import { Client } from 'pg';
import type { TestDatabase } from './test-database.js';
import { createTestDatabase } from './test-database.js';

jest.setTimeout(60_000);

describe('test databases', () => {
  const made: TestDatabase[] = [];
  const create = async (...args: Parameters<typeof createTestDatabase>): Promise<TestDatabase> => {
    const database = await createTestDatabase(...args);
    made.push(database);
    return database;
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

  afterAll(() => Promise.all(made.map((database) => database.drop())));

  test('an empty one sorts by code point', async () => {
    const { url } = await create();
    expect(await query(url, "SELECT x FROM unnest(ARRAY['a', 'B']) x ORDER BY x")).toEqual(['B', 'a']);
  });

  test('copies share a template that is prepared once, and nothing else', async () => {
    const prepare = jest.fn((url: string) => query(url, 'CREATE TABLE thing (id int)').then(() => undefined));
    const [first, second] = await Promise.all([create({ name: 'spec', prepare }), create({ name: 'spec', prepare })]);
    await query(first.url, 'INSERT INTO thing VALUES (1)');
    expect(await query(second.url, 'SELECT count(*)::int FROM thing')).toEqual([0]);
    expect(prepare).toHaveBeenCalledTimes(1);
  });

  test('one can be dropped from under a connection', async () => {
    const database = await createTestDatabase();
    const client = new Client({ connectionString: database.url });
    const ended = new Promise((resolve) => client.on('error', resolve));
    await client.connect();
    await database.drop();
    await ended;
    await expect(query(database.url, 'SELECT 1')).rejects.toThrow('does not exist');
  });
});
