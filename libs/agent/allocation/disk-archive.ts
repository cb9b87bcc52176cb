import { createWriteStream } from 'node:fs';
import { chmod, lchown, mkdir, symlink } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header } from 'tar-stream';
import { MAX_DISK_BYTES, MAX_DISK_FILES, MAX_PATH_BYTES } from '../limits.js';

/** The member that ends the archive of a disk: without it the archive was cut off. */
export const DISK_COMPLETE = '.complete';

/**
 * Unpacks the disk of an allocation of another node into a new folder, as it was there: modes, links, and owners where the agent may give
 * files away. Nothing is written outside of the folder: links are made when all else is there, also the folders
 * that they lie in.
 * @throws Error if it is cut off, malformed, or more than a disk may be
 */
export async function unpackDisk(from: Readable, folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  const disk = new UnpackedDisk(folder);
  const entries = extract();
  const reading = pipeline([from, entries] as never, { signal });
  const writing = async (): Promise<void> => {
    for await (const entry of entries) {
      const { header } = entry as { readonly header: Header };
      await disk.add(header, entry as unknown as Readable);
      entry.resume();
    }
  };
  await Promise.all([reading, writing()]);
  await disk.finish();
}

class UnpackedDisk {
  private files = 0;
  private bytes = 0;
  private isComplete = false;
  private readonly folders: { readonly place: string; readonly about: Header }[] = [];
  private readonly links: { readonly place: string; readonly about: Header }[] = [];
  /** Who may not give files away keeps them. */
  private readonly givesAway = process.getuid?.() === 0;

  constructor(private readonly root: string) {}

  async add(about: Header, content: Readable): Promise<void> {
    if (++this.files > MAX_DISK_FILES) throw new Error(`the disk has more than ${MAX_DISK_FILES} files`);
    if (about.name === DISK_COMPLETE) return void (this.isComplete = true);
    if (Math.max(about.name.length, about.linkname?.length ?? 0) > MAX_PATH_BYTES)
      throw new Error('a path of the disk is too long');
    const place = this.placeOf(about.name);
    if (about.type === 'directory') {
      await mkdir(place, { recursive: true });
      return void this.folders.push({ place, about });
    }
    if (about.type !== 'file' && about.type !== 'symlink') return;
    await mkdir(dirname(place), { recursive: true });
    if (about.type === 'symlink') return void this.links.push({ place, about });
    this.bytes += about.size ?? 0;
    if (this.bytes > MAX_DISK_BYTES) throw new Error(`the disk has more than ${MAX_DISK_BYTES} bytes`);
    await pipeline(content, createWriteStream(place, { flags: 'wx', mode: 0o600 }));
    await this.give(place, about);
    await chmod(place, modeOf(about));
  }

  /** @throws Error if something is missing */
  async finish(): Promise<void> {
    if (!this.isComplete) throw new Error('the disk was cut off on its way');
    for (const { place, about } of this.links) {
      await symlink(about.linkname ?? '', place);
      await this.give(place, about);
    }
    // Innermost first: a folder may be closed even to its owner.
    for (const { place, about } of this.folders.toReversed()) {
      await this.give(place, about);
      await chmod(place, modeOf(about));
    }
  }

  private async give(place: string, { uid, gid }: Header): Promise<void> {
    if (this.givesAway) await lchown(place, uid ?? 0, gid ?? 0);
  }

  private placeOf(name: string): string {
    const place = resolve(this.root, `.${sep}${name}`);
    if (name.includes('\0') || !place.startsWith(this.root + sep))
      throw new Error(`${JSON.stringify(name.slice(0, 200))} of the disk leads outside of it`);
    return place;
  }
}

const modeOf = ({ mode }: Header): number => (mode ?? 0) & 0o777;
