import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { PostgresBinaries } from './binaries.js';
import type { Cluster } from './cluster.js';
import { commandLineOf, isAlive, waitUntil } from './live-process.js';
import { spawnUnprivileged } from './unprivileged.js';

const START_BOUND_MS = 60_000;
const FAST_STOP_BOUND_MS = 25_000;
const IMMEDIATE_STOP_BOUND_MS = 5_000;
const LOG_TAIL_BYTES = 4_000;
const LARGEST_LOG_BYTES = 10 * 2 ** 20;

/** Durable as shipped: fsync, full_page_writes and synchronous_commit are on unless a caller says otherwise. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // TCP only: a socket's path may be too long for where the data lies.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '128MB',
  synchronous_commit: 'on',
  fsync: 'on',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** The lines of postmaster.pid: pid, data directory, start, port, socket directory, address, shared memory, status. */
function readPidFile(
  directory: string,
): { readonly pid: number; readonly port: number; readonly status: string } | undefined {
  try {
    const lines = readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]), status: (lines[7] ?? '').trim() };
  } catch {
    return undefined;
  }
}

/** Ends a Postgres by its pid: fast (rolls back, checkpoints), then immediate (recovery at the next start), then the hard way. */
async function stopByPid(pid: number): Promise<void> {
  const ended = () => !isAlive(pid);
  const attempts = [
    ['SIGINT', FAST_STOP_BOUND_MS],
    ['SIGQUIT', IMMEDIATE_STOP_BOUND_MS],
    ['SIGKILL', IMMEDIATE_STOP_BOUND_MS],
  ] as const;
  for (const [signal, boundMs] of attempts) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    if (await waitUntil(ended, boundMs)) return;
  }
  throw new Error(`Postgres (process ${pid}) does not end`);
}

/** What the pid file says, if it speaks of a Postgres that runs on this directory. */
function readRunning(directory: string): ReturnType<typeof readPidFile> {
  const found = readPidFile(directory);
  return found && isAlive(found.pid) && commandLineOf(found.pid).includes(`-D ${directory} `) ? found : undefined;
}

/** The pid of the Postgres that runs on this directory: ours, or the one that a killed server left. */
export const runningPid = ({ directory }: Pick<Cluster, 'directory'>): number | undefined =>
  readRunning(directory)?.pid;

/** The port on which the Postgres of this directory takes connections now. */
export function runningPort(directory: string): number | undefined {
  const found = readRunning(directory);
  return found?.status === 'ready' ? found.port : undefined;
}

/**
 * Stops the Postgres that runs on this directory, if one does. A pid file whose pid has gone to another program is removed, as Postgres would
 * take that program for itself; one whose pid is dead is left, as Postgres finds by it whether children of that one are still there. To be
 * called with the directory's lock held.
 * @returns the pid that was stopped, if one was.
 */
export async function stopRunning(cluster: Cluster): Promise<number | undefined> {
  const pid = runningPid(cluster);
  if (pid !== undefined) {
    await stopByPid(pid);
    return pid;
  }
  const found = readPidFile(cluster.directory);
  if (found && isAlive(found.pid)) rmSync(join(cluster.directory, 'postmaster.pid'), { force: true });
  return undefined;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

function openLog(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LARGEST_LOG_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}

/** Postgres did not start; the message ends with what it logged. */
export class PostgresStartFailure extends Error {
  override readonly name = 'PostgresStartFailure';
}

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** Fulfilled when the process has ended, for whatever reason. */
  readonly ended: Promise<string>;
}

interface PostmasterOptions {
  readonly cluster: Cluster;
  readonly binaries: PostgresBinaries;
  readonly port: number;
  readonly settings?: Readonly<Record<string, string>>;
}

const describeEnd = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.on('error', (error) => resolve(error.message));
  });

/**
 * Starts Postgres and waits until it accepts connections. It logs to a file, so that it outlives a killed server in good order.
 * @throws PostgresStartFailure
 */
export async function startPostmaster({
  cluster,
  binaries,
  port,
  settings = {},
}: PostmasterOptions): Promise<Postmaster> {
  const flags = Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openLog(cluster.logFile);
  const before = statSync(cluster.logFile).size;
  const child = spawnUnprivileged({
    program: binaries.postgres,
    args: ['-D', cluster.directory, '-p', String(port), ...flags],
    account: cluster.account,
    directory: cluster.directory,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let endedWith: string | undefined;
  const ended = describeEnd(child).then((how) => (endedWith = how));
  const isReady = () => {
    const file = readPidFile(cluster.directory);
    return file !== undefined && file.pid === child.pid && file.port === port && file.status === 'ready';
  };
  const settled = await waitUntil(() => endedWith !== undefined || isReady(), START_BOUND_MS);
  if (endedWith !== undefined || !settled || child.pid === undefined) {
    if (endedWith === undefined) child.kill('SIGQUIT');
    const logged = readFileSync(cluster.logFile).subarray(before).subarray(-LOG_TAIL_BYTES).toString();
    throw new PostgresStartFailure(
      `Postgres did not start (${endedWith ?? `not ready after ${START_BOUND_MS} ms`}): ${logged.trim()}`,
    );
  }
  // Stopping is our shutdown's business; the process must not hold the event loop open.
  child.unref();
  return { pid: child.pid, port, ended };
}
