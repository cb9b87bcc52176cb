import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { diskSnapshot } from '../remote/disk-snapshot.js';
import { DISK_COMPLETE, unpackDisk } from './disk-archive.js';

let root: string;
const { signal } = new AbortController();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'disk-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function diskOfATask(): Promise<string> {
  const from = join(root, 'from');
  await mkdir(join(from, 'alloc/data/deep/er'), { recursive: true });
  await mkdir(join(from, 'alloc/logs'), { recursive: true });
  await mkdir(join(from, 'web/local'), { recursive: true });
  await mkdir(join(from, 'web/secrets'), { recursive: true });
  await writeFile(join(from, 'alloc/data/deep/er/large'), Buffer.alloc(300_001, 'x'));
  await writeFile(join(from, 'alloc/data/empty'), '');
  await writeFile(join(from, 'alloc/logs/web.stdout.0'), 'a log');
  await writeFile(join(from, 'web/secrets/token'), 'a secret');
  await writeFile(join(from, 'web/local', `${'n'.repeat(120)}.sh`), '#!/bin/sh\n', { mode: 0o755 });
  await symlink('/etc/passwd', join(from, 'web/local/link'));
  await chmod(join(from, 'alloc/data/deep/er'), 0o500);
  return from;
}

it('moves data and local directories as they were: contents, modes, links, and neither logs nor secrets', async () => {
  const to = join(root, 'to');
  await unpackDisk(Readable.from(diskSnapshot(await diskOfATask())), to, signal);
  expect((await stat(join(to, 'alloc/data/deep/er/large'))).size).toBe(300_001);
  expect((await stat(join(to, 'alloc/data/deep/er'))).mode & 0o777).toBe(0o500);
  expect(await readFile(join(to, 'alloc/data/empty'), 'utf8')).toBe('');
  expect((await stat(join(to, 'web/local', `${'n'.repeat(120)}.sh`))).mode & 0o777).toBe(0o755);
  expect(await readlink(join(to, 'web/local/link'))).toBe('/etc/passwd');
  await expect(stat(join(to, 'alloc/logs'))).rejects.toThrow('ENOENT');
  await expect(stat(join(to, 'web/secrets'))).rejects.toThrow('ENOENT');
  await chmod(join(root, 'from/alloc/data/deep/er'), 0o700);
  await chmod(join(to, 'alloc/data/deep/er'), 0o700);
});

it('of a folder that a task has replaced by a link moves nothing', async () => {
  const from = join(root, 'from');
  await mkdir(join(from, 'alloc'), { recursive: true });
  await symlink('/etc', join(from, 'alloc/data'));
  const to = join(root, 'to');
  await unpackDisk(Readable.from(diskSnapshot(from)), to, signal);
  await expect(stat(join(to, 'alloc'))).rejects.toThrow('ENOENT');
});

it('a disk that is cut off between two files is none', async () => {
  const whole = await buffer(Readable.from(diskSnapshot(await diskOfATask())));
  await chmod(join(root, 'from/alloc/data/deep/er'), 0o700);
  const end = whole.indexOf(DISK_COMPLETE);
  await expect(unpackDisk(Readable.from([whole.subarray(0, end)]), join(root, 'to'), signal)).rejects.toThrow(
    'the disk was cut off on its way',
  );
});

it.each(['../outside', 'alloc/../../outside'])('refuses a file that would lie outside: %s', async (name) => {
  const archive = pack();
  archive.entry({ name }, 'x');
  archive.finalize();
  await expect(unpackDisk(archive as unknown as Readable, join(root, 'to'), signal)).rejects.toThrow(
    'leads outside of it',
  );
});

it('writes nothing through a link of the archive', async () => {
  const archive = pack();
  archive.entry({ name: 'alloc/data', type: 'symlink', linkname: root });
  archive.entry({ name: 'alloc/data/outside' }, 'x');
  archive.entry({ name: DISK_COMPLETE }, '');
  archive.finalize();
  await expect(unpackDisk(archive as unknown as Readable, join(root, 'to'), signal)).rejects.toThrow('EEXIST');
  await expect(stat(join(root, 'outside'))).rejects.toThrow('ENOENT');
});

it('makes no link through another link of the archive', async () => {
  const outside = await mkdtemp(join(root, 'outside-'));
  const archive = pack();
  archive.entry({ name: 'alloc/data/', type: 'directory' });
  archive.entry({ name: 'alloc/data/out', type: 'symlink', linkname: outside });
  archive.entry({ name: 'alloc/data/out/through', type: 'symlink', linkname: '/etc' });
  archive.entry({ name: DISK_COMPLETE }, '');
  archive.finalize();
  await expect(unpackDisk(archive as unknown as Readable, join(root, 'to'), signal)).rejects.toThrow('EEXIST');
  expect(await readdir(outside)).toEqual([]);
});

it.each([
  ['path', { name: `alloc/data/${'a/'.repeat(3_000)}`, type: 'symlink', linkname: 'b' }],
  ['link', { name: 'alloc/data/a', type: 'symlink', linkname: 'b'.repeat(5_000) }],
] as const)('remembers no %s that no file system takes', async (_, header) => {
  const archive = pack();
  archive.entry({ ...header });
  archive.finalize();
  await expect(unpackDisk(archive as unknown as Readable, join(root, 'to'), signal)).rejects.toThrow('is too long');
});
