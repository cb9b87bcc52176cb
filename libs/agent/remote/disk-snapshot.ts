import { createReadStream, type Dirent, type Stats } from 'node:fs';
import { constants, lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Header, type Pack } from 'tar-stream';
import { DISK_COMPLETE } from '../allocation/disk-archive.js';
import { isSafeName } from '../allocation/directories.js';
import { MAX_DISK_BYTES, MAX_DISK_FILES } from '../limits.js';
import { refusal } from './remote-error.js';

/**
 * What moves with an ephemeral disk, as a tar archive: `alloc/data`, and `local` of each task. Its last member says that it is whole: one
 * that was cut off ends like one that was not.
 *
 * @param root the directory of an allocation that is over
 * @throws RpcError if it holds more than may be moved
 */
export async function* diskSnapshot(root: string): AsyncGenerator<Buffer> {
  const archive = pack();
  const packing = packAll(root, archive).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error),
  );
  try {
    for await (const chunk of archive as AsyncIterable<Buffer>) yield chunk;
  } finally {
    archive.destroy();
    await packing;
  }
}

async function packAll(root: string, archive: Pack): Promise<void> {
  const budget = { files: 0, bytes: 0 };
  await packFolder(root, 'alloc/data', archive, budget);
  for (const { name } of await foldersOf(root))
    if (isSafeName(name)) await packFolder(root, `${name}/local`, archive, budget);
  await entry(archive, { name: DISK_COMPLETE, type: 'file', size: 0 });
}

const foldersOf = async (root: string): Promise<Dirent[]> =>
  (await readdir(root, { withFileTypes: true })).filter((found) => found.isDirectory());

type Member = Partial<Header> & Pick<Header, 'name'>;

interface Budget {
  files: number;
  bytes: number;
}

/** Packs a folder with all below it. What a task has put in its place, a link or nothing, does not move. */
async function packFolder(root: string, path: string, archive: Pack, budget: Budget): Promise<void> {
  const folder = join(root, path);
  const stats = await lstat(folder).catch(() => null);
  if (stats?.isDirectory() !== true) return;
  await entry(archive, header(path, stats, 'directory'));
  for (const { name } of await readdir(folder, { withFileTypes: true })) {
    if (++budget.files > MAX_DISK_FILES) throw refusal(`the disk has more than ${MAX_DISK_FILES} files`);
    const inner = `${path}/${name}`;
    const found = await lstat(join(root, inner));
    if (found.isDirectory()) await packFolder(root, inner, archive, budget);
    else if (found.isSymbolicLink())
      await entry(archive, { ...header(inner, found, 'symlink'), linkname: await readlink(join(root, inner)) });
    else if (found.isFile()) await packFile(root, inner, archive, budget);
  }
}

async function packFile(root: string, path: string, archive: Pack, budget: Budget): Promise<void> {
  const handle = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const stats = await handle.stat();
    budget.bytes += stats.size;
    if (budget.bytes > MAX_DISK_BYTES) throw refusal(`the disk has more than ${MAX_DISK_BYTES} bytes`);
    const size = { size: stats.size };
    if (stats.size === 0) return await entry(archive, { ...header(path, stats, 'file'), ...size });
    const content = createReadStream('', { fd: handle.fd, autoClose: false, start: 0, end: stats.size - 1 });
    await pipeline(content, archive.entry({ ...header(path, stats, 'file'), ...size }));
  } finally {
    await handle.close();
  }
}

const header = (name: string, { mode, uid, gid, mtime }: Stats, type: Header['type']): Member => ({
  name,
  mode: mode & 0o777,
  uid,
  gid,
  mtime,
  type,
});

/** A member without content. */
const entry = (archive: Pack, about: Member): Promise<void> =>
  new Promise((resolve, reject) => {
    archive.entry(about, '', (error) => (error ? reject(error) : resolve()));
  });
