import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { LogFacts } from './log-facts.js';

const LOOK_MS = 50;
const LOOK_BOUND_MS = 2_000;
const ACTOR = 'scheduler ';

/** That an epoch was the scheduler's latest one at both indexes, and at all between. */
interface Term {
  readonly holder: string;
  readonly from: number;
  to: number;
}

/**
 * Watches who holds the scheduler's lease and how far the log is, in one snapshot each time. A lease is taken with the log's head locked, so of
 * the commits between two looks that show the same epoch none can be another one's, however late it was sent.
 */
export class LeaseWatch {
  private readonly terms = new Map<number, Term>();
  private readonly stopping = new AbortController();
  private readonly watching: Promise<void>;

  constructor(private readonly databaseUrl: () => string) {
    this.watching = this.watch();
  }

  get epochs(): number {
    return this.terms.size;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.watching;
  }

  /** Commits that a scheduler made while another one held the lease. */
  trespasses({ commits }: LogFacts): string[] {
    const holders = new Map<number, Term>();
    for (const term of this.terms.values())
      for (let index = term.from + 1; index <= term.to; index++) holders.set(index, term);
    return commits.flatMap((actor, index) => {
      const term = actor.startsWith(ACTOR) ? holders.get(index) : undefined;
      return term === undefined || actor === ACTOR + term.holder
        ? []
        : [`commit ${index} was made by ${actor} while ${term.holder} held the lease`];
    });
  }

  private async watch(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const client = new Client({
        connectionString: this.databaseUrl(),
        connectionTimeoutMillis: LOOK_BOUND_MS,
        query_timeout: LOOK_BOUND_MS,
      });
      // Postgres is one of the things that break: the next attempt tells whether it is back.
      client.on('error', () => undefined);
      await client
        .connect()
        .then(() => this.look(client))
        .catch(() => delay(LOOK_MS));
      void client.end().catch(() => undefined);
    }
  }

  private async look(client: Client): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const { rows } = await client.query<{ holder: string; epoch: string; index: string }>(
        `SELECT holder, epoch, index FROM lease, log_head WHERE name = 'scheduler'`,
      );
      for (const { holder, epoch, index } of rows) {
        const term = this.terms.get(Number(epoch));
        if (term === undefined) this.terms.set(Number(epoch), { holder, from: Number(index), to: Number(index) });
        else term.to = Number(index);
      }
      await delay(LOOK_MS);
    }
  }
}
