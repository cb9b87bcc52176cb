import { CommandHandler, migrate, PostgresEventStore } from '@app/event-store';
import { aclTokenStream, deploymentStream } from '@app/kernel';
import { digestOfSecret } from '@app/keyring';
import { aggregates, MIGRATIONS } from '@app/read-models';
import {
  createTestDatabase,
  idOf,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  type TestDatabase,
} from '@app/testing';
import { Client } from 'pg';
import { runAclToken } from './acl-commands.js';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBackup, runNewEpoch, runRestore } from './backup.js';
import { runHistory, type HistoryOptions } from './history.js';
import { runExport, runMigrate, runRebuild, runVerify, runVerifyChain } from './log-commands.js';

jest.setTimeout(60_000);

const EVERYTHING = { from: 1, to: Number.MAX_SAFE_INTEGER };
const DEPLOYMENT = idOf(8001);
const ALL: HistoryOptions = { namespace: 'default', after: 0, before: Number.MAX_SAFE_INTEGER };

describe('The commands of ops', () => {
  let database: TestDatabase;
  let printed = '';
  const lines = (): string[] => printed.split('\n').slice(0, -1);

  beforeEach(async () => {
    database = await createTestDatabase();
    process.env['DATABASE_URL'] = database.url;
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    process.exitCode = undefined;
    delete process.env['DATABASE_URL'];
    await database.drop();
  });

  /** A node, a job and its deployment. */
  const live = async (): Promise<void> => {
    await migrate(database.url, MIGRATIONS);
    const store = new PostgresEventStore({ url: database.url });
    let now = 1_767_225_600_000_000;
    const handler = new CommandHandler({ store, aggregates, clock: () => (now += 1_000_000) });
    let evaluation = '';
    for (const decide of [nodeRegistered(), nodeIsReady(), registered(jobSpec())]) {
      const outcome = await handler.execute<unknown>({
        name: 'spec',
        decide,
        meta: { actor: 'somebody', reason: 'a test' },
      });
      if (outcome.kind === 'accepted') evaluation = (outcome.answer as { evalId?: string } | undefined)?.evalId ?? '';
    }
    const decide = planned({
      evaluation,
      deployment: { id: DEPLOYMENT, groups: { app: {} } },
      place: [{ id: idOf(7001) }],
    });
    expect(await handler.execute({ name: 'spec', decide, meta: { actor: 'scheduler' } })).toMatchObject({
      kind: 'accepted',
    });
    await handler.close();
    await store.close();
  };
  const query = async (sql: string): Promise<void> => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(sql);
    await client.end();
  };

  test('migrate makes an empty database usable, and says what to do before', async () => {
    await expect(runVerify()).rejects.toThrow('the database has no log yet; run `npm run ops migrate`.');
    await runMigrate();
    await runVerify();
    expect(lines()).toEqual(['the database is up to date', '0 streams, 0 rows verified, 0 differences']);
    expect(process.exitCode).toBeUndefined();
  });

  test('a database of a newer release is left alone', async () => {
    await runMigrate();
    await query(`INSERT INTO schema_migration (timestamp, name) VALUES (9, 'FromTheFuture9')`);
    await expect(runExport(EVERYTHING)).rejects.toThrow('the database is newer than this release');
  });

  test('verify ends with the counts, and with exit code 1 when something differs', async () => {
    await live();
    await runVerify();
    expect(lines()).toEqual([expect.stringMatching(/^\d+ streams, \d+ rows verified, 0 differences$/)]);
    expect(process.exitCode).toBeUndefined();
    await query(`UPDATE node SET name = 'spoilt'`);
    await runVerify();
    expect(lines().slice(1)).toEqual([
      expect.stringMatching(/^node [0-9a-f-]+: column name is "spoilt", the log says "node-9001"$/),
      expect.stringMatching(/1 differences$/),
    ]);
    expect(process.exitCode).toBe(1);
  });

  test('verify --chain finds a byte that was changed by hand in the log, and hashes that are not as they were noted', async () => {
    await live();
    await runVerifyChain(new Map());
    expect(lines()).toEqual([
      expect.stringMatching(/^4 commits verified, 0 faults; the chain ends with 4:[0-9a-f]{64}$/),
    ]);
    expect(process.exitCode).toBeUndefined();
    const [, end] = /(\d+:[0-9a-f]{64})$/.exec(lines()[0]!)!;
    const [index, hash] = end!.split(':') as [string, string];
    printed = '';
    await runVerifyChain(new Map([[Number(index), hash]]));
    expect(lines()).toHaveLength(1);
    await query(`ALTER TABLE event_000000 DISABLE TRIGGER append_only`);
    await query(`UPDATE event_000000 SET meta = replace(meta::text, 'somebody', 'somebodY')::json WHERE index = 2`);
    printed = '';
    await runVerifyChain(new Map([[1, 'a'.repeat(64)]]));
    expect(lines()).toEqual([
      'commit 1 has another hash than was noted',
      'commit 2 is not what was written, or does not follow the commit before',
      expect.stringMatching(/^4 commits verified, 2 faults; /),
    ]);
    expect(process.exitCode).toBe(1);
  });

  test('rebuild mends the tables that it is given', async () => {
    await live();
    await query(`UPDATE node SET name = 'spoilt'`);
    await expect(runRebuild(['node', 'nothing'])).rejects.toThrow('there is no table nothing to rebuild');
    await runRebuild(['node']);
    expect(lines().at(-1)).toMatch(/^node: 1 rows are not what they were: [0-9a-f-]+$/);
    printed = '';
    await runVerify();
    expect(lines()).toEqual([expect.stringMatching(/ 0 differences$/)]);
  });

  test('history tells who did what and why, also by the beginning of an id', async () => {
    await live();
    await runHistory('job', 'web', ALL);
    expect(lines()[0]).toMatch(
      /^ *\d+ {2}2026-01-01T00:00:0\d\.000Z {2}JobRegistered +somebody +version 0 by register \(reason: a test\)$/,
    );
    printed = '';
    await runHistory('deployment', DEPLOYMENT.slice(0, 8), ALL);
    expect(lines()[0]).toMatch(/DeploymentCreated +scheduler +the rollout of version 0 of web begins: app wants 2$/);
    await expect(runHistory('deployment', 'ffff', ALL)).rejects.toThrow('there is no deployment ffff.');
    await expect(runHistory('cat', 'tom', ALL)).rejects.toThrow('there is no history of cat');
    await expect(runHistory('job', undefined, ALL)).rejects.toThrow('which job?');
  });

  test('history tells of everything, by who, what and why, and of a job and all that belongs to it', async () => {
    await live();
    const told = async (type: string | undefined, id: string | undefined, more: object): Promise<string[]> => {
      printed = '';
      await runHistory(type, id, { ...ALL, ...more });
      return lines();
    };
    const all = await told(undefined, undefined, {});
    expect(all[0]).toMatch(/ NodeRegistered +node\/\S+ +somebody /);
    expect(all.map((line) => Number(line.split('  ')[0]))).toEqual(
      all.map((line) => Number(line.split('  ')[0])).sort((a, b) => a - b),
    );
    expect(await told(undefined, undefined, { last: 2 })).toHaveLength(2);
    expect((await told(undefined, undefined, { reason: 'TES', kind: ['node'] })).length).toBe(2);
    expect(await told(undefined, undefined, { actor: 'scheduler', reason: 'test' })).toEqual([]);
    expect(await told(undefined, undefined, { event: ['DeploymentCreated'] })).toHaveLength(1);
    expect(await told(undefined, undefined, { after: 1, before: 3 })).toHaveLength(1);
    const related = (await told('job', 'web', { related: true })).join('\n');
    for (const kind of ['job/default/web', `deployment/${DEPLOYMENT}`, 'allocation/', 'evaluation/'])
      expect(related).toContain(` ${kind}`);
    expect(related).not.toContain(' node/');
    await expect(runHistory('node', 'node', { ...ALL, related: true })).rejects.toThrow(/there is no node|--related/);
    await expect(told(undefined, undefined, { kind: ['cat'] })).rejects.toThrow('there is no kind cat');
    await expect(told(undefined, undefined, { event: ['toString'] })).rejects.toThrow('there is no event toString');
  });

  test('export writes the log as it is, a range of it if asked', async () => {
    await live();
    await runExport(EVERYTHING);
    const events = lines().map(
      (line) => JSON.parse(line) as { index: number; seq: number; stream: string; chain?: string },
    );
    expect(events[0]).toMatchObject({ index: 1, seq: 0, type: 'NodeRegistered', meta: { actor: 'somebody' } });
    expect(events.map(({ stream }) => stream)).toContain(deploymentStream(DEPLOYMENT));
    // The hash stands with the first event of each commit.
    for (const { seq, chain } of events) expect(chain ?? '').toMatch(seq === 0 ? /^[0-9a-f]{64}$/ : /^$/);
    printed = '';
    await runExport({ from: 2, to: 3 });
    expect(new Set(lines().map((line) => (JSON.parse(line) as { index: number }).index))).toEqual(new Set([2, 3]));
  });

  test('acl token makes a management token for a day, and leaves an event that says by whom and why', async () => {
    await migrate(database.url, MIGRATIONS);
    await runAclToken({ name: 'lost and found', reason: 'the safe burnt down' });
    const [, accessor, secret] = /Accessor {2}(\S+)\n {2}Secret {4}(\S+)/.exec(printed)!;
    const store = new PostgresEventStore({ url: database.url });
    const events = await store.readStream(aclTokenStream(accessor!), 1);
    await store.close();
    expect(events).toMatchObject([
      {
        type: 'AclTokenCreated',
        data: {
          type: 'management',
          name: 'lost and found',
          expirationTtl: 86_400e9,
          secretDigest: digestOfSecret(secret!),
        },
        meta: { actor: expect.stringMatching(/^ops /) as string, reason: 'the safe burnt down' },
      },
    ]);
    expect(JSON.stringify(events)).not.toContain(secret);
    printed = '';
    await runVerify();
    expect(printed).toContain(' 0 differences');
  });

  test('acl token refuses a name that no token may have', async () => {
    await migrate(database.url, MIGRATIONS);
    await expect(runAclToken({ name: 'x'.repeat(257) })).rejects.toThrow('token name too long');
  });

  describe('backup and restore', () => {
    const directory = mkdtempSync(join(tmpdir(), 'rollbook-backup-'));
    let taken = 0;
    const fresh = (): string => join(directory, `taken-${++taken}`);
    afterAll(() => rmSync(directory, { recursive: true }));

    const exported = async (): Promise<string> => {
      printed = '';
      await runExport(EVERYTHING);
      return printed;
    };
    const epochOf = async (url: string): Promise<string> => {
      const client = new Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query<{ epoch: string }>('SELECT store_epoch::text AS epoch FROM log_head');
      await client.end();
      return rows[0]!.epoch;
    };

    test('bring the whole log into another database, byte for byte, with its tables and its chain, as another history', async () => {
      await live();
      const writer = new PostgresEventStore({ url: database.url });
      const commands = new CommandHandler({ store: writer, aggregates, clock: () => 1_790_000_000_000_000 });
      for (let n = 0; n < 12; n++)
        await commands.execute({ name: 'spec', decide: registered(jobSpec({ tag: `v${n}` })), meta: { actor: 'x' } });
      await commands.close();
      await writer.close();
      const backup = fresh();
      // Parts begin and end within commits, and indexes have one digit and two.
      await runBackup(backup, 7);
      const before = await exported();
      const epoch = await epochOf(database.url);
      const other = await createTestDatabase();
      process.env['DATABASE_URL'] = other.url;
      try {
        await runRestore(backup);
        expect(await exported()).toBe(before);
        expect(await epochOf(other.url)).not.toBe(epoch);
        printed = '';
        await runVerify();
        await runVerifyChain(new Map());
        expect(lines()[0]).toMatch(/^\d+ streams, \d+ rows verified, 0 differences$/);
        expect(process.exitCode).toBeUndefined();
        // The log goes on where it was.
        const store = new PostgresEventStore({ url: other.url });
        const handler = new CommandHandler({ store, aggregates, clock: () => 1_800_000_000_000_000 });
        const { index } = await store.readHead();
        const outcome = await handler.execute({
          name: 'spec',
          decide: registered(jobSpec({ tag: 'after' })),
          meta: { actor: 'x' },
        });
        expect(outcome).toMatchObject({ kind: 'accepted', index: index + 1 });
        await handler.close();
        await store.close();
        await runVerifyChain(new Map());
        expect(process.exitCode).toBeUndefined();
        await expect(runRestore(backup)).rejects.toThrow('the database is not empty');
      } finally {
        await other.drop();
      }
    });

    test('refuse what is damaged, unfinished or of a later release, before anything is written', async () => {
      await live();
      const backup = fresh();
      await runBackup(backup);
      await expect(runBackup(backup)).rejects.toThrow('is not empty');
      const other = await createTestDatabase();
      process.env['DATABASE_URL'] = other.url;
      try {
        const manifest = join(backup, 'manifest.json');
        const sound = readFileSync(manifest, 'utf8');
        writeFileSync(manifest, sound.replace(/"schema": "[^"]*"/, '"schema": "FromTheFuture9"'));
        await expect(runRestore(backup)).rejects.toThrow('of a newer release');
        writeFileSync(manifest, sound.replace('events-000001', '../events-000001'));
        await expect(runRestore(backup)).rejects.toThrow('names parts that no backup has');
        writeFileSync(manifest, sound);
        const part = join(backup, 'events-000001.ndjson.zst');
        const bytes = readFileSync(part);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(part, bytes);
        await expect(runRestore(backup)).rejects.toThrow('is damaged: its hash is not the one of the manifest');
        rmSync(manifest);
        await expect(runRestore(backup)).rejects.toThrow('this is no backup, or one that was not finished');
        await expect(runVerify()).rejects.toThrow('the database has no log yet');
      } finally {
        await other.drop();
      }
    });

    test('new-epoch begins another history and forgets the answers of the one before', async () => {
      await live();
      await query(`INSERT INTO command_key (key, fingerprint, index, answer, used_at) VALUES ('k', 'f', 1, '', now())`);
      const epoch = await epochOf(database.url);
      await runNewEpoch();
      expect(await epochOf(database.url)).not.toBe(epoch);
      expect(lines().at(-1)).toMatch(/^epoch [0-9a-f-]{36} begins after index \d+; start the servers now$/);
      await query(`INSERT INTO command_key (key, fingerprint, index, answer, used_at) VALUES ('k', 'f', 1, '', now())`);
    });
  });
});
