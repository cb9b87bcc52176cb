import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@app/platform';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { migrate } from './migrate.js';
import { PostgresEventStore } from './postgres-event-store.js';

jest.setTimeout(120_000);

describe('connections to a Postgres with a certificate', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-tls-'));
  const at = (name: string): string => join(directory, name);
  let postgres: EmbeddedPostgres;

  /** A certificate for 127.0.0.1 that nobody has signed but itself. */
  function certificate(name: string): void {
    const san = 'subjectAltName=IP:127.0.0.1';
    const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=db',
        '-addext',
        san,
        ...files,
      ],
      { stdio: 'pipe' },
    );
    chmodSync(at(`${name}.key`), 0o600);
  }

  beforeAll(async () => {
    chmodSync(directory, 0o755);
    certificate('server');
    certificate('another');
    const dataDir = at('data');
    mkdirSync(dataDir);
    // Made first, as the key must belong to whoever Postgres runs as.
    const plain = await startEmbeddedPostgres({
      dataDir,
      log: () => undefined,
      initdbArgs: ['--no-sync'],
      restart: false,
    });
    await plain.stop();
    const { uid, gid } = statSync(join(dataDir, 'postgres'));
    chownSync(at('server.key'), uid, gid);
    const settings = { ssl: 'on', ssl_cert_file: at('server.pem'), ssl_key_file: at('server.key') };
    postgres = await startEmbeddedPostgres({ dataDir, log: () => undefined, settings, restart: false });
  });
  afterAll(async () => {
    await postgres?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const url = (parameters: string, host = '127.0.0.1'): string =>
    `${postgres.url.replace('127.0.0.1', host)}${parameters === '' ? '' : `?${parameters}`}`;
  const isEncrypted = async (address: string): Promise<boolean> => {
    const client = new Client({ connectionString: address });
    try {
      await client.connect();
      const { rows } = await client.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
      return rows[0]!.ssl;
    } finally {
      await client.end();
    }
  };

  test.each(['verify-full', 'verify-ca', 'require', 'prefer'])('sslmode=%s checks the certificate', async (mode) => {
    expect(await isEncrypted(url(`sslmode=${mode}&sslrootcert=${at('server.pem')}`))).toBe(true);
    await expect(isEncrypted(url(`sslmode=${mode}&sslrootcert=${at('another.pem')}`))).rejects.toThrow(
      /self-signed|unable to verify/,
    );
    await expect(isEncrypted(url(`sslmode=${mode}`))).rejects.toThrow(/self-signed/);
  });

  test('verify-full checks whose certificate it is', async () => {
    await expect(isEncrypted(url(`sslmode=verify-full&sslrootcert=${at('server.pem')}`, 'localhost'))).rejects.toThrow(
      /does not match certificate|altnames/i,
    );
  });

  test('no-verify encrypts, and takes any certificate', async () => {
    expect(await isEncrypted(url('sslmode=no-verify'))).toBe(true);
  });

  test.each(['', 'sslmode=disable'])('nothing is encrypted by %j', async (parameters) => {
    expect(await isEncrypted(url(parameters))).toBe(false);
  });

  test('everything that a server opens is encrypted: migrations, appending, listening, reading', async () => {
    const address = url(`sslmode=verify-full&sslrootcert=${at('server.pem')}`);
    await migrate(address);
    const store = new PostgresEventStore({ url: address, poolSize: 2 });
    const dataSource = new DataSource({ type: 'postgres', url: address });
    const client = new Client({ connectionString: url('') });
    await client.connect();
    try {
      await dataSource.initialize();
      const stopListening = await store.listen(() => undefined);
      await store.appendBatch([
        {
          expect: new Map([['deployment/tls', 0]]),
          events: [{ stream: 'deployment/tls', type: 'Toy', schema: 1, data: '{}' }],
          snapshots: [{ stream: 'deployment/tls', state: '{}' }],
          rows: [],
          meta: { actor: 'test' },
          time: 1,
        },
      ]);
      expect((await store.readHead()).index).toBe(1);
      await dataSource.query('SELECT 1');
      const { rows } = await client.query<{ encrypted: boolean; count: number }>(
        `SELECT s.ssl AS encrypted, count(*)::int FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
         WHERE a.backend_type = 'client backend' AND a.pid <> pg_backend_pid() GROUP BY s.ssl`,
      );
      expect(rows).toEqual([{ encrypted: true, count: expect.any(Number) as number }]);
      expect(rows[0]!.count).toBeGreaterThanOrEqual(4);
      await stopListening();
    } finally {
      await client.end();
      await dataSource.destroy();
      await store.close();
    }
  });
});
