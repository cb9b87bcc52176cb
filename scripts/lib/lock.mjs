import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from './failure.mjs';
import { inRoot } from './paths.mjs';

const directory = inRoot('.rollbook-setup');
const ownerFile = join(directory, 'pid');
const pollMs = 50;
/** A lock without an owner's name this old belongs to a process that died between the two calls that take it. */
const namelessMs = 5_000;
const giveUpMs = 15 * 60_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function isAbandoned() {
  try {
    return !isAlive(Number(readFileSync(ownerFile, 'utf8')));
  } catch {
    const since = statSync(directory, { throwIfNoEntry: false })?.mtimeMs;
    return since !== undefined && Date.now() - since > namelessMs;
  }
}

function tryTake() {
  try {
    mkdirSync(directory);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    if (error.code === 'ENOSPC') throw new Failure(`no disk space left in ${inRoot()}.`);
    throw new Failure(`cannot write to ${inRoot()} (${error.code}).`);
  }
  writeFileSync(ownerFile, String(process.pid));
  return true;
}

/** Runs `work` while no other process of this checkout installs or builds. */
export async function withSetupLock(work) {
  const deadline = Date.now() + giveUpMs;
  while (!tryTake()) {
    if (isAbandoned()) rmSync(directory, { recursive: true, force: true });
    else if (Date.now() > deadline)
      throw new Failure(`another process has been setting up for too long; if none is, remove ${directory}.`);
    else await delay(pollMs);
  }
  try {
    return await work();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
