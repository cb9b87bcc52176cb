import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chown, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';

/** Whose a task's own files and directories are, where that is not the agent. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const within = (root: string, path: string): boolean => path === root || path.startsWith(root + sep);

/**
 * Where a path of a job lies: relative to the first folder, or absolute in one of them, links included. What is absolute and in none is
 * taken as relative, as Nomad does.
 * @throws Error if it lies outside of all folders
 */
export async function placeInside(folders: readonly string[], path: string): Promise<string> {
  const target = lexically(folders, path);
  if (!(await isInside(folders, await present(target)))) throw outside(path);
  return target;
}

function lexically(folders: readonly string[], path: string): string {
  const [root = ''] = folders;
  const isPlaced = isAbsolute(path) && folders.some((folder) => within(folder, resolve(path)));
  const target = isPlaced ? resolve(path) : resolve(root, `.${sep}${path}`);
  if (path.includes('\0') || !folders.some((folder) => within(folder, target))) throw outside(path);
  return target;
}

const outside = (path: string): Error => new Error(`${path} lies outside of the task directory`);

/** @param path a real one */
async function isInside(folders: readonly string[], path: string): Promise<boolean> {
  const roots = await Promise.all(folders.map((folder) => realpath(folder)));
  return roots.some((folder) => within(folder, path));
}

/** As much of a path as is there. */
async function present(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    return present(dirname(path));
  }
}

/**
 * Reads a file that a task can reach, as a text. A pipe that it has put there is not waited for.
 * @throws Error if it is not there, is no file, or is larger
 */
export async function readBounded(path: string, mostBytes: number): Promise<string> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error(`${path} is no file`);
    if (stats.size > mostBytes) throw new Error(`${path} is larger than ${mostBytes} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** How a file is written. */
export interface FileLook {
  readonly mode: number;
  readonly owner: Owner | null;
}

/**
 * Writes a file within one of these folders, by a new file that takes the place of the old one: a link that a task has left there is not followed.
 * @throws Error if it would lie outside
 */
export async function writeInside(
  folders: readonly string[],
  path: string,
  content: string | Buffer,
  { mode, owner }: FileLook,
): Promise<void> {
  const target = lexically(folders, path);
  if (folders.includes(target)) throw outside(path);
  // Not even a folder is made behind a link. What stands at the place itself is replaced, wherever it leads.
  if (!(await isInside(folders, await present(dirname(target))))) throw outside(path);
  await mkdir(dirname(target), { recursive: true });
  const folder = await realpath(dirname(target));
  if (!(await isInside(folders, folder))) throw outside(path);
  const draft = join(folder, `.${randomBytes(8).toString('hex')}`);
  try {
    const handle = await open(draft, 'wx', mode);
    try {
      await handle.writeFile(content);
      // Whatever the umask of the agent says.
      await handle.chmod(mode);
    } finally {
      await handle.close();
    }
    if (owner) await chown(draft, owner.uid, owner.gid);
    await rename(draft, join(folder, basename(target)));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
