import { statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { explainWriteFailure, StartupError } from '../startup-error.js';
import { findBinaries } from './binaries.js';
import type { PostgresBinaries } from './binaries.js';
import type { Cluster } from './cluster.js';
import { DATABASE, databaseUrlOf, openCluster } from './cluster.js';
import { lockDirectory } from './directory-lock.js';
import type { Postmaster } from './postmaster.js';
import { freePort, PostgresStartFailure, runningPid, startPostmaster, stopRunning } from './postmaster.js';

const PORT_ATTEMPTS = 5;
/** A new cluster takes 40 MB, its first write-ahead log as much again. */
const LEAST_FREE_MB = 200;
const RESTART_ATTEMPTS = 60;
const RESTART_PAUSE_MS = 500;

export interface EmbeddedPostgresOptions {
  /** The cluster goes to `<dataDir>/postgres`, its log and password beside it. */
  readonly dataDir: string;
  readonly log: (message: string) => void;
  /** Postgres settings beside the built-in ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Further arguments for initdb when the cluster is made. */
  readonly initdbArgs?: readonly string[];
  /** Whether Postgres is started again when it ends by itself. Default: yes. */
  readonly restart?: boolean;
}

export interface EmbeddedPostgres {
  /** `postgres://…` of the database `rollbook`; the same until `stop`. */
  readonly url: string;
  /** The postmaster's pid, now. */
  readonly pid: () => number;
  /** Ends Postgres in good order and gives the directory free. */
  readonly stop: () => Promise<void>;
}

function requireFreeSpace(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  const freeMb = Math.floor((bavail * bsize) / 2 ** 20);
  if (freeMb < LEAST_FREE_MB) {
    throw new StartupError(
      `there is not enough disk space in ${directory}: ${freeMb} MB are free, Postgres needs ${LEAST_FREE_MB} MB.`,
    );
  }
}

async function ensureDatabase(cluster: Cluster, port: number): Promise<void> {
  const client = new Client({ connectionString: databaseUrlOf(cluster.password, port, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(DATABASE)}`);
  } finally {
    await client.end();
  }
}

const isPortTaken = (error: unknown): boolean =>
  error instanceof PostgresStartFailure && /could not bind|could not create any TCP\/IP sockets/.test(error.message);

/** Starts on a free port; another program may take the port in between, then on another. */
async function startOnFreePort(
  cluster: Cluster,
  binaries: PostgresBinaries,
  settings: Readonly<Record<string, string>>,
): Promise<Postmaster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startPostmaster({ cluster, binaries, settings, port: await freePort() });
    } catch (error) {
      if (!isPortTaken(error) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** The sentence for what Postgres said about itself, where there is one. */
function explain(error: unknown, directory: string): unknown {
  if (error instanceof Error && /No space left on device/.test(error.message)) {
    return new StartupError(`there is no disk space left in ${directory}.`, 1, { cause: error });
  }
  if (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ENOENT' &&
    'syscall' in error &&
    String(error.syscall).startsWith('spawn')
  ) {
    return new StartupError(
      'the embedded Postgres cannot run on this system (it needs glibc); set DATABASE_URL to a Postgres 18.',
      1,
      { cause: error },
    );
  }
  return explainWriteFailure(error, directory);
}

/**
 * A real Postgres 18 of our own, kept between runs. One process at a time has a directory. When the former one was killed, its Postgres is found
 * and stopped first; when Postgres itself dies it is started again, on the same port.
 *
 * States: starting → running ⇄ restarting → stopped. `stop` ends each of them; a restart that is under way sees it before its next attempt.
 * @throws StartupError with one sentence for what the user can mend.
 */
export async function startEmbeddedPostgres({
  dataDir,
  log,
  settings = {},
  initdbArgs = [],
  restart = true,
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = findBinaries();
  const directory = resolve(dataDir);
  const lock = lockDirectory(directory);
  let postmaster: Postmaster;
  let cluster: Cluster;
  try {
    requireFreeSpace(directory);
    cluster = await openCluster(directory, binaries, initdbArgs);
    const orphan = await stopRunning(cluster);
    if (orphan !== undefined) log(`stopped the Postgres of a run that was killed (process ${orphan})`);
    postmaster = await startOnFreePort(cluster, binaries, settings);
  } catch (error) {
    lock.release();
    throw explain(error, directory);
  }
  const { port } = postmaster;
  let stopping: Promise<void> | undefined;
  let restarting: Promise<void> = Promise.resolve();

  async function startAgain(how: string): Promise<void> {
    log(`Postgres has ended (${how}); starting it again`);
    for (let attempt = 1; attempt <= RESTART_ATTEMPTS && !stopping; attempt++) {
      try {
        await stopRunning(cluster);
        postmaster = await startPostmaster({ cluster, binaries, settings, port });
        watch(postmaster);
        log(`Postgres runs again (process ${postmaster.pid})`);
        return;
      } catch (error) {
        // The dead one's children hold its memory until they have noticed.
        if (attempt === RESTART_ATTEMPTS) log(`Postgres cannot be started again: ${String(error)}`);
        await delay(RESTART_PAUSE_MS);
      }
    }
  }

  function watch(watched: Postmaster): void {
    void watched.ended.then((how) => {
      if (!stopping) restarting = startAgain(how);
    });
  }

  async function stop(): Promise<void> {
    await restarting;
    await stopRunning(cluster);
    process.off('exit', endAtExit);
    lock.release();
  }

  /** For a process that exits without `stop`, as after a failed start: Postgres ends by itself then, the next start waits for that. */
  function endAtExit(): void {
    const pid = runningPid(cluster);
    if (pid !== undefined) process.kill(pid, 'SIGINT');
    lock.release();
  }

  process.on('exit', endAtExit);
  if (restart) watch(postmaster);
  const handle: EmbeddedPostgres = {
    url: databaseUrlOf(cluster.password, port),
    pid: () => postmaster.pid,
    stop: () => (stopping ??= stop()),
  };
  try {
    await ensureDatabase(cluster, port);
  } catch (error) {
    await handle.stop();
    throw explain(error, directory);
  }
  return handle;
}
