import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, realpath, stat, symlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { type Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { MAX_ARTIFACT_FILES, MAX_PATH_BYTES, MAX_UNPACKED_BYTES } from '../limits.js';
import type { Packing } from './artifact-block.js';
import { ArtifactError } from './artifact-error.js';
import { counted } from './download.js';

const TYPE_BITS = 0o170000;
const SYMBOLIC_LINK = 0o120000;

/** Unpacks a single file that is only compressed. @throws ArtifactError */
export async function decompress(path: string, packing: 'gz' | 'zst', to: string): Promise<void> {
  await pipeline(createReadStream(path), decompressor(packing), counted(MAX_UNPACKED_BYTES), createWriteStream(to));
}

const decompressor = (packing: 'gz' | 'zst'): Transform => (packing === 'gz' ? createGunzip() : createZstdDecompress());

/**
 * Unpacks an archive into a new folder. Nothing of it lies or leads outside of that folder, and files and bytes are bounded.
 * @param part only what is below this folder of the archive
 * @throws ArtifactError
 */
export async function unpack(
  path: string,
  packing: Packing,
  folder: string,
  part: string,
  mostBytes = MAX_UNPACKED_BYTES,
): Promise<void> {
  const tree = new Tree(folder, part, mostBytes);
  await mkdir(folder);
  if (packing === 'zip') await unzip(path, tree);
  else await untar(path, packing, tree);
  await tree.finish();
}

async function untar(path: string, packing: Packing, tree: Tree): Promise<void> {
  const entries = extract();
  const through = packing === 'tar.gz' ? [createGunzip()] : packing === 'tar.zst' ? [createZstdDecompress()] : [];
  const reading = pipeline([createReadStream(path), ...through, counted(MAX_UNPACKED_BYTES), entries] as never);
  const writing = async (): Promise<void> => {
    for await (const entry of entries) {
      const { header } = entry as { readonly header: Header };
      await tree.add(
        { name: header.name, mode: header.mode ?? 0o644, kind: kindOf(header), target: header.linkname ?? '' },
        entry as unknown as Readable,
      );
      entry.resume();
    }
  };
  await Promise.all([reading, writing()]);
}

function kindOf({ type }: Header): Member['kind'] {
  if (type === 'file' || type === 'contiguous-file') return 'file';
  if (type === 'directory' || type === 'symlink' || type === 'link') return type;
  return 'other';
}

async function unzip(path: string, tree: Tree): Promise<void> {
  const zip = await openPromise(path, { autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) await addZipped(zip, entry, tree);
  } finally {
    zip.close();
  }
}

async function addZipped(zip: ZipFile, entry: Entry, tree: Tree): Promise<void> {
  const mode = entry.externalFileAttributes >>> 16;
  const isLink = (mode & TYPE_BITS) === SYMBOLIC_LINK;
  const kind = entry.fileName.endsWith('/') ? 'directory' : isLink ? 'symlink' : 'file';
  const member = { name: entry.fileName, mode: mode & 0o777 || 0o644, kind, target: '' } as const;
  if (kind === 'directory') return tree.add(member, null);
  const content = await zip.openReadStreamPromise(entry);
  if (kind === 'file') return tree.add(member, content);
  const target = await linkOf(content);
  return tree.add({ ...member, target }, null);
}

async function linkOf(from: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of from as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_PATH_BYTES) throw new ArtifactError('a link of the archive is too long', false);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

interface Member {
  readonly name: string;
  readonly mode: number;
  readonly kind: 'file' | 'directory' | 'symlink' | 'link' | 'other';
  readonly target: string;
}

/** What is unpacked, as it grows. Links are made last: as long as there is none, a path is where it says. */
class Tree {
  private members = 0;
  private bytes = 0;
  private readonly links: { readonly place: string; readonly target: string }[] = [];

  constructor(
    private readonly root: string,
    private readonly part: string,
    private readonly mostBytes: number,
  ) {}

  async add({ name, mode, kind, target }: Member, content: Readable | null): Promise<void> {
    if (++this.members > MAX_ARTIFACT_FILES)
      throw new ArtifactError(`the archive has more than ${MAX_ARTIFACT_FILES} files`, false);
    if (Math.max(name.length, target.length) > MAX_PATH_BYTES)
      throw new ArtifactError('a path of the archive is too long', false);
    const place = this.placeOf(name);
    if (place === null) return;
    if (kind === 'directory') return void (await mkdir(place, { recursive: true }));
    if (kind === 'other') return;
    if (place === this.root) throw escapes(name);
    await mkdir(dirname(place), { recursive: true });
    if (kind === 'symlink') return void this.links.push({ place, target });
    if (kind === 'link') {
      const source = this.placeOf(target);
      if (source === null) throw escapes(target);
      const { mode: linked } = await stat(source);
      return this.write(createReadStream(source), place, linked);
    }
    if (content !== null) await this.write(content, place, mode);
  }

  private async write(content: Readable, place: string, mode: number): Promise<void> {
    const left = counted(this.mostBytes - this.bytes, (chunk) => {
      this.bytes += chunk.length;
    });
    await pipeline(content, left, createWriteStream(place, { mode: (mode & 0o777) | 0o600 }));
  }

  /** @throws ArtifactError for a link that leads outside or nowhere */
  async finish(): Promise<void> {
    for (const { place, target } of this.links) {
      if (isAbsolute(target)) throw escapes(target);
      await symlink(target, place);
    }
    const root = await realpath(this.root);
    for (const { place, target } of this.links) {
      const real = await realpath(place).catch(() => '');
      if (real !== root && !real.startsWith(root + sep)) throw escapes(target);
    }
  }

  /** Null: it is not of the part that is wanted. */
  private placeOf(name: string): string | null {
    const place = resolve(this.root, `.${sep}${name}`);
    if (name.includes('\0') || (place !== this.root && !place.startsWith(this.root + sep))) throw escapes(name);
    if (this.part === '') return place;
    const top = join(this.root, this.part);
    if (place !== top && !place.startsWith(top + sep)) return null;
    return place === top ? this.root : join(this.root, place.slice(top.length + 1));
  }
}

const escapes = (name: string): ArtifactError =>
  new ArtifactError(`${JSON.stringify(name.slice(0, 200))} of the archive leads outside of it`, false);
