import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMigratedDatabase, createTestDatabase, withClient, type TestDatabase } from '@app/testing';
import { schemaText } from './schema-text.js';

jest.setTimeout(60_000);

const FILE = 'docs/schema.sql';
const described = readFileSync(join(process.cwd(), FILE), 'utf8');

const CHANGES = [
  ['a column', 'ALTER TABLE lease ADD COLUMN note text'],
  ['a default', 'ALTER TABLE lease ALTER COLUMN holder SET DEFAULT 1'],
  ['a check', 'ALTER TABLE lease ADD CHECK (epoch > 0)'],
  ['an index', 'CREATE INDEX ON lease (holder) WHERE epoch > 1'],
  ['a collation', 'ALTER TABLE lease ALTER COLUMN holder TYPE text COLLATE "C"'],
  ['a trigger', 'DROP TRIGGER append_only ON event_000000'],
  ['a setting of a table', 'ALTER TABLE lease SET (fillfactor = 90)'],
  ['a comment', "COMMENT ON COLUMN lease.holder IS 'who'"],
  ['a partition', 'SELECT ensure_event_partitions(30000000)'],
] as const;

describe(FILE, () => {
  const made: TestDatabase[] = [];
  const use = async (database: Promise<TestDatabase>): Promise<TestDatabase> => {
    made.push(await database);
    return database;
  };
  const run = (url: string, sql: string): Promise<unknown> => withClient(url, (client) => client.query(sql));

  afterAll(() => Promise.all(made.map((database) => database.drop())));

  test('is what the migrations make; if not: `npm run docs`', async () => {
    const { url } = await use(createMigratedDatabase());
    expect(described).toBe(await schemaText(url));
  });

  test('makes the same schema in an empty database', async () => {
    const { url } = await use(createTestDatabase());
    await run(url, described);
    expect(await schemaText(url)).toBe(described);
  });

  test('differs by whatever is changed', async () => {
    const { url } = await use(createMigratedDatabase());
    let before = described;
    for (const [what, change] of CHANGES) {
      await run(url, change);
      const after = await schemaText(url);
      expect({ what, seen: after !== before }).toEqual({ what, seen: true });
      before = after;
    }
  });

  test('is refused where something could not be described', async () => {
    const { url } = await use(createMigratedDatabase());
    await run(url, 'CREATE VIEW holders AS SELECT holder FROM lease; CREATE DOMAIN age AS integer');
    await expect(schemaText(url)).rejects.toThrow('would leave out: relation holders, type age');
  });
});
