import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { explainWriteFailure, StartupError } from '../startup-error.js';
import { isAlive, startOf } from './live-process.js';

const LOCK_NAME = 'rollbook.lock';
const ATTEMPTS = 20;

interface Owner {
  readonly pid: number;
  /** Tells the owner from a later process that got its pid. */
  readonly start: string;
}

export interface DirectoryLock {
  readonly release: () => void;
}

function readOwner(file: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // Not ours or torn by a crash: nobody who is alive holds it.
    return { pid: 0, start: '' };
  }
}

const isHeld = ({ pid, start }: Owner): boolean => pid > 0 && isAlive(pid) && startOf(pid) === start;
const isSame = (a: Owner | undefined, b: Owner): boolean => a?.pid === b.pid && a.start === b.start;

/**
 * Sets aside the lock that a killed process left. Two starters may both find it: the one that comes second would move the first one's new
 * lock away, so what was moved is looked at and, if it is another one, put back.
 */
function setAside(file: string, stale: Owner, aside: string): void {
  try {
    renameSync(file, aside);
    if (!isSame(readOwner(aside), stale)) linkSync(aside, file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Makes a data directory this process's own until `release` or its end, however it ends. Creates the directory if it is missing.
 * @throws StartupError when another live process holds it, or it cannot be written.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const file = join(resolve(directory), LOCK_NAME);
  const mine: Owner = { pid: process.pid, start: startOf(process.pid) };
  const draft = `${file}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw explainWriteFailure(error, resolve(directory));
  }
  try {
    writeFileSync(draft, JSON.stringify(mine));
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        // A link appears at once and with its content, or not at all.
        linkSync(draft, file);
        return { release: () => isSame(readOwner(file), mine) && rmSync(file, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = readOwner(file);
      if (owner && isHeld(owner)) {
        throw new StartupError(
          `${resolve(directory)} is in use by another run (process ${owner.pid}); stop it or set ROLLBOOK_DATA_DIR to another directory.`,
        );
      }
      if (owner) setAside(file, owner, `${draft}.stale`);
    }
  } catch (error) {
    throw explainWriteFailure(error, resolve(directory));
  } finally {
    rmSync(draft, { force: true });
  }
  throw new StartupError(`${resolve(directory)} is being taken by several runs at once; start again.`);
}
