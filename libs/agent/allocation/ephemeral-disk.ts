import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { DISK_RETRY_MS, DISK_TRIES, DISK_WAIT_MS } from '../limits.js';
import { textOf } from '../log.js';
import { RequestRefused } from '../server-client.js';
import type { Timers } from '../timers.js';
import { allocationDirectory, createAllocationDirectory, isAllocationId } from './directories.js';
import { unpackDisk } from './disk-archive.js';

/** What {@link EphemeralDisk} needs of its surroundings. */
export interface DiskHost {
  readonly timers: Timers;
  readonly dataDir: string;
  /** Settles when an allocation of this node is over; undefined: the agent does not look after it (any more). */
  readonly whenOver: (allocationId: string) => Promise<void> | undefined;
  /** The disk that an allocation of this node continues, from the node where it is. @throws RequestRefused */
  readonly fetchDisk: (allocationId: string, signal: AbortSignal) => Promise<Readable>;
  /** Tells people what became of the disk. */
  readonly tell: (message: string) => void;
}

/** The disk of an allocation, and the one that it continues. */
export interface DiskMove {
  readonly allocationId: string;
  readonly previousId: string;
  readonly taskNames: readonly string[];
  /** Also from another node. */
  readonly migrates: boolean;
}

const NOT_ENDED = 409;
const WORLD = 0o777;

/**
 * Gives a new allocation what the one that it replaces has left in `alloc/data` and in each task's `local`. If that cannot be had, the disk
 * starts empty, and an event says why.
 */
export class EphemeralDisk {
  private readonly stopped = new AbortController();
  private readonly aborted = Promise.withResolvers<void>();

  constructor(
    private readonly host: DiskHost,
    private readonly move: DiskMove,
  ) {}

  /** Waits for the end of the previous allocation, and moves its disk. Settles when the disk is as it will be; rejects if stopped. */
  async arrive(): Promise<void> {
    const { signal } = this.stopped;
    try {
      const here = await this.isHere();
      if (here) await this.moveWithin();
      else if (this.move.migrates) await this.bring();
      else this.empty('the previous allocation was on another node, and the disk does not migrate');
    } catch (error) {
      signal.throwIfAborted();
      this.empty(textOf(error));
    }
    signal.throwIfAborted();
  }

  stop(): void {
    this.stopped.abort(new Error('the task is stopped'));
    this.aborted.resolve();
  }

  private empty(why: string): void {
    this.host.tell(`Ephemeral disk starts empty: ${why.replace(/^\d{3}: /, '')}`);
  }

  private async isHere(): Promise<boolean> {
    const { previousId } = this.move;
    if (!isAllocationId(previousId)) throw new Error('there is no such allocation');
    return this.host.whenOver(previousId) !== undefined || isFolder(this.rootOf(previousId));
  }

  private rootOf(id: string): string {
    return allocationDirectory(this.host.dataDir, id);
  }

  private async moveWithin(): Promise<void> {
    await Promise.race([this.host.whenOver(this.move.previousId), this.aborted.promise]);
    this.stopped.signal.throwIfAborted();
    await this.take(this.rootOf(this.move.previousId));
  }

  /** Moves the folders of the disk; what a task has put in their place, a link or nothing, stays. */
  private async take(from: string): Promise<void> {
    const { allocationId, taskNames } = this.move;
    const to = await createAllocationDirectory(this.host.dataDir, allocationId);
    const shared = { outer: 'alloc', inner: 'data' };
    for (const { outer, inner } of [shared, ...taskNames.map((name) => ({ outer: name, inner: 'local' }))]) {
      const source = join(from, outer, inner);
      if (!(await isFolder(source))) continue;
      await mkdir(join(to, outer), { recursive: true });
      // A folder that cannot be written to cannot be moved either: its `..` changes.
      await chmod(source, WORLD);
      await rename(source, join(to, outer, inner));
    }
  }

  /** Fetches the disk from another node. What came before something went wrong, the end of the agent included, is removed. */
  private async bring(): Promise<void> {
    const root = await createAllocationDirectory(this.host.dataDir, this.move.allocationId);
    // Where no task has anything yet, whatever tasks are called.
    const draft = join(root, 'alloc', '.disk');
    await mkdir(dirname(draft), { recursive: true });
    try {
      for (let failures = 1; ; failures++) {
        await rm(draft, { recursive: true, force: true });
        try {
          await unpackDisk(await this.open(), draft, this.stopped.signal);
          return await this.take(draft);
        } catch (error) {
          this.stopped.signal.throwIfAborted();
          if (error instanceof RequestRefused || failures === DISK_TRIES) throw error;
          await this.pause();
        }
      }
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  /** Asks until the previous allocation has ended. @throws RequestRefused if its disk cannot be had */
  private async open(): Promise<Readable> {
    const { signal } = this.stopped;
    const since = performance.now();
    for (;;) {
      try {
        return await this.host.fetchDisk(this.move.allocationId, signal);
      } catch (error) {
        const isEarly = error instanceof RequestRefused && error.status === NOT_ENDED;
        if (!isEarly || performance.now() - since > DISK_WAIT_MS) throw error;
        await this.pause();
      }
    }
  }

  private async pause(): Promise<void> {
    await this.host.timers.atMost(DISK_RETRY_MS, this.aborted.promise);
    this.stopped.signal.throwIfAborted();
  }
}

const isFolder = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => null))?.isDirectory() ?? false;
