import { createMigratedDatabase, type TestDatabase } from '@app/testing';
import { DataSource } from 'typeorm';
import { ServerDirectory } from './server-directory.js';

jest.setTimeout(60_000);

const NODE = 'f0a3b1de-0000-4000-8000-000000000001';

describe('The directory of servers', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let directory: ServerDirectory;

  beforeAll(async () => {
    database = await createMigratedDatabase();
    dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    directory = new ServerDirectory(dataSource);
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });
  beforeEach(async () => {
    await dataSource.query('TRUNCATE server_instance, node_session');
    for (const instance of ['a', 'b'])
      await directory.renew({ instance, rpcAddress: `127.0.0.1:${instance === 'a' ? 1 : 2}`, secret: instance });
  });

  const holder = async (): Promise<string | undefined> => (await directory.sessionOf(NODE))?.instance;
  const silence = (instance: string) =>
    dataSource.query("UPDATE server_instance SET renewed_at = renewed_at - interval '16 s' WHERE instance = $1", [
      instance,
    ]);

  test('a session is with the instance that noted it last, and stays there when another one ends late', async () => {
    await directory.noteSession(NODE, 'a');
    await directory.noteSession(NODE, 'b');
    await directory.dropSession(NODE, 'a');
    expect(await holder()).toBe('b');
  });

  test('a session that a stalled instance took late, and dropped, is noted again by the one that has it', async () => {
    await directory.noteSession(NODE, 'b');
    await directory.noteSession(NODE, 'a');
    await directory.dropSession(NODE, 'a');
    expect(await holder()).toBeUndefined();
    await directory.restoreSessions([NODE], 'b');
    expect(await holder()).toBe('b');
  });

  test('a session that another live instance has is left to it', async () => {
    await directory.noteSession(NODE, 'a');
    await directory.restoreSessions([NODE], 'b');
    expect(await holder()).toBe('a');
  });

  test('a session of an instance that has not renewed its entry is taken over', async () => {
    await directory.noteSession(NODE, 'a');
    await silence('a');
    expect(await holder()).toBeUndefined();
    await directory.restoreSessions([NODE], 'b');
    expect(await holder()).toBe('b');
  });

  test('an instance that has long gone is forgotten with its sessions', async () => {
    await directory.noteSession(NODE, 'a');
    await dataSource.query(
      "UPDATE server_instance SET renewed_at = renewed_at - interval '151 s' WHERE instance = 'a'",
    );
    await directory.renew({ instance: 'b', rpcAddress: '127.0.0.1:2', secret: 'b' });
    expect((await directory.servers()).map(({ instance }) => instance)).toEqual(['b']);
    expect(await dataSource.query('SELECT * FROM node_session')).toEqual([]);
  });
});
