import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { chownSync, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StartupError } from '../startup-error.js';

/** Postgres refuses to run as root: whom it runs as instead. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const ROOT = 0;
/** In this order; neither is created, as that would change the machine. */
const CANDIDATES = ['postgres', 'nobody'];

const isRoot = (): boolean => process.getuid?.() === ROOT;

function lookUp(user: string): Account | undefined {
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

/**
 * The account for the cluster in a directory: `undefined` unless we are root. A cluster that exists keeps its owner.
 * @throws StartupError when root finds no account to use.
 */
export function accountFor(directory: string): Account | undefined {
  if (!isRoot()) return undefined;
  const owner = statSync(directory, { throwIfNoEntry: false });
  if (owner && owner.uid !== ROOT) return { uid: owner.uid, gid: owner.gid };
  const account = CANDIDATES.map(lookUp).find((found) => found !== undefined);
  if (!account)
    throw new StartupError(
      'Postgres cannot run as root and this machine has no user "postgres" or "nobody"; start as an ordinary user.',
    );
  return account;
}

export function giveTo(account: Account | undefined, path: string): void {
  if (account) chownSync(path, account.uid, account.gid);
}

/** Whether every directory above a path lets the account pass. */
function canReach({ uid, gid }: Account, path: string): boolean {
  const directory = dirname(path);
  const { uid: owner, gid: group, mode } = statSync(directory);
  const passes = (mode & (owner === uid ? 0o100 : group === gid ? 0o010 : 0o001)) !== 0;
  return passes && (directory === path || directory === '/' || canReach({ uid, gid }, directory));
}

interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly account: Account | undefined;
  /** A path the program must reach, beside itself. */
  readonly directory: string;
  readonly stdio: StdioOptions;
}

/**
 * A program of Postgres under its account, in a session of its own: Ctrl-C in a terminal is for the server, which stops Postgres when it is done.
 *
 * Root's clones often lie where nobody else may enter (/root, a private temporary directory). Then the account gets the one capability to
 * pass such directories, by setpriv of util-linux; `no_setuid_fixup` because access(2), which Postgres asks too, would ignore it otherwise.
 */
export function spawnUnprivileged({ program, args, account, directory, stdio }: Command): ChildProcess {
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };
  const common = { stdio, env, cwd: '/', detached: true } as const;
  if (!account || (canReach(account, program) && canReach(account, directory)))
    return spawn(program, args, { ...common, ...account });
  const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
  if (!setpriv) {
    throw new StartupError(
      `Postgres cannot run as root, and other users cannot enter ${dirname(directory)}; start as an ordinary user or set ROLLBOOK_DATA_DIR elsewhere.`,
    );
  }
  const identity = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups'];
  const passage = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override', '--securebits=+no_setuid_fixup'];
  return spawn(setpriv, [...identity, ...passage, program, ...args], common);
}
