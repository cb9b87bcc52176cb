import { createHash } from 'node:crypto';
import { chmod, lchown, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Task } from '@app/domain';
import type { TaskDirectories } from '../allocation/directories.js';
import { placeInside, type Owner } from '../allocation/task-files.js';
import { textOf } from '../log.js';
import { artifactBlock, type ArtifactBlock } from './artifact-block.js';
import { ArtifactError } from './artifact-error.js';
import { download } from './download.js';
import { decompress, unpack } from './unpack.js';

const FILE_MODE = 0o644;
/** Notes in the agent's own folder of the task that its artifacts are there: they are not downloaded again when it restarts. */
const DONE = 'artifacts';

/** Downloads the artifacts of a task, before it starts for the first time. */
export class TaskArtifacts {
  constructor(
    private readonly directories: TaskDirectories,
    private readonly begins: () => void,
  ) {}

  /** @param signal breaks off what is under way. @throws ArtifactError */
  async prepare(
    task: Task,
    owner: Owner | null,
    interpolate: (text: string) => string,
    signal: AbortSignal,
  ): Promise<void> {
    const note = join(this.directories.executor, DONE);
    const wanted = createHash('sha256').update(JSON.stringify(task.Artifacts)).digest('hex');
    if ((await readFile(note, 'utf8').catch(() => '')) === wanted) return;
    this.begins();
    for (const artifact of task.Artifacts ?? []) {
      const source = shown(String(artifact['GetterSource']));
      try {
        await this.fetch(artifactBlock(artifact, interpolate), owner, signal);
      } catch (error) {
        const recoverable = error instanceof ArtifactError && error.recoverable;
        throw new ArtifactError(`failed to download artifact ${JSON.stringify(source)}: ${textOf(error)}`, recoverable);
      }
    }
    await writeFile(note, wanted);
  }

  private async fetch(block: ArtifactBlock, owner: Owner | null, signal: AbortSignal): Promise<void> {
    const draft = await mkdtemp(join(this.directories.executor, 'artifact-'));
    try {
      const file = join(draft, 'file');
      await download(block, file, signal);
      await this.deliver(block, draft, file, block.chown ? owner : null);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  private async deliver(block: ArtifactBlock, draft: string, file: string, owner: Owner | null): Promise<void> {
    const { packing, mode } = block;
    const out = join(draft, 'out');
    if (packing === 'none' || packing === 'gz' || packing === 'zst') {
      if (mode === 'dir') throw new ArtifactError('its mode is dir, and it is no archive', false);
      if (packing !== 'none') await decompress(file, packing, out);
      const content = packing === 'none' ? file : out;
      await chmod(content, FILE_MODE);
      return this.place(content, this.placeOfFile(block), owner);
    }
    await unpack(file, packing, out, block.part);
    if (mode !== 'file') return this.merge(out, block.destination, owner);
    const [only, ...more] = await readdir(out, { withFileTypes: true });
    if (only === undefined || more.length > 0 || !only.isFile())
      throw new ArtifactError('its mode is file, and the archive is not a single file', false);
    await this.place(join(out, only.name), block.destination, owner);
  }

  private placeOfFile({ mode, destination, fileName }: ArtifactBlock): string {
    if (mode === 'file') return destination;
    if (fileName === '') throw new ArtifactError('its URL names no file', false);
    return `${destination}/${fileName}`;
  }

  private get folders(): readonly string[] {
    return [this.directories.task, this.directories.shared];
  }

  /** Moves a file to its place. A link that stands there is replaced, not followed. */
  private async place(from: string, path: string, owner: Owner | null): Promise<void> {
    const folder = await placeInside(this.folders, dirname(path));
    await mkdir(folder, { recursive: true });
    if (owner !== null) await lchown(from, owner.uid, owner.gid);
    await rename(from, join(await placeInside(this.folders, dirname(path)), path.slice(path.lastIndexOf('/') + 1)));
  }

  /** Moves what is in a folder into another one, beside what is there. */
  private async merge(from: string, path: string, owner: Owner | null): Promise<void> {
    const folder = await placeInside(this.folders, path);
    await mkdir(folder, { recursive: true });
    if (owner !== null) await lchown(folder, owner.uid, owner.gid);
    for (const entry of await readdir(from, { withFileTypes: true })) {
      const [source, target] = [join(from, entry.name), `${path.replace(/\/+$/, '')}/${entry.name}`];
      if (entry.isDirectory()) await this.merge(source, target, owner);
      else await this.place(source, target, owner);
    }
  }
}

/** A source without what is nobody's business: credentials and the query. */
const shown = (source: string): string => source.replace(/\/\/[^/@\s]*@/, '//').replace(/\?[^]*$/, '');
