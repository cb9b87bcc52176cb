import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Task } from '@app/domain';
import { pack, type Header } from 'tar-stream';
import { taskDirectories, type TaskDirectories } from '../allocation/directories.js';
import { allocationId, mockTask } from '../testing/builders.js';
import { TaskArtifacts } from './task-artifacts.js';
import { unpack } from './unpack.js';

type Member = readonly [header: Partial<Header> & { name: string }, content?: string];

async function tarOf(...members: readonly Member[]): Promise<Buffer> {
  const made = pack();
  for (const [header, content = ''] of members) made.entry(header, content);
  made.finalize();
  return buffer(made);
}

/** A zip whose members are not compressed; `mode` as Unix has it. */
function zipOf(...members: readonly { name: string; content: string; mode?: number }[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  for (const { name, content, mode = 0o100644 } of members) {
    const [bytes, data] = [Buffer.from(name), Buffer.from(content)];
    const offset = Buffer.concat(locals).length;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt32LE(crc32(data), 14);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(bytes.length, 26);
    locals.push(local, bytes, data);
    const head = Buffer.alloc(46);
    head.writeUInt32LE(0x02014b50, 0);
    head.writeUInt16LE(0x0314, 4);
    head.writeUInt16LE(20, 6);
    head.writeUInt32LE(crc32(data), 16);
    head.writeUInt32LE(data.length, 20);
    head.writeUInt32LE(data.length, 24);
    head.writeUInt16LE(bytes.length, 28);
    head.writeUInt32LE((mode << 16) >>> 0, 38);
    head.writeUInt32LE(offset, 42);
    central.push(head, bytes);
  }
  const [body, directory] = [Buffer.concat(locals), Buffer.concat(central)];
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(body.length, 16);
  return Buffer.concat([body, directory, end]);
}

let server: Server;
let base: string;
let dataDir: string;
let directories: TaskDirectories;
const files = new Map<string, Buffer>();
const requests: { readonly url: string; readonly headers: IncomingHttpHeaders }[] = [];
let begun = 0;
let stopping: AbortController;

const serve: RequestListener = (request, response): void => {
  const url = request.url ?? '';
  requests.push({ url, headers: request.headers });
  const [path = ''] = url.split('?');
  if (path.startsWith('/moved/')) return void response.writeHead(302, { location: path.slice('/moved'.length) }).end();
  if (path === '/loop') return void response.writeHead(302, { location: '/loop' }).end();
  if (path === '/away')
    return void response.writeHead(302, { location: base.replace('127.0.0.1', 'localhost') + '/file.txt' }).end();
  if (path === '/ftp') return void response.writeHead(302, { location: 'ftp://x/y' }).end();
  if (path === '/cut')
    return void response.writeHead(200, { 'content-length': 100 }).write('x', () => response.destroy());
  const file = files.get(path);
  if (file === undefined) response.writeHead(404).end('none');
  else response.end(file);
};

beforeAll(async () => {
  server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tree = await tarOf(
    [{ name: 'top/', type: 'directory' }],
    [{ name: 'top/run', mode: 0o755 }, '#!/bin/sh\n'],
    [{ name: 'top/deep/er/file' }, 'deep'],
    [{ name: 'top/link', type: 'symlink', linkname: 'deep/er/file' }],
    [{ name: 'top/hard', type: 'link', linkname: 'top/run' }],
  );
  files.set('/file.txt', Buffer.from('content'));
  files.set('/tree.tar', tree);
  files.set('/tree.tar.gz', gzipSync(tree));
  files.set('/tree.tgz', gzipSync(tree));
  files.set('/tree.tar.zst', zstdCompressSync(tree));
  files.set('/one.tar.gz', gzipSync(await tarOf([{ name: 'only', mode: 0o755 }, 'one'])));
  files.set('/words.gz', gzipSync('words'));
  files.set('/no-ending', gzipSync(tree));
  files.set(
    '/tree.zip',
    zipOf(
      { name: 'a/run', content: 'sh', mode: 0o100755 },
      { name: 'b', content: 'bb' },
      { name: 'link', content: 'a/run', mode: 0o120777 },
    ),
  );
  files.set('/up.tar', await tarOf([{ name: '../../evil' }, 'x']));
  files.set('/absolute.tar', await tarOf([{ name: 'l', type: 'symlink', linkname: '/etc/passwd' }]));
  files.set('/linked.tar', await tarOf([{ name: 'l', type: 'symlink', linkname: '../../../..' }]));
  files.set(
    '/chain.tar',
    await tarOf(
      [{ name: 'd/l', type: 'symlink', linkname: '..' }, ''],
      [{ name: 'e', type: 'symlink', linkname: 'd/l/..' }, ''],
    ),
  );
  files.set(
    '/through.tar',
    await tarOf([{ name: 'l', type: 'symlink', linkname: '/tmp' }, ''], [{ name: 'l/evil' }, 'x']),
  );
  files.set('/hard.tar', await tarOf([{ name: 'h', type: 'link', linkname: '../../../x' }]));
  files.set('/up.zip', zipOf({ name: '../evil', content: 'x' }));
  files.set('/linked.zip', zipOf({ name: 'l', content: '/etc/passwd', mode: 0o120777 }));
  files.set(
    '/many.tar.gz',
    gzipSync(await tarOf(...Array.from({ length: 4097 }, (_, n): Member => [{ name: `f${n}`, type: 'fifo' }]))),
  );
  files.set('/broken.tar.gz', Buffer.from('no gzip'));
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'rollbook-artifacts-'));
  directories = taskDirectories(dataDir, allocationId(1), 'main');
  for (const folder of [directories.local, directories.executor, directories.shared])
    mkdirSync(folder, { recursive: true });
  requests.length = 0;
  begun = 0;
  stopping = new AbortController();
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const taskWith = (...artifacts: Record<string, unknown>[]): Task =>
  mockTask({}, { Artifacts: artifacts.map((one) => ({ GetterMode: 'any', RelativeDest: 'local/', ...one })) as never });
const get = (task: Task, owner: { uid: number; gid: number } | null = null): Promise<void> =>
  new TaskArtifacts(directories, () => begun++).prepare(
    task,
    owner,
    (text) => text.replace('${BASE}', base),
    stopping.signal,
  );
const read = (path: string): string => readFileSync(join(directories.task, path), 'utf8');
const hexOf = (type: string): string => createHash(type).update('content').digest('hex');

describe('artifacts of a task', () => {
  test.each([
    ['a file goes into the destination', { GetterSource: '${BASE}/file.txt' }, { 'local/file.txt': 'content' }],
    [
      'a file gets the name of its destination',
      { GetterSource: '${BASE}/file.txt', GetterMode: 'file', RelativeDest: 'local/deep/x' },
      { 'local/deep/x': 'content' },
    ],
    ['a file gets the name of the option', { GetterSource: '${BASE}/file.txt?filename=y' }, { 'local/y': 'content' }],
    [
      'the destination may be absolute within the task',
      { GetterSource: '${BASE}/file.txt', RelativeDest: '/local/d' },
      { 'local/d/file.txt': 'content' },
    ],
    [
      'tar',
      { GetterSource: '${BASE}/tree.tar' },
      { 'local/top/deep/er/file': 'deep', 'local/top/link': 'deep', 'local/top/hard': '#!/bin/sh\n' },
    ],
    ['tar.gz', { GetterSource: '${BASE}/tree.tar.gz', RelativeDest: 'local/d' }, { 'local/d/top/run': '#!/bin/sh\n' }],
    ['tgz, in mode dir', { GetterSource: '${BASE}/tree.tgz', GetterMode: 'dir' }, { 'local/top/run': '#!/bin/sh\n' }],
    ['tar.zst', { GetterSource: '${BASE}/tree.tar.zst' }, { 'local/top/run': '#!/bin/sh\n' }],
    ['zip', { GetterSource: '${BASE}/tree.zip' }, { 'local/a/run': 'sh', 'local/b': 'bb', 'local/link': 'sh' }],
    ['gz', { GetterSource: '${BASE}/words.gz' }, { 'local/words': 'words' }],
    [
      'an archive told by the option',
      { GetterSource: '${BASE}/no-ending', GetterOptions: { archive: 'tar.gz' } },
      { 'local/top/run': '#!/bin/sh\n' },
    ],
    ['a part of an archive', { GetterSource: '${BASE}/tree.tar.gz//top/deep' }, { 'local/er/file': 'deep' }],
    [
      'the only file of an archive',
      { GetterSource: '${BASE}/one.tar.gz', GetterMode: 'file', RelativeDest: 'local/bin' },
      { 'local/bin': 'one' },
    ],
    ['a forced getter', { GetterSource: 'http::${BASE}/file.txt' }, { 'local/file.txt': 'content' }],
    ['a redirect', { GetterSource: '${BASE}/moved/file.txt' }, { 'local/file.txt': 'content' }],
  ])('%s', async (_, artifact, expected) => {
    await get(taskWith(artifact));
    for (const [path, content] of Object.entries(expected)) expect([path, read(path)]).toEqual([path, content]);
    expect(readdirSync(directories.executor)).toEqual(['artifacts']);
    expect(begun).toBe(1);
  });

  test('an archive that is to stay one does', async () => {
    await get(taskWith({ GetterSource: '${BASE}/tree.tar.gz', GetterOptions: { archive: 'false' } }));
    expect(readFileSync(join(directories.local, 'tree.tar.gz'))).toEqual(files.get('/tree.tar.gz'));
  });

  test('keep the modes of their files', async () => {
    await get(
      taskWith({ GetterSource: '${BASE}/tree.tar' }, { GetterSource: '${BASE}/tree.zip', RelativeDest: 'local/z' }),
    );
    for (const path of ['local/top/run', 'local/z/a/run'])
      expect(statSync(join(directories.task, path)).mode & 0o777).toBe(0o755);
  });

  test('go beside what is there', async () => {
    await get(taskWith({ GetterSource: '${BASE}/file.txt' }, { GetterSource: '${BASE}/tree.zip' }));
    expect([read('local/file.txt'), read('local/b')]).toEqual(['content', 'bb']);
  });

  test.each(['md5', 'sha1', 'sha256', 'sha512'])('have the %s checksum that was told', async (type) => {
    await get(taskWith({ GetterSource: '${BASE}/file.txt', GetterOptions: { checksum: `${type}:${hexOf(type)}` } }));
    expect(read('local/file.txt')).toBe('content');
  });

  test('are asked for with their headers and options, which only their server learns', async () => {
    const artifact = {
      GetterSource: '${BASE}/away?a=1',
      GetterOptions: { b: '2' },
      GetterHeaders: { Authorization: 'secret', 'X-Y': 'z' },
    };
    await get(taskWith(artifact)).catch(() => undefined);
    const [first, second] = requests;
    expect(first).toMatchObject({ url: '/away?a=1&b=2', headers: { authorization: 'secret', 'x-y': 'z' } });
    expect(second?.headers['authorization']).toBeUndefined();
    expect(second?.headers['x-y']).toBe('z');
  });

  test('are downloaded once, and again when the job wants others', async () => {
    const task = taskWith({ GetterSource: '${BASE}/file.txt' });
    await get(task);
    await get(task);
    expect(requests).toHaveLength(1);
    await get(taskWith({ GetterSource: '${BASE}/file.txt', RelativeDest: 'local/other' }));
    expect(requests).toHaveLength(2);
  });

  test.each([
    ['git', { GetterSource: 'git::https://example.com/a' }, 'artifact getter "git" is not supported by this agent'],
    ['s3', { GetterSource: 's3::https://s3.amazonaws.com/a' }, 'artifact getter "s3" is not supported'],
    ['files', { GetterSource: 'file:///etc/passwd' }, 'artifact getter "file" is not supported'],
    ['what has no scheme', { GetterSource: 'github.com/a/b' }, 'an artifact source without http:// or https://'],
    ['bzip2', { GetterSource: '${BASE}/x.tar.bz2' }, '.tar.bz2 archives are not supported'],
    ['what is not there', { GetterSource: '${BASE}/none' }, 'bad response code: 404'],
    [
      'another checksum',
      { GetterSource: '${BASE}/file.txt?checksum=md5:00000000000000000000000000000000' },
      'checksums did not match',
    ],
    ['an odd checksum', { GetterSource: '${BASE}/file.txt?checksum=md5:00' }, 'is not supported'],
    ['a circle of redirects', { GetterSource: '${BASE}/loop' }, 'stopped after 10 redirects'],
    ['a redirect elsewhere', { GetterSource: '${BASE}/ftp' }, 'neither http nor https'],
    ['half a file', { GetterSource: '${BASE}/cut' }, 'failed to download artifact'],
    ['a broken archive', { GetterSource: '${BASE}/broken.tar.gz' }, 'incorrect header check'],
    ['a file where a folder is wanted', { GetterSource: '${BASE}/file.txt', GetterMode: 'dir' }, 'it is no archive'],
    [
      'a tree where a file is wanted',
      { GetterSource: '${BASE}/tree.zip', GetterMode: 'file', RelativeDest: 'local/x' },
      'not a single file',
    ],
    ['too many files', { GetterSource: '${BASE}/many.tar.gz' }, 'more than 4096 files'],
    [
      'a destination outside',
      { GetterSource: '${BASE}/file.txt', RelativeDest: '../../..' },
      'lies outside of the task directory',
    ],
    ['a name outside', { GetterSource: '${BASE}/up.tar' }, 'leads outside of it'],
    ['a name outside, zipped', { GetterSource: '${BASE}/up.zip' }, 'invalid relative path'],
    ['an absolute link', { GetterSource: '${BASE}/absolute.tar' }, 'leads outside of it'],
    ['a link outside', { GetterSource: '${BASE}/linked.tar' }, 'leads outside of it'],
    ['a link outside, zipped', { GetterSource: '${BASE}/linked.zip' }, 'leads outside of it'],
    ['links that lead outside together', { GetterSource: '${BASE}/chain.tar' }, 'leads outside of it'],
    ['a file behind a link', { GetterSource: '${BASE}/through.tar' }, 'E'],
    ['a hard link outside', { GetterSource: '${BASE}/hard.tar' }, 'leads outside of it'],
  ])('refuse %s', async (_, artifact, message) => {
    await expect(get(taskWith(artifact))).rejects.toThrow(message);
    expect(readdirSync(directories.local)).toEqual([]);
    expect(readdirSync(directories.executor)).toEqual([]);
    expect(existsSync('/tmp/evil')).toBe(false);
  });

  test('do not follow a link that stands at their destination', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'rollbook-outside-'));
    symlinkSync(outside, join(directories.local, 'd'));
    await expect(get(taskWith({ GetterSource: '${BASE}/file.txt', RelativeDest: 'local/d' }))).rejects.toThrow(
      'lies outside',
    );
    expect(readdirSync(outside)).toEqual([]);
    rmSync(outside, { recursive: true });
  });

  test('tell of a failure without the credentials of its source', async () => {
    const GetterSource = base.replace('//', '//user:secret@') + '/none?token=secret';
    const failed = await get(taskWith({ GetterSource })).catch((error: Error) => error.message);
    expect(failed).toContain('bad response code: 404');
    expect(failed).not.toContain('secret');
    expect(requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:secret').toString('base64')}`);
  });

  test('that are broken off leave nothing', async () => {
    const ready = get(taskWith({ GetterSource: '${BASE}/file.txt' }));
    stopping.abort();
    await expect(ready).rejects.toThrow('failed to download');
    expect(readdirSync(directories.local)).toEqual([]);
  });

  test('may unpack to so much, and a hard link counts as what it links to', async () => {
    const archive = join(dataDir, 'linked.tar');
    const member = { name: 'a', mode: 0o755 };
    writeFileSync(archive, await tarOf([member, 'x'.repeat(60)], [{ name: 'b', type: 'link', linkname: 'a' }]));
    await unpack(archive, 'tar', join(dataDir, 'enough'), '', 120);
    expect(statSync(join(dataDir, 'enough', 'b'))).toMatchObject({ size: 60, mode: 0o100755 });
    await expect(unpack(archive, 'tar', join(dataDir, 'less'), '', 119)).rejects.toThrow('larger than');
  });

  test.each([
    ['path', { name: 'a'.repeat(5_000), type: 'symlink', linkname: 'b' }],
    ['link', { name: 'a', type: 'symlink', linkname: 'b'.repeat(5_000) }],
  ] as const)('are not made of an archive with a %s that no file system takes', async (_, header) => {
    const archive = join(dataDir, 'long.tar');
    writeFileSync(archive, await tarOf([header]));
    await expect(unpack(archive, 'tar', join(dataDir, 'long'), '')).rejects.toThrow(
      'a path of the archive is too long',
    );
  });
});
