import type { Index } from '@app/kernel';
import type { Answer, KeptQuery, Query } from './answer-cache.js';
import type { LogTail, Topic } from './log-tail.js';

/** Nomad: MaxBlockingRPCQueryTime, also the default. */
export const MAX_WAIT_MS = 300_000;
const JITTER_FRACTION = 16;

export interface BlockingOptions {
  /** Wait for an answer with a higher index than this; 0: do not wait. */
  readonly minIndex: Index;
  readonly waitMs: number;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** In [0, 1). */
  readonly random: () => number;
  /** Where the right to see the answer may change meanwhile. */
  readonly right?: {
    /** What it depends on, beside what the query does. */
    readonly topics: readonly Topic[];
    /** Called before every look: the query as it may be asked now. Throws if it may not be any more. */
    readonly renew: () => Promise<Query>;
  };
}

/**
 * Answers a query at once, or as soon as its index exceeds `minIndex`, or when the time is up. Subscribes first, then reads, then waits:
 * no change between two of these is missed. spec/http-api §1.6.
 */
export async function blockingQuery(
  tail: LogTail,
  cache: { read(query: Query): Promise<Answer> },
  given: Query,
  options: BlockingOptions,
): Promise<Answer> {
  const { right } = options;
  let query = given;
  const look = async (): Promise<Answer> => {
    if (right !== undefined) query = await right.renew();
    return cache.read(query);
  };
  if (options.minIndex === 0 || tail.isEnding) return cache.read(query);
  const bound = options.waitMs > 0 ? Math.min(options.waitMs, MAX_WAIT_MS) : MAX_WAIT_MS;
  const deadline = Date.now() + bound + (options.random() * bound) / JITTER_FRACTION;
  let { topics } = query;
  for (;;) {
    const { key, kept } = query;
    const watched = [...(kept === undefined ? topics : []), ...(right?.topics ?? [])];
    const change = nextChange(tail, watched, kept, deadline, options.signal);
    const answer = await look().catch((error: unknown) => {
      change.cancel();
      throw error;
    });
    if (answer.index > options.minIndex || options.signal.aborted || tail.isEnding) {
      change.cancel();
      // It may be newer than the look at the right to it.
      if (change.hasMoved()) await right?.renew();
      return answer;
    }
    const wanted = answer.status === 200 ? query.topics : (query.missTopics ?? query.topics);
    if (query.key !== key || (wanted !== topics && wanted.join() !== topics.join())) {
      change.cancel();
      topics = wanted;
      continue;
    }
    if ((await change.happened) === 'over') return look();
  }
}

function nextChange(
  tail: LogTail,
  topics: readonly Topic[],
  kept: KeptQuery | undefined,
  deadline: number,
  signal: AbortSignal,
): { happened: Promise<'moved' | 'over'>; hasMoved: () => boolean; cancel: () => void } {
  let isMoved = false;
  let cancel = (): void => {};
  const happened = new Promise<'moved' | 'over'>((resolve) => {
    const finish = (how: 'moved' | 'over'): void => {
      cancel();
      resolve(how);
    };
    const over = (): void => finish('over');
    const moved = (): void => {
      isMoved = true;
      finish(tail.isEnding ? 'over' : 'moved');
    };
    const unwatch = tail.watch(topics, moved);
    const unwatchKept = kept?.watch(moved);
    const timer = setTimeout(over, Math.max(0, deadline - Date.now()));
    signal.addEventListener('abort', over, { once: true });
    cancel = () => {
      unwatch();
      unwatchKept?.();
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
    };
  });
  return { happened, hasMoved: () => isMoved, cancel };
}
