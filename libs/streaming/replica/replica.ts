import { isStoreOutage, sqlStateOf, StoreUnavailable, type Head } from '@app/event-store';
import type { Index } from '@app/kernel';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Query } from '../answer-cache.js';
import { LogNotFollowed, type LogTail } from '../log-tail.js';
import { Lag } from './lag.js';
import { readingFrom, type ReadSide } from './read-side.js';

/** How often the replica is looked at, and tried anew while it is away. */
const LOOK_MS = 500;
/** A replica that is no nearer than this to the log it began behind is waited for, not served from. */
const BEHIND_MS = 30_000;

/** The replica has ended a read because what it reads was to be removed: another one may go well. */
const CONFLICT_WITH_RECOVERY = '40001';

/** The way to a replica, as long as it holds. */
export interface ReplicaConnection {
  readonly side: ReadSide;
  readonly readHead: () => Promise<Head>;
  readonly close: () => Promise<void>;
}

export interface ReplicaOptions {
  /** Connects and begins to follow the log as the replica has it. @throws if the replica does not answer */
  readonly connect: () => Promise<ReplicaConnection>;
  /** The instance's own tail, which follows the log itself. */
  readonly primary: Pick<LogTail, 'applied' | 'lastContactMs' | 'onCommit'>;
  /** The head of the log itself. */
  readonly readHead: () => Promise<Head>;
  /** Stale reads are served from the replica from now on (undefined), or not any more, and why. */
  readonly onChange: (problem: Error | undefined) => void;
}

/** The replica holds another log, or has gone back: nothing that was read from it counts. */
class NotTheReplica extends Error {
  override readonly name = 'NotTheReplica';
}

/** Whether the replica cannot be read, rather than what was asked being wrong everywhere. */
const isOutage = (error: unknown): boolean =>
  error instanceof StoreUnavailable ||
  error instanceof LogNotFollowed ||
  error instanceof NotTheReplica ||
  isStoreOutage(error);

/** An answer, and how old it may be, in milliseconds. */
export interface AgedAnswer<A> {
  readonly answer: A;
  readonly ageMs: number;
}

/** Looks queries up on one side. */
export interface SideReader extends Pick<ReadSide, 'tail'> {
  readonly cache: { read(query: Query): Promise<Answer> };
}

/**
 * A replica of the database that stale reads are served from. It is followed like the log itself, with a tail, caches and lists of its own, so an
 * answer's index is one that the replica had reached before the content was read.
 *
 *   away ──connected, of this log, and has all that the log had then──► serving ──does not answer, or has gone back──► away
 */
export class Replica {
  readonly lag = new Lag();
  reads = 0;
  fallbacks = 0;
  private open: ReplicaConnection | undefined;
  private readonly closing = new AbortController();
  private running: Promise<void> | undefined;
  private stopNoting: (() => void) | undefined;
  private wasServing: boolean | undefined;
  private storeEpoch = '';

  constructor(private readonly options: ReplicaOptions) {}

  get isServing(): boolean {
    return this.open !== undefined;
  }

  /** How old its answers are at most, now; undefined while it is away. */
  get ageMs(): number | undefined {
    return this.open && this.ageAt(this.open.side.tail.applied);
  }

  start(): void {
    this.stopNoting = this.options.primary.onCommit(({ index }) => this.lag.note(index, performance.now()));
    this.running ??= this.run();
  }

  /** Lets those go who wait for a change. */
  answerWaiting(): void {
    this.open?.side.tail.answerWaiting();
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.stopNoting?.();
    await this.running;
  }

  /** What is read from the replica; undefined: it is away, or went away meanwhile. @throws what `work` throws for other reasons */
  async read<A>(work: (reader: SideReader) => Promise<A>): Promise<AgedAnswer<A> | undefined> {
    const { open } = this;
    if (open === undefined) {
      this.fallbacks++;
      return undefined;
    }
    const { tail, cache } = open.side;
    let at = tail.applied;
    const reader: SideReader = {
      tail,
      cache: {
        read(query) {
          at = tail.applied;
          return cache.read({
            ...query,
            load: async (moment) => {
              const answer = await query.load(moment);
              await confirm(open, moment.applied);
              return answer;
            },
          });
        },
      },
    };
    try {
      const answer = await readingFrom(open.side, () => work(reader));
      this.reads++;
      return { answer, ageMs: this.ageAt(at) };
    } catch (error) {
      if (this.open === open && !isOutage(error)) throw error;
      this.fallbacks++;
      if (sqlStateOf(error) !== CONFLICT_WITH_RECOVERY) this.lost(open, error);
      return undefined;
    }
  }

  private ageAt(index: Index): number {
    return this.lag.since(index, performance.now(), this.options.primary.lastContactMs);
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      try {
        await this.follow();
      } catch (error) {
        if (!signal.aborted) this.told(error as Error);
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection, until it is lost. */
  private async follow(): Promise<void> {
    const { signal } = this.closing;
    const log = await this.options.readHead().catch(() => undefined);
    if (log !== undefined) this.storeEpoch = log.storeEpoch;
    const connection = await this.options.connect();
    try {
      const head = await connection.readHead();
      if (this.storeEpoch === '') this.storeEpoch = head.storeEpoch;
      await this.caughtUp(connection, Math.max(log?.index ?? 0, this.options.primary.applied));
      if (signal.aborted) return;
      this.open = connection;
      this.told(undefined);
      while (!signal.aborted && this.open === connection) {
        await this.check(connection);
        this.lag.forgetUntil(connection.side.tail.applied);
        await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
      }
    } catch (error) {
      // Told before it is closed, which may take its time.
      this.lost(connection, error);
      throw error;
    } finally {
      if (this.open === connection) this.open = undefined;
      await connection.close();
    }
  }

  private async caughtUp(connection: ReplicaConnection, index: Index): Promise<void> {
    const deadline = performance.now() + BEHIND_MS;
    while (!this.closing.signal.aborted && connection.side.tail.applied < index) {
      await this.check(connection);
      if (performance.now() > deadline)
        throw new Error(`the replica is at index ${connection.side.tail.applied} of ${index} and does not come nearer`);
      await delay(LOOK_MS / 10);
    }
    await this.check(connection);
  }

  /** @throws if the replica does not answer, or is not what it was */
  private async check(connection: ReplicaConnection): Promise<void> {
    const { storeEpoch } = await confirm(connection, connection.side.tail.applied);
    if (storeEpoch !== this.storeEpoch) throw new NotTheReplica('the replica holds another log than the database');
  }

  /** The connection is not read from any more; who follows it closes it. */
  private lost(connection: ReplicaConnection, error: unknown): void {
    if (this.open !== connection) return;
    this.open = undefined;
    if (!this.closing.signal.aborted) this.told(error as Error);
  }

  private told(problem: Error | undefined): void {
    const serves = problem === undefined;
    if (this.wasServing === serves) return;
    this.wasServing = serves;
    this.options.onChange(problem);
  }
}

/** What was read is as new as `index`: the replica, of which nobody knows whether it is still the same one, still has that. */
async function confirm({ readHead }: ReplicaConnection, index: Index): Promise<Head> {
  const head = await readHead();
  if (head.index < index) throw new NotTheReplica(`the replica has gone back from index ${index} to ${head.index}`);
  return head;
}
