import type { Aggregates } from '@app/event-store';
import type { Index, StreamName } from '@app/kernel';
import type { Client } from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { advance, foldChunk, Unfoldable } from './fold-log.js';
import {
  CATCH_UP_STREAMS,
  KEPT_FOLDS,
  MAX_ROUNDS,
  QUICK_ROUND_MS,
  SWAP_ATTEMPTS,
  SWAP_LOCK_MS,
  SWAP_PAUSE_MS,
} from './limits.js';
import { connectTo, readHead, takeTurn, touchedStreams } from './log.sql.js';
import {
  compareShadow,
  createShadow,
  dropShadow,
  swapIn,
  writeShadow,
  type Comparison,
  type RebuildableTable,
} from './shadow.js';
import { StreamFold } from './stream-fold.js';
import { NotNow } from './verify.js';

// The life of a rebuild, while servers go on writing to the live tables:
//
//   filling ─► catching up ⟲ ─► compared ─► catching up ⟲ ─► swapped
//
// filling      every stream is folded as of one index (events up to an index never change) and its rows written to the shadows
// catching up  the streams that were touched since are brought up to a newer index, until that takes no time
// compared     with log_head locked for a moment the shadows reach the head, and a snapshot is taken that shows live tables and shadows at
//              the same index; they are compared in it after the lock is gone
// swapped      one transaction locks log_head, brings the shadows to the head, drops the live tables and gives their names to the shadows
//
// A row belongs to one stream, so catching up means to replace the rows of the touched streams: doing it twice is the same as once, which is
// what a swap that had to step back relies on. A rebuild that is killed leaves shadows that nobody reads; the next one begins by dropping them.

export interface RebuildOptions {
  readonly url: string;
  readonly aggregates: Aggregates;
  readonly tables: readonly RebuildableTable[];
  /** Called with a line for a person to read at each step. */
  readonly onProgress?: (line: string) => void;
}

/** What became of one table; `differences` are rows that the old one had otherwise, at the index of the comparison. */
export interface Rebuilt extends Comparison {
  readonly table: RebuildableTable;
  /** The index at which the new table took the old one's place. */
  readonly index: Index;
}

/** Makes tables anew from the log and puts them in place of the live ones. @throws NotNow; Unfoldable; the driver's error. */
export async function rebuild(options: RebuildOptions): Promise<Rebuilt[]> {
  const connections = [
    await connectTo(options.url),
    await connectTo(options.url),
    await connectTo(options.url),
  ] as const;
  try {
    if (!(await takeTurn(connections[0], 'alone'))) throw new NotNow('another rebuild or verification is under way');
    return await new Rebuild(...connections, options).run();
  } finally {
    await Promise.all(connections.map((client) => client.end()));
  }
}

class Rebuild {
  /** The shadows are complete up to here. */
  private reached: Index = 0;
  /** Folds of streams that moved lately, oldest first. */
  private readonly folds = new Map<StreamName, StreamFold>();
  private readonly tableIndexes = new Map<string, Index>();
  private swapAttempts = 0;

  constructor(
    /** Fills the shadows and holds the advisory lock. */
    private readonly writer: Client,
    /** Locks log_head, and swaps. */
    private readonly gate: Client,
    /** Compares, in a snapshot. */
    private readonly observer: Client,
    private readonly options: RebuildOptions,
  ) {}

  async run(): Promise<Rebuilt[]> {
    const { tables } = this.options;
    for (const table of tables) await createShadow(this.writer, table);
    try {
      await this.fill();
      await this.catchUp();
      const comparisons = await this.compare();
      await this.catchUp();
      const index = await this.swap((comparisons.get('stream')?.differences ?? 0) > 0);
      return tables.map((table) => ({ table, index, ...comparisons.get(table)! }));
    } catch (error) {
      await this.gate.query('ROLLBACK').catch(() => undefined);
      for (const table of tables) await dropShadow(this.writer, table).catch(() => undefined);
      throw error;
    }
  }

  private say(line: string): void {
    this.options.onProgress?.(line);
  }

  private async fill(): Promise<void> {
    const { aggregates, tables } = this.options;
    const head = await readHead(this.writer);
    let after = '';
    let streams = 0;
    for (let isLast = false; !isLast;) {
      const chunk = await foldChunk(this.writer, aggregates, after, head);
      for (const [stream, failure] of chunk.failures) throw new Unfoldable(stream, failure);
      for (const table of tables) await writeShadow(this.writer, table, chunk.folds, true);
      for (const fold of chunk.folds) this.note(fold);
      streams += chunk.folds.length;
      ({ last: after, isLast } = chunk);
    }
    for (const table of tables) await this.writer.query(`ANALYZE ${table}_rebuild`);
    this.reached = head;
    this.say(`folded ${streams} streams up to index ${head}`);
  }

  private async catchUp(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const started = performance.now();
      await this.advanceTo(await readHead(this.writer), this.writer);
      if (performance.now() - started < QUICK_ROUND_MS) break;
    }
  }

  /** Brings the shadows up to an index. Does not note that they are: a transaction may still be rolled back. */
  private async replay(to: Index, client: Client): Promise<void> {
    const touched = await touchedStreams(client, this.reached, to);
    for (let from = 0; from < touched.length; from += CATCH_UP_STREAMS) {
      const folds = touched
        .slice(from, from + CATCH_UP_STREAMS)
        .map((stream) => this.folds.get(stream) ?? new StreamFold(stream, this.options.aggregates));
      await advance(client, folds, to);
      for (const table of this.options.tables) await writeShadow(client, table, folds, false);
      for (const fold of folds) this.keep(fold);
    }
  }

  private async advanceTo(to: Index, client: Client): Promise<void> {
    await this.replay(to, client);
    this.reached = to;
  }

  private async compare(): Promise<Map<RebuildableTable, Comparison>> {
    await this.gate.query('BEGIN');
    const head = await readHead(this.gate, true);
    await this.advanceTo(head, this.writer);
    await this.observer.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    // The first statement takes the snapshot: nobody can append before it.
    await readHead(this.observer);
    await this.gate.query('COMMIT');
    const comparisons = new Map<RebuildableTable, Comparison>();
    for (const table of this.options.tables) {
      const comparison = await compareShadow(this.observer, table);
      const { rows, differences } = comparison;
      comparisons.set(table, comparison);
      this.say(
        `${table}: ${rows} rows at index ${head}, ${differences === 0 ? 'as they were' : `${differences} differ`}`,
      );
    }
    await this.observer.query('COMMIT');
    return comparisons;
  }

  /** @param isMended states came out otherwise than they were stored: those that are kept of the past would, too */
  private async swap(isMended: boolean): Promise<Index> {
    for (;;) {
      try {
        return await this.trySwap(isMended);
      } catch (error) {
        await this.gate.query('ROLLBACK');
        if (!isLockFailure(error) || ++this.swapAttempts === SWAP_ATTEMPTS) throw error;
        await delay(SWAP_PAUSE_MS);
        await this.catchUp();
      }
    }
  }

  private async trySwap(isMended: boolean): Promise<Index> {
    const { tables } = this.options;
    await this.gate.query('BEGIN');
    const head = await readHead(this.gate, true);
    await this.replay(head, this.gate);
    // Only now: appends wait for us already, readers do so from here on.
    await this.gate.query(`SET LOCAL lock_timeout = ${SWAP_LOCK_MS}`);
    await this.gate.query(`LOCK TABLE ${tables.join(', ')} IN ACCESS EXCLUSIVE MODE`);
    for (const table of tables) {
      await swapIn(this.gate, table, head);
      if (table !== 'stream') await writeTableIndex(this.gate, table, this.tableIndexes.get(table));
    }
    if (isMended) await this.gate.query('TRUNCATE kept_state');
    await this.gate.query('COMMIT');
    this.say(`swapped at index ${head}`);
    return head;
  }

  private keep(fold: StreamFold): void {
    this.note(fold);
    this.folds.delete(fold.stream);
    this.folds.set(fold.stream, fold);
    for (const stream of this.folds.keys()) {
      if (this.folds.size <= KEPT_FOLDS) break;
      this.folds.delete(stream);
    }
  }

  private note({ tableIndexes }: StreamFold): void {
    for (const [table, index] of tableIndexes) {
      this.tableIndexes.set(table, Math.max(index, this.tableIndexes.get(table) ?? 0));
    }
  }
}

async function writeTableIndex(client: Client, table: string, index: Index | undefined): Promise<void> {
  await client.query('DELETE FROM table_index WHERE name = $1', [table]);
  if (index !== undefined) await client.query('INSERT INTO table_index (name, index) VALUES ($1, $2)', [table, index]);
}

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';

const isLockFailure = (error: unknown): boolean =>
  [LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED].includes(String((error as { code?: unknown } | null)?.code));
