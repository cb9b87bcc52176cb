import type { Aggregates } from '@app/event-store';
import { streamType, type Index, type StreamName, ownProperty } from '@app/kernel';
import type { Client } from 'pg';
import { keyOf } from '../entities.js';
import { TABLES, type TableName } from '../tables.js';
import { textDifference } from './difference.js';
import { advance, foldChunk } from './fold-log.js';
import { CATCH_UP_STREAMS, RANGES_AT_ONCE } from './limits.js';
import { connectTo, readHead, takeTurn, touchedStreams } from './log.sql.js';
import { ownedBy, OWNERS, ownerOf } from './owners.js';
import { StreamFold, type FoldedRow } from './stream-fold.js';

// Appends write events, states, rows and table indexes in one transaction, so any snapshot of the database shows all of them at one index.
// A snapshot of the whole log's length would keep the dead versions of `log_head` and `stream` alive and slow every append down. So the log
// is verified in chunks of streams, each in a snapshot of its own: short, and exact, because a row belongs to one stream. What is written
// meanwhile is seen by the chunks that come after, or was not there yet when the verification began.

export interface VerifyOptions {
  readonly url: string;
  readonly aggregates: Aggregates;
  /** Called for each difference, with a sentence. */
  readonly onDifference: (sentence: string) => void;
}

export interface Verified {
  readonly streams: number;
  readonly rows: number;
  readonly differences: number;
  /** Everything up to here was verified. */
  readonly index: Index;
}

/** Another rebuild or verification is in the way. */
export class NotNow extends Error {}

type StoredRow = Readonly<Record<string, unknown>> & { readonly document: string };

/**
 * Folds the whole log and compares it with the stored states, the rows of all read models, and the tables' indexes. Servers may be running.
 * Several ranges of streams at a time; memory does not grow with the log. @throws NotNow; the driver's error.
 */
export async function verify(options: VerifyOptions): Promise<Verified> {
  const client = await connectTo(options.url);
  try {
    if (!(await takeTurn(client, 'together'))) throw new NotNow('a rebuild is under way; verify when it is done');
    return await new Verification(client, options).run();
  } finally {
    await client.end();
  }
}

/** Streams after one name, and up to another: none is left out, whatever its name. */
interface Range {
  readonly after: string;
  readonly through: string | undefined;
}

/** Most streams are of allocations, and these are spread evenly. */
const CUTS = [
  'allocation/3',
  'allocation/6',
  'allocation/9',
  'allocation/c',
  'allocation0',
  'evaluation/8',
  'evaluation0',
];
const RANGES: readonly Range[] = ['', ...CUTS].map((after, i) => ({ after, through: CUTS[i] }));

async function inSnapshot<T>(client: Client, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const result = await work();
  await client.query('COMMIT');
  return result;
}

class Verification {
  private streams = 0;
  private rows = 0;
  private differences = 0;
  private readonly tableIndexes = new Map<string, Index>();
  /** One range could not be gone through: the others need not be, either. */
  private isGivenUp = false;

  constructor(
    private readonly client: Client,
    private readonly options: VerifyOptions,
  ) {}

  async run(): Promise<Verified> {
    const index = await readHead(this.client);
    await this.numbering(index);
    const ranges = [...RANGES];
    const goers = Array.from({ length: RANGES_AT_ONCE }, () => this.goThrough(ranges));
    const failed = (await Promise.allSettled(goers)).find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    for (const { table } of TABLES) await this.strangers(table);
    await this.indexesOfTables(index);
    const { streams, rows, differences } = this;
    return { streams, rows, differences, index };
  }

  private differ(sentence: string): void {
    this.differences++;
    this.options.onDifference(sentence);
  }

  /** On a connection of its own: while one range waits for the database, another one is folded. */
  private async goThrough(ranges: Range[]): Promise<void> {
    const client = await connectTo(this.options.url);
    try {
      for (let range = ranges.shift(); range !== undefined; range = ranges.shift()) {
        const { through } = range;
        let { after } = range;
        for (let isLast = false; !isLast && !this.isGivenUp;)
          ({ last: after, isLast } = await inSnapshot(client, () => this.chunk(client, { after, through })));
      }
    } catch (error) {
      this.isGivenUp = true;
      throw error;
    } finally {
      await client.end();
    }
  }

  /** The log has one commit for each index from 1 to its head. */
  private async numbering(head: Index): Promise<void> {
    const { rows } = await this.client.query<{ commits: number }>(
      'SELECT count(*)::float8 AS commits FROM event WHERE seq = 0 AND index BETWEEN 1 AND $1',
      [head],
    );
    const { commits = 0 } = rows[0] ?? {};
    if (commits !== head) this.differ(`log: the head is ${head}, but there are ${commits} commits`);
  }

  private async chunk(client: Client, { after, through }: Range): Promise<{ last: string; isLast: boolean }> {
    const head = await readHead(client);
    const { aggregates } = this.options;
    const { folds, failures, last, isLast } = await foldChunk(client, aggregates, after, head, through);
    for (const [stream, { message }] of failures) this.differ(`${stream}: its events cannot be folded: ${message}`);
    const whole = folds.filter(({ stream }) => !failures.has(stream));
    await this.states(client, folds, failures, { after, through: isLast ? through : last });
    for (const { table } of TABLES) {
      const owners = whole.filter(({ stream }) => streamType(stream) === OWNERS[table].type);
      if (owners.length > 0) await this.rowsOf(client, table, owners);
    }
    for (const { tableIndexes } of whole) this.noteIndexes(tableIndexes);
    this.streams += folds.length;
    return { last, isLast };
  }

  /** Compares the states of all streams of the chunk's range: also of those that have no events. */
  private async states(
    client: Client,
    folds: readonly StreamFold[],
    failures: ReadonlyMap<StreamName, Error>,
    { after, through }: Range,
  ): Promise<void> {
    const { rows } = await client.query<{ stream: StreamName; version: number; index: Index; state: string }>(
      `SELECT stream, version, last_index::float8 AS index, state FROM stream
        WHERE stream > $1 AND ($2::text IS NULL OR stream <= $2)`,
      [after, through ?? null],
    );
    const stored = new Map(rows.map((row) => [row.stream, row]));
    for (const fold of folds) {
      const { stream } = fold;
      const row = stored.get(stream);
      stored.delete(stream);
      if (failures.has(stream)) continue;
      if (row === undefined) this.differ(`${stream}: the stored state is missing`);
      else {
        if (row.version !== fold.version)
          this.differ(`${stream}: version is ${row.version}, the log says ${fold.version}`);
        if (row.index !== fold.lastIndex)
          this.differ(`${stream}: last_index is ${row.index}, the log says ${fold.lastIndex}`);
        const found = textDifference(row.state, JSON.stringify(fold.state), 'state');
        if (found !== undefined) this.differ(`${stream}: ${found}`);
      }
    }
    for (const stream of stored.keys()) this.differ(`${stream}: there is a stored state, but no event`);
  }

  private async rowsOf(client: Client, table: TableName, owners: readonly StreamFold[]): Promise<void> {
    const { condition, values } = ownedBy(
      table,
      owners.map(({ stream }) => stream),
    );
    const { rows } = await client.query<StoredRow>(`SELECT * FROM ${table} WHERE ${condition}`, [...values]);
    const stored = new Map(rows.map((row) => [String(ownProperty(row, keyOf(table))), row]));
    for (const fold of owners) {
      for (const [key, row] of fold.rows.get(table) ?? []) {
        this.rows++;
        const found = stored.get(key);
        stored.delete(key);
        if (found === undefined) this.differ(`${table} ${key}: the row is missing`);
        else for (const sentence of rowDifferences(found, row)) this.differ(`${table} ${key}: ${sentence}`);
      }
    }
    for (const key of stored.keys())
      this.differ(`${table} ${key}: there is a row, but the log says that there is none`);
  }

  /** Rows of streams that have no stored state: the chunks do not come by them. */
  private async strangers(table: TableName): Promise<void> {
    const { rows } = await this.client.query<{ key: string }>(
      `SELECT t.${keyOf(table)} AS key FROM ${table} t
        WHERE NOT EXISTS (SELECT FROM stream s WHERE s.stream = ${ownerOf(table)})
          AND NOT EXISTS (SELECT FROM event e WHERE e.stream = ${ownerOf(table)})`,
    );
    for (const { key } of rows) this.differ(`${table} ${key}: there is a row, but the log says that there is none`);
  }

  /** Compares at one index: what was appended since the beginning is folded in, as of the moment the stored ones are read. */
  private async indexesOfTables(since: Index): Promise<void> {
    const [head, stored] = await inSnapshot(this.client, async () => {
      const { rows } = await this.client.query<{ name: string; index: Index }>(
        'SELECT name, index::float8 AS index FROM table_index',
      );
      return [await readHead(this.client), new Map(rows.map(({ name, index }) => [name, index]))] as const;
    });
    const touched = await touchedStreams(this.client, since, head);
    for (let from = 0; from < touched.length; from += CATCH_UP_STREAMS) {
      const folds = touched
        .slice(from, from + CATCH_UP_STREAMS)
        .map((stream) => new StreamFold(stream, this.options.aggregates));
      // A stream that cannot be folded was reported with its chunk.
      await advance(this.client, folds, head).catch(() => undefined);
      for (const { tableIndexes } of folds) this.noteIndexes(tableIndexes);
    }
    for (const name of new Set([...stored.keys(), ...this.tableIndexes.keys()])) {
      const [is, shouldBe] = [stored.get(name) ?? 0, this.tableIndexes.get(name) ?? 0];
      if (is !== shouldBe) this.differ(`table_index ${name}: index is ${is}, the log says ${shouldBe}`);
    }
  }

  private noteIndexes(indexes: ReadonlyMap<string, Index>): void {
    for (const [table, index] of indexes) {
      this.tableIndexes.set(table, Math.max(index, this.tableIndexes.get(table) ?? 0));
    }
  }
}

function rowDifferences(stored: StoredRow, folded: FoldedRow): string[] {
  const columns = Object.entries(folded.columns).map(([name, value]) =>
    textDifference(asText(ownProperty(stored, name)), asText(value), `column ${name}`),
  );
  return [...columns, textDifference(stored.document, folded.document, 'document')].filter((one) => one !== undefined);
}

/** The driver gives bigint as text. */
const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null));
