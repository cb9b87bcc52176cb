import { createTestDatabase, type TestDatabase } from '@app/testing';
import { Pool } from 'pg';
import { proxyTo, type Proxy } from '../testing/proxy.js';
import { ImpatientClient } from './impatient-client.js';

const SHORT_MS = 300;

jest.setTimeout(60_000);

describe('A pool of impatient clients', () => {
  let database: TestDatabase;
  let proxy: Proxy;

  beforeAll(async () => {
    database = await createTestDatabase();
    proxy = await proxyTo(database.url);
  });
  afterAll(async () => {
    await proxy.close();
    await database.drop();
  });

  test('keeps no connection that has gone silent: nobody queues behind the query that was never answered', async () => {
    const pool = new Pool({ connectionString: proxy.url, max: 1, query_timeout: SHORT_MS, Client: ImpatientClient });
    pool.on('error', () => undefined);
    const client = await pool.connect();
    proxy.freeze();
    await expect(client.query('SELECT 1')).rejects.toThrow('Query read timeout');
    // As a library does that does not know why the query failed.
    client.release();
    const ended = new Promise((resolve) => (pool.totalCount === 0 ? resolve(undefined) : pool.once('remove', resolve)));
    await ended;
    expect(pool.totalCount).toBe(0);
    await pool.end();
  });
});
