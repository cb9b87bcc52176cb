import { LRUCache } from 'lru-cache';

/** How much one client may have at a time; 0: no limit. */
export interface Limits {
  readonly connections: number;
  /** In a second, on average; as many again may come at once. */
  readonly requests: number;
  readonly waiting: number;
  readonly streams: number;
}

/** What a client has several of at a time. */
export type Held = 'connections' | 'waiting' | 'streams';

/** Clients whose pace is remembered; one that is forgotten begins with a full allowance. */
const MAX_PACED = 10_000;

/** Keeps count of what each client has, and says when it is too much. Clients are forgotten when they have nothing. */
export class ClientLimits {
  private readonly held = {
    connections: new Map<string, number>(),
    waiting: new Map<string, number>(),
    streams: new Map<string, number>(),
  };
  private readonly paced = new LRUCache<string, { allowance: number; at: number }>({ max: MAX_PACED });

  constructor(
    private readonly limits: Limits,
    /** Milliseconds, monotonic. */
    private readonly now: () => number,
  ) {}

  /** Takes one; gives what returns it, once. Undefined: the client has as many as it may. */
  take(kind: Held, client: string): (() => void) | undefined {
    const counts = this.held[kind];
    const count = counts.get(client) ?? 0;
    if (this.limits[kind] !== 0 && count >= this.limits[kind]) return undefined;
    counts.set(client, count + 1);
    let isReturned = false;
    return () => {
      if (isReturned) return;
      isReturned = true;
      const left = (counts.get(client) ?? 1) - 1;
      if (left > 0) counts.set(client, left);
      else counts.delete(client);
    };
  }

  /** Whether one more request is within the client's pace. */
  admits(client: string): boolean {
    const rate = this.limits.requests;
    if (rate === 0) return true;
    const now = this.now();
    const known = this.paced.get(client) ?? { allowance: rate, at: now };
    const allowance = Math.min(rate, known.allowance + ((now - known.at) * rate) / 1000);
    this.paced.set(client, { allowance: allowance < 1 ? allowance : allowance - 1, at: now });
    return allowance >= 1;
  }
}
