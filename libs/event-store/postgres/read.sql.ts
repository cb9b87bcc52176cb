import type { EventMeta, Index, RecordedEvent, StreamName } from '@app/kernel';
import type { Pool } from 'pg';
import { CHAIN_BEGIN, commitDigest, type ChainedCommit } from '../chain.js';
import type { ChainPart, Head, StoredState } from '../port.js';
import { textArray } from './binary-array.js';

const COLUMNS = `index, seq, stream, version, type, schema, data, meta,
  (extract(epoch FROM recorded_at) * 1000000)::bigint AS time`;

const statements = {
  load: {
    name: 'load',
    text: 'SELECT stream, version, last_index AS "lastIndex", state FROM stream WHERE stream = ANY($1::text[])',
  },
  versions: { name: 'versions', text: 'SELECT stream, version FROM stream WHERE stream = ANY($1::text[])' },
  findKey: { name: 'find_key', text: 'SELECT fingerprint, index, answer FROM command_key WHERE key = $1' },
  head: {
    name: 'head',
    text: `SELECT index, encode(chain, 'hex') AS chain, store_epoch AS "storeEpoch" FROM log_head`,
  },
  tableIndexes: { name: 'table_indexes', text: 'SELECT name, index FROM table_index' },
  // The inner query finds the commit that reaches the limit; the outer one takes it whole.
  after: {
    name: 'read_after',
    text: `SELECT ${COLUMNS}, encode(chain, 'hex') AS chain FROM event
      WHERE index > $1 AND index <= (
        SELECT max(index) FROM (SELECT index FROM event WHERE index > $1 ORDER BY index, seq LIMIT $2) AS first_ones)
      ORDER BY index, seq`,
  },
  // Texts, not values: what is hashed is what is stored.
  chain: {
    name: 'read_chain',
    text: `SELECT index, seq, stream, version, type, schema, data::text AS data, meta::text AS meta,
        (extract(epoch FROM recorded_at) * 1000000)::bigint AS time, encode(chain, 'hex') AS chain
      FROM event
      WHERE index > $1 AND index <= (
        SELECT max(index) FROM (SELECT index FROM event WHERE index > $1 ORDER BY index, seq LIMIT $2) AS first_ones)
      ORDER BY index, seq`,
  },
  chainBefore: {
    name: 'chain_before',
    text: `SELECT chain_from AS "from", encode(e.chain, 'hex') AS previous
      FROM log_head LEFT JOIN event e ON e.index = $1 AND e.seq = 0`,
  },
  stream: {
    name: 'read_stream',
    text: `SELECT ${COLUMNS} FROM event WHERE stream = $1 AND version >= $2 ORDER BY version`,
  },
  // The lateral join holds the plan to one look into the index for each stream.
  beginnings: {
    name: 'read_beginnings',
    text: `SELECT e.* FROM unnest($1::text[], $2::int[], $3::int[]) AS part(name, lowest, below),
      LATERAL (SELECT ${COLUMNS} FROM event
                WHERE stream = part.name AND version >= part.lowest AND version < part.below ORDER BY version) AS e`,
  },
};

interface EventRow {
  readonly index: Index;
  readonly seq: number;
  readonly stream: StreamName;
  readonly version: number;
  readonly type: string;
  readonly schema: number;
  readonly data: object;
  readonly meta: EventMeta;
  readonly time: number;
}

export async function load(pool: Pool, streams: readonly StreamName[]): Promise<Map<StreamName, StoredState>> {
  const { rows } = await pool.query<StoredState & { stream: StreamName }>({
    ...statements.load,
    values: [textArray(streams)],
  });
  return new Map(rows.map(({ stream, version, lastIndex, state }) => [stream, { version, lastIndex, state }]));
}

export async function versions(pool: Pool, streams: readonly StreamName[]): Promise<Map<StreamName, number>> {
  const { rows } = await pool.query<{ stream: StreamName; version: number }>({
    ...statements.versions,
    values: [textArray(streams)],
  });
  return new Map(rows.map(({ stream, version }) => [stream, version]));
}

export async function findKey(
  pool: Pool,
  key: string,
): Promise<{ fingerprint: string; index: Index; answer: string } | undefined> {
  const { rows } = await pool.query<{ fingerprint: string; index: Index; answer: string }>({
    ...statements.findKey,
    values: [key],
  });
  return rows[0];
}

/** @throws Error if the database was not migrated. */
export async function readHead(pool: Pool): Promise<Head> {
  const { rows } = await pool.query<Head>(statements.head);
  if (rows[0] === undefined) throw new Error('log_head has no row');
  return rows[0];
}

export async function tableIndexes(pool: Pool): Promise<Record<string, Index>> {
  const { rows } = await pool.query<{ name: string; index: Index }>(statements.tableIndexes);
  return Object.fromEntries(rows.map(({ name, index }) => [name, index]));
}

export async function readAfter(pool: Pool, index: Index, limit: number): Promise<RecordedEvent[]> {
  const { rows } = await pool.query<EventRow>({ ...statements.after, values: [index, limit] });
  return rows;
}

interface TextRow extends Omit<EventRow, 'data' | 'meta'> {
  readonly data: string;
  readonly meta: string;
  readonly chain: string | null;
}

export async function readChain(pool: Pool, after: Index, limit: number): Promise<ChainPart> {
  const [before, { rows }] = await Promise.all([
    pool.query<{ from: Index; previous: string | null }>({ ...statements.chainBefore, values: [after] }),
    pool.query<TextRow>({ ...statements.chain, values: [after, limit] }),
  ]);
  const { from, previous } = before.rows[0]!;
  const commits = Array.from(Map.groupBy(rows, ({ index }) => index).values(), (events): ChainedCommit => {
    const { index, time, meta, chain } = events[0]!;
    return { index, digest: commitDigest({ time, meta, events }), chain };
  });
  return { from, previous: after === from - 1 ? CHAIN_BEGIN : previous, commits };
}

export async function readStream(pool: Pool, stream: StreamName, fromVersion: number): Promise<RecordedEvent[]> {
  const { rows } = await pool.query<EventRow>({ ...statements.stream, values: [stream, fromVersion] });
  return rows;
}

export async function readBeginnings(
  pool: Pool,
  parts: ReadonlyMap<StreamName, { readonly from: number; readonly below: number }>,
): Promise<RecordedEvent[]> {
  const bounds = [...parts.values()];
  const { rows } = await pool.query<EventRow>({
    ...statements.beginnings,
    values: [[...parts.keys()], bounds.map(({ from }) => from), bounds.map(({ below }) => below)],
  });
  return rows;
}
