import type { Stats } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { allocationDirectory, isAllocationId } from '../allocation/directories.js';
import { goFileMode } from './go-file-mode.js';
import { refusal } from './remote-error.js';

/** What is told of a file; `ModTime` is RFC 3339. spec/http-api-client §2.1. */
export interface FileInfo {
  readonly Name: string;
  readonly IsDir: boolean;
  readonly Size: number;
  readonly FileMode: string;
  readonly ModTime: string;
  readonly ContentType: string;
}

const SNIFFED_BYTES = 512;
/** What only the task itself may read. */
const SECRET = /^[^/]+\/(secrets|private)(\/|$)/;
const TEXTS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file or directory'],
  ['ENOTDIR', 'not a directory'],
  ['EACCES', 'permission denied'],
  ['ELOOP', 'too many levels of symbolic links'],
  ['ENAMETOOLONG', 'file name too long'],
]);

/** The files of the allocations of an agent, as others may see them: nothing outside of the allocation, links included. */
export class AllocationFiles {
  constructor(private readonly dataDir: string) {}

  /** Where a path of an allocation is on this disk. @throws RpcError for a path that leads outside */
  async resolve(allocationId: string, path: string): Promise<string> {
    const root = this.rootOf(allocationId);
    const wanted = resolve(root, `.${sep}${path}`);
    if (!within(root, wanted) || path.includes('\0')) throw refusal('Path escapes the alloc directory');
    // Links may lead anywhere: where the nearest part that exists really is decides.
    const real = await realExisting(wanted);
    const realRoot = await realpath(root).catch(() => root);
    if (!within(realRoot, real) && !within(real, realRoot)) throw refusal('Path escapes the alloc directory');
    return wanted;
  }

  /** @throws RpcError as Go's texts say */
  async list(allocationId: string, path: string): Promise<FileInfo[]> {
    const folder = await this.resolve(allocationId, path);
    const names = await readdir(folder).catch((error: unknown) => fail('open', folder, error));
    const all = await Promise.all(
      names.sort().map(async (name) => {
        const stats = await lstat(join(folder, name)).catch(() => undefined);
        return stats && info(name, stats, '');
      }),
    );
    return all.filter((one) => one !== undefined);
  }

  /** @throws RpcError as Go's texts say */
  async stat(
    allocationId: string,
    path: string,
    contentTypeOf: (path: string, head: Buffer) => string,
  ): Promise<FileInfo> {
    const file = await this.resolve(allocationId, path);
    const stats = await stat(file).catch((error: unknown) => fail('stat', file, error));
    const type = stats.isFile() ? contentTypeOf(file, await headOf(file)) : 'application/octet-stream';
    return info(file.slice(file.lastIndexOf(sep) + 1), stats, type);
  }

  /** A file to be read. @throws RpcError with a status, for what is missing, a directory or secret */
  async readable(allocationId: string, path: string): Promise<string> {
    const file = await this.resolve(allocationId, path);
    const inside = relative(this.rootOf(allocationId), file);
    if (SECRET.test(inside)) throw refusal(`Reading secret file prohibited: ${path}`, 500);
    const stats = await stat(file).catch((error: unknown) => fail('stat', file, error, 400));
    if (stats.isDirectory()) throw refusal(`file ${JSON.stringify(path)} is a directory`, 400);
    return file;
  }

  /** Whether anything of the allocation is still here. */
  async isKept(allocationId: string): Promise<boolean> {
    return isAllocationId(allocationId) && (await stat(this.rootOf(allocationId)).catch(() => null)) !== null;
  }

  private rootOf(allocationId: string): string {
    if (!isAllocationId(allocationId)) throw refusal(`Unknown allocation "${allocationId}"`, 404);
    return resolve(allocationDirectory(this.dataDir, allocationId));
  }
}

const within = (root: string, path: string): boolean => path === root || path.startsWith(root + sep);

async function realExisting(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const real = await realpath(at).catch(() => undefined);
    if (real !== undefined) return at === path ? real : join(real, relative(at, path));
    if (dirname(at) === at) return path;
  }
}

const info = (name: string, stats: Stats, type: string): FileInfo => ({
  Name: name,
  IsDir: stats.isDirectory(),
  Size: stats.size,
  FileMode: goFileMode(stats),
  ModTime: stats.mtime.toISOString(),
  ContentType: type,
});

function fail(call: string, path: string, error: unknown, status?: number): never {
  const { code = '', message } = error as NodeJS.ErrnoException;
  throw refusal(`${call} ${path}: ${TEXTS.get(code) ?? message}`, status);
}

async function headOf(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
