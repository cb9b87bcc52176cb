import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { StartupError } from '../startup-error.js';
import type { PostgresBinaries } from './binaries.js';
import type { Account } from './unprivileged.js';
import { accountFor, giveTo, spawnUnprivileged } from './unprivileged.js';

const MAJOR_VERSION = '18';
const DRAFT_PREFIX = 'postgres.new';
const SUPERUSER = 'rollbook';
export const DATABASE = 'rollbook';

/** How to reach a database of an embedded cluster; the server's own unless another is named. */
export const databaseUrlOf = (password: string, port: number, database = DATABASE): string =>
  `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;

/** A Postgres data directory and what is kept beside it. */
export interface Cluster {
  readonly directory: string;
  readonly logFile: string;
  readonly password: string;
  readonly account: Account | undefined;
}

/** For the owner's eyes only. */
const PRIVATE = 0o600;

/** Runs a program to its end and gives what it wrote. @throws Error with that when it fails. */
function finish(child: ReturnType<typeof spawnUnprivileged>, name: string): Promise<void> {
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));
  return new Promise((fulfil, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? fulfil() : reject(new Error(`${name} failed: ${output.trim()}`))));
  });
}

function readOrDrawPassword(file: string, clusterExists: boolean): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  if (clusterExists)
    throw new StartupError(`${file} is missing, so the database beside it cannot be opened; restore that file.`);
  const password = randomBytes(24).toString('base64url');
  // On disk before the cluster that it opens.
  writeFileSync(file, `${password}\n`, { mode: PRIVATE, flush: true });
  return password;
}

/** Renames so that it holds after a power failure too. */
function renameDurably(from: string, to: string): void {
  renameSync(from, to);
  const parent = openSync(dirname(to), 'r');
  fsyncSync(parent);
  closeSync(parent);
}

/**
 * The cluster under a data directory, made if there is none. It is made under another name and renamed when it is complete: a start that was
 * killed half-way leaves nothing that looks like a cluster.
 */
export async function openCluster(
  dataDir: string,
  binaries: PostgresBinaries,
  initdbArgs: readonly string[],
): Promise<Cluster> {
  const parent = realpathSync(resolve(dataDir));
  const directory = join(parent, 'postgres');
  const exists = existsSync(directory);
  const password = readOrDrawPassword(join(parent, 'postgres.password'), exists);
  const account = accountFor(directory);
  const cluster: Cluster = { directory, logFile: join(parent, 'postgres.log'), password, account };
  if (exists) {
    const version = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
    if (version !== MAJOR_VERSION)
      throw new StartupError(`${directory} was made by Postgres ${version}; this release needs ${MAJOR_VERSION}.`);
    return cluster;
  }
  for (const leftOver of readdirSync(parent).filter((name) => name.startsWith(DRAFT_PREFIX))) {
    rmSync(join(parent, leftOver), { recursive: true, force: true });
  }
  const draft = join(parent, DRAFT_PREFIX);
  mkdirSync(draft, { mode: 0o700 });
  const passwordFile = join(parent, `${DRAFT_PREFIX}.password`);
  writeFileSync(passwordFile, `${password}\n`, { mode: PRIVATE });
  giveTo(account, draft);
  giveTo(account, passwordFile);
  try {
    const identity = [`--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
    // Texts sort by code point: the same on every machine, and what "C" indexes need.
    const args = [`--pgdata=${draft}`, ...identity, '--encoding=UTF8', '--locale=C', ...initdbArgs];
    await finish(
      spawnUnprivileged({
        program: binaries.initdb,
        args,
        account,
        directory: draft,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
      'initdb',
    );
    renameDurably(draft, directory);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  return cluster;
}
