import { constants, readdirSync, rmSync, statSync } from 'node:fs';
import { chmod, lstat, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MAX_ENDED_DIRECTORIES } from '../limits.js';
import { writeInside, type Owner } from './task-files.js';

/** Where a task lives, as Nomad lays it out. */
export interface TaskDirectories {
  /** Shared by the tasks of the allocation: NOMAD_ALLOC_DIR. */
  readonly shared: string;
  readonly task: string;
  /** NOMAD_TASK_DIR */
  readonly local: string;
  readonly secrets: string;
  /** The agent's own notes on the task. */
  readonly executor: string;
  /** Files of logs are called so, with a dot and a number behind. */
  readonly logs: { readonly stdout: string; readonly stderr: string };
}

const ALLOCATION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Names become parts of paths that are written to and deleted: whatever could lead elsewhere is refused. */
export const isSafeName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && name !== 'alloc' && !/[/\\\0]/.test(name);
export const isAllocationId = (id: string): boolean => ALLOCATION_ID.test(id);

/** `<dataDir>/alloc/<id>` */
export const allocationDirectory = (dataDir: string, allocationId: string): string =>
  join(dataDir, 'alloc', allocationId);

export function taskDirectories(dataDir: string, allocationId: string, taskName: string): TaskDirectories {
  const allocation = allocationDirectory(dataDir, allocationId);
  const shared = join(allocation, 'alloc');
  const task = join(allocation, taskName);
  return {
    shared,
    task,
    local: join(task, 'local'),
    secrets: join(task, 'secrets'),
    executor: join(task, 'executor'),
    logs: {
      stdout: join(shared, 'logs', `${taskName}.stdout`),
      stderr: join(shared, 'logs', `${taskName}.stderr`),
    },
  };
}

/** A file that a task finds in its local directory: the payload of a dispatched job. */
export interface TaskFile {
  readonly name: string;
  readonly content: Buffer;
}

/** Nomad's modes, whatever the agent's umask says: what is within an allocation is open, and the allocation itself is not. */
const OPEN = 0o777;
const OPEN_STICKY = 0o1777;
const CLOSED = 0o700;
const OTHERS = 0o077;
const PASSED_THROUGH = 0o711;
const PAYLOAD = 0o644;

/** The directory of an allocation, which nobody but the agent's user enters. */
export async function createAllocationDirectory(dataDir: string, allocationId: string): Promise<string> {
  const allocation = allocationDirectory(dataDir, allocationId);
  await mkdir(dirname(allocation), { recursive: true, mode: PASSED_THROUGH });
  await mkdir(allocation, { recursive: true, mode: CLOSED });
  return allocation;
}

/**
 * Makes the directories of a task; harmless when they are there. Nobody but the agent's user enters an allocation, unless one of its tasks
 * has a user of its own; then secrets are that user's alone.
 * @throws Error if the file would lie outside of them.
 */
export async function createTaskDirectories(
  directories: TaskDirectories,
  file: TaskFile | null,
  owner: Owner | null = null,
): Promise<void> {
  const { shared, task, local, secrets, executor } = directories;
  const allocation = dirname(task);
  await mkdir(dirname(allocation), { recursive: true, mode: PASSED_THROUGH });
  await mkdir(allocation, { recursive: true, mode: CLOSED });
  if (owner !== null) await letThrough(allocation);
  const openToAll = [shared, ...['data', 'logs', 'tmp'].map((name) => join(shared, name)), join(task, 'private')];
  for (const folder of openToAll) await make(folder, OPEN);
  for (const folder of [task, local]) await make(folder, OPEN, owner);
  await make(join(task, 'tmp'), OPEN_STICKY, owner);
  // An earlier release let others into the allocation itself.
  const isClosed = ((await stat(allocation)).mode & OTHERS) === 0;
  await make(secrets, isClosed ? OPEN : CLOSED, owner);
  await make(executor, CLOSED);
  if (file !== null) await writeInside([local], file.name, file.content, { mode: PAYLOAD, owner: null });
}

/** The task owns what is around the folder: a link that it has put in its place is not followed. @throws Error */
async function make(folder: string, mode: number, owner: Owner | null = null): Promise<void> {
  await mkdir(folder, { recursive: true });
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await handle.chmod(mode);
    if (owner !== null) await handle.chown(owner.uid, owner.gid);
  } finally {
    await handle.close();
  }
}

/** Others come to their own directories; nobody lists what is there, and the secrets of all its tasks are closed from now on. */
async function letThrough(allocation: string): Promise<void> {
  // The data directory of an earlier release let nobody through.
  for (const folder of [resolve(allocation, '../..'), allocation]) await chmod(folder, PASSED_THROUGH);
  for (const name of entries(allocation)) {
    const secrets = join(allocation, name, 'secrets');
    if ((await lstat(secrets).catch(() => null))?.isDirectory()) await make(secrets, CLOSED);
  }
}

/** Removes all that an allocation has left. */
export async function removeAllocationDirectory(dataDir: string, allocationId: string): Promise<void> {
  if (isAllocationId(allocationId)) {
    await rm(allocationDirectory(dataDir, allocationId), { recursive: true, force: true });
  }
}

/** Removes the directories of ended allocations but for the newest; they are kept for their logs. */
export function pruneEndedDirectories(
  dataDir: string,
  isKnown: (allocationId: string) => boolean,
  most = MAX_ENDED_DIRECTORIES,
): void {
  const root = join(dataDir, 'alloc');
  const ended = entries(root)
    .filter((id) => isAllocationId(id) && !isKnown(id))
    .map((id) => ({ id, time: statSync(join(root, id), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.time - a.time);
  for (const { id } of ended.slice(most)) rmSync(join(root, id), { recursive: true, force: true });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
