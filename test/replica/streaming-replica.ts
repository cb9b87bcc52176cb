import { chownSync, cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@app/platform';
import { withClient } from '@app/testing';

const SLOT = 'replica';

const settingsOf = (primaryUrl: string): Record<string, string> => {
  const { hostname, port, username, password } = new URL(primaryUrl);
  return {
    primary_conninfo: `host=${hostname} port=${port} user=${username} password=${password}`,
    primary_slot_name: SLOT,
    hot_standby: 'on',
  };
};

/**
 * Makes a hot standby of an embedded Postgres, by streaming replication. What pg_basebackup does is done here, as the embedded binaries lack it:
 * the files are copied between the beginning and the end of a backup, and the log of meanwhile comes by the slot.
 */
export async function makeReplica(primaryDir: string, primaryUrl: string, dataDir: string): Promise<void> {
  const [from, to] = [join(primaryDir, 'postgres'), join(dataDir, 'postgres')];
  await withClient(primaryUrl, async (client) => {
    await client.query('SELECT pg_create_physical_replication_slot($1, true)', [SLOT]);
    await client.query(`SELECT pg_backup_start('replica', fast => true)`);
    mkdirSync(dataDir, { recursive: true });
    cpSync(join(primaryDir, 'postgres.password'), join(dataDir, 'postgres.password'));
    cpSync(from, to, {
      recursive: true,
      filter: (path) => !/postmaster\.(pid|opts)$|pg_wal\/.|pg_replslot\/./.test(path),
    });
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop()');
    writeFileSync(join(to, 'backup_label'), rows[0]!.labelfile);
  });
  for (const directory of ['pg_wal/archive_status', 'pg_wal/summaries', 'pg_replslot'])
    mkdirSync(join(to, directory), { recursive: true });
  writeFileSync(join(to, 'standby.signal'), '');
  const { uid, gid } = statSync(from);
  for (const name of ['', ...(readdirSync(to, { recursive: true }) as string[])]) chownSync(join(to, name), uid, gid);
}

/** Starts the standby in a directory, or starts it again. */
export const startReplica = (dataDir: string, primaryUrl: string): Promise<EmbeddedPostgres> =>
  startEmbeddedPostgres({ dataDir, log: () => undefined, settings: settingsOf(primaryUrl), restart: false });

/** Holds back what comes from the primary, or lets it in again: the replica answers, and grows old. */
export const holdReplica = (url: string, isHeld: boolean): Promise<void> =>
  withClient(url, async (client) => {
    await client.query(isHeld ? 'SELECT pg_wal_replay_pause()' : 'SELECT pg_wal_replay_resume()');
    if (!isHeld) return;
    // Pausing is asked for; it is so when the one who replays has taken notice.
    for (let state = ''; state !== 'paused';) {
      const { rows } = await client.query<{ state: string }>('SELECT pg_get_wal_replay_pause_state() AS state');
      state = rows[0]!.state;
    }
  });

/** An address that leads to a Postgres, and later to another one. */
export interface Door {
  readonly url: string;
  leadTo(url: string): void;
  close(): Promise<void>;
}

export async function openDoor(to: string): Promise<Door> {
  let target = new URL(to);
  const server = createServer((socket) => {
    const other = connect(Number(target.port), target.hostname);
    for (const [one, another] of [
      [socket, other],
      [other, socket],
    ] as const) {
      one.on('error', () => another.destroy());
      one.on('close', () => another.destroy());
      one.pipe(another);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(to);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    leadTo: (next) => void (target = new URL(next)),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
