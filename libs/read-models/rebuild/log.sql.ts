import { columnTypes } from '@app/event-store';
import type { DomainEvent, Index, StreamName, TimeUs } from '@app/kernel';
import { Client, type ClientBase } from 'pg';
import { CONNECT_TIMEOUT_MS, PAGE_EVENTS } from './limits.js';

/** One row of the log, as far as a fold needs it. */
export interface LogEvent extends DomainEvent {
  readonly stream: StreamName;
  readonly version: number;
  readonly index: Index;
  readonly time: TimeUs;
  readonly schema: number;
}

/** Held by a rebuild alone, by verifications together: a table that is swapped away looks empty to an older snapshot. */
const ADVISORY_LOCK = 7_164_202_512;

// Indexes and times are safe integers: float8 comes as a number, where bigint would come as text.
const COLUMNS = `e.stream, e.version, e.index::float8 AS index, e.type, e.schema, e.data,
  (extract(epoch FROM e.recorded_at) * 1000000)::float8 AS time`;

/** A connection for work on the whole log: no statement timeout, and plans for tables that were never analysed. */
export async function connectTo(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'rollbook-ops',
    types: columnTypes,
    options: '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off',
  });
  // A lost connection shows in the query that fails; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** False: a rebuild is under way (or, for one that asks for the lock alone, a verification). The lock ends with the connection. */
export async function takeTurn(client: ClientBase, mode: 'alone' | 'together'): Promise<boolean> {
  const lock = mode === 'alone' ? 'pg_try_advisory_lock' : 'pg_try_advisory_lock_shared';
  const { rows } = await client.query<{ taken: boolean }>(`SELECT ${lock}($1) AS taken`, [ADVISORY_LOCK]);
  return rows[0]?.taken === true;
}

export async function readHead(client: ClientBase, lock = false): Promise<Index> {
  const { rows } = await client.query<{ index: Index }>(
    `SELECT index::float8 AS index FROM log_head${lock ? ' FOR UPDATE' : ''}`,
  );
  return rows[0]?.index ?? 0;
}

const byStream = (more: string): string => `SELECT ${COLUMNS} FROM event e
  WHERE (e.stream, e.version) > ($1, $2) AND e.index <= $3 ${more} ORDER BY e.stream, e.version LIMIT ${PAGE_EVENTS}`;

/** A page of the log in order of streams, from behind a position in it; `through`: the last stream that is wanted. */
export async function readStreamPage(
  client: ClientBase,
  stream: string,
  version: number,
  upTo: Index,
  through: string | undefined,
): Promise<LogEvent[]> {
  const { rows } = await client.query<LogEvent>({
    ...(through === undefined
      ? { name: 'log_by_stream', text: byStream(''), values: [stream, version, upTo] }
      : { name: 'log_of_range', text: byStream('AND e.stream <= $4'), values: [stream, version, upTo, through] }),
  });
  return rows;
}

/** What came to some streams after the version that is known of each, in order of streams. */
export async function readNewEvents(
  client: ClientBase,
  known: readonly { readonly stream: StreamName; readonly version: number }[],
  upTo: Index,
): Promise<LogEvent[]> {
  const { rows } = await client.query<LogEvent>({
    name: 'log_of_streams',
    text: `SELECT ${COLUMNS} FROM unnest($1::text[], $2::int[]) AS k (stream, version)
      JOIN event e ON e.stream = k.stream AND e.version > k.version
      WHERE e.index <= $3 ORDER BY e.stream, e.version`,
    values: [known.map(({ stream }) => stream), known.map(({ version }) => version), upTo],
  });
  return rows;
}

/** The streams that commits after one index, up to another, have touched. */
export async function touchedStreams(client: ClientBase, after: Index, upTo: Index): Promise<StreamName[]> {
  const { rows } = await client.query<{ stream: StreamName }>({
    name: 'log_touched',
    text: 'SELECT DISTINCT stream FROM event WHERE index > $1 AND index <= $2 ORDER BY stream',
    values: [after, upTo],
  });
  return rows.map(({ stream }) => stream);
}
