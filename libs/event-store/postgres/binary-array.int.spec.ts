import { createTestDatabase, type TestDatabase } from '@app/testing';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { bigintArray, intArray, textArray } from './binary-array.js';

jest.setTimeout(60_000);

describe('arrays in binary form', () => {
  let database: TestDatabase;
  let client: Client;
  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
  });
  afterAll(async () => {
    await client?.end();
    await database?.drop();
  });

  const echo = async (type: string, parameter: Buffer): Promise<unknown> => {
    const { rows } = await client.query<{ echo: unknown }>(`SELECT to_json($1::${type}[]) AS echo`, [parameter]);
    return rows[0]?.echo;
  };

  test('arrive as the values that were sent', async () => {
    // Postgres text has no zero byte.
    const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\0', ''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(text)),
        fc.array(fc.integer()),
        fc.array(fc.maxSafeNat()),
        async (texts, ints, bigints) => {
          expect(await echo('text', textArray(texts))).toEqual(texts);
          expect(await echo('int', intArray(ints))).toEqual(ints);
          expect(await echo('bigint', bigintArray(bigints))).toEqual(bigints);
        },
      ),
    );
  });
});
