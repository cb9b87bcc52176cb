import type { ClientBase } from 'pg';
import type { Index, TimeUs } from '@app/kernel';
import { bigintArray, intArray, textArray } from '../postgres/binary-array.js';
import type { Gathered, LogEnd } from './gathered.js';

/** Another process has written to the log: what was decided is not of it. */
export class LogMoved extends Error {}

const NOTED = `SELECT m.index::float8 AS index, (extract(epoch FROM nullif(m.time, '-infinity')) * 1000000)::float8 AS time, m.types
  FROM moment m ORDER BY m.index DESC LIMIT 1`;
const SINCE = `SELECT split_part(stream, '/', 1) AS type, max(index)::float8 AS index, (extract(epoch FROM max(recorded_at)) * 1000000)::float8 AS time
  FROM event WHERE index > $1 AND index <= $2 GROUP BY 1`;

/** Where the log ends, and what the next moment is made of. */
export async function readLogEnd(client: ClientBase): Promise<LogEnd> {
  const { rows: heads } = await client.query<{ index: Index; chain: string }>(
    `SELECT index::float8 AS index, encode(chain, 'hex') AS chain FROM log_head`,
  );
  const { rows: moments } = await client.query<{ index: Index; time: TimeUs | null; types: object }>(NOTED);
  const [head, moment] = [heads[0]!, moments[0]!];
  const { rows: since } = await client.query<{ type: string; index: Index; time: TimeUs }>(SINCE, [
    moment.index,
    head.index,
  ]);
  const times = [...(moment.time === null ? [] : [moment.time]), ...since.map(({ time }) => time)];
  const types = new Map(Object.entries(moment.types) as [string, Index][]);
  for (const { type, index } of since) types.set(type, index);
  return { ...head, time: times.length === 0 ? null : Math.max(...times), types };
}

// The triggers make of many commits at once what they make of one. What they would have made of each is written beside it.
const TRIGGERS = [
  ['stream', 'keep_first_state'],
  ['stream', 'keep_state'],
  ['log_head', 'note_moment'],
] as const;
const alterTriggers = async (client: ClientBase, verb: 'DISABLE' | 'ENABLE'): Promise<void> => {
  for (const [table, trigger] of TRIGGERS) await client.query(`ALTER TABLE ${table} ${verb} TRIGGER ${trigger}`);
};

const MOVED = `SELECT x.stream FROM unnest($1::text[], $2::int[]) AS x (stream, version) LEFT JOIN stream s ON s.stream = x.stream
  WHERE coalesce(s.version, 0) <> x.version LIMIT 1`;
const EVENTS = `INSERT INTO event (index, seq, stream, version, type, schema, data, meta, recorded_at, chain)
  SELECT e.index, e.seq, e.stream, e.version, e.type, e.schema, e.data::json, e.meta::json,
    timestamptz 'epoch' + e.time * interval '1 microsecond', decode(e.chain, 'hex')
  FROM unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::text[], $6::int[], $7::text[], $8::text[], $9::bigint[], $10::text[])
    AS e (index, seq, stream, version, type, schema, data, meta, time, chain)`;
const STATES = `INSERT INTO stream AS known (stream, version, last_index, state)
  SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[])
  ON CONFLICT (stream) DO UPDATE SET version = excluded.version, last_index = excluded.last_index, state = excluded.state`;
const KEPT_STATES = `INSERT INTO kept_state (stream, version, index, state)
  SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[])`;
const MOMENTS = `INSERT INTO moment (index, time, types)
  SELECT m.index, timestamptz 'epoch' + m.time * interval '1 microsecond', m.types::jsonb
  FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS m (index, time, types)`;
const TABLE_INDEXES = `INSERT INTO table_index (name, index) SELECT * FROM unnest($1::text[], $2::bigint[])
  ON CONFLICT (name) DO UPDATE SET index = excluded.index`;
/** As far ahead as the log's own upkeep keeps partitions. */
const PARTITIONS = 'SELECT ensure_event_partitions($1::bigint + 5000000)';

/** Writes all of it in one transaction. @throws LogMoved; the driver's error */
export async function flush(client: ClientBase, gathered: Gathered): Promise<void> {
  await client.query('BEGIN');
  try {
    await write(client, gathered);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function write(client: ClientBase, gathered: Gathered): Promise<void> {
  const { begin, end, expected, events, states, keptStates, moments } = gathered;
  const { rows: heads } = await client.query<{ index: Index }>(
    'SELECT index::float8 AS index FROM log_head FOR UPDATE',
  );
  if (heads[0]?.index !== begin.index)
    throw new LogMoved(`the log has moved from ${begin.index} to ${heads[0]?.index}`);
  const { rows: moved } = await client.query<{ stream: string }>(MOVED, [
    textArray([...expected.keys()]),
    intArray([...expected.values()]),
  ]);
  if (moved[0] !== undefined) throw new LogMoved(`${moved[0].stream} is not as it was read`);
  await client.query(PARTITIONS, [end.index]);
  await alterTriggers(client, 'DISABLE');
  await client.query(EVENTS, [
    ...[bigintArray(events.map(({ index }) => index)), intArray(events.map(({ seq }) => seq))],
    ...[textArray(events.map(({ stream }) => stream)), intArray(events.map(({ version }) => version))],
    ...[textArray(events.map(({ type }) => type)), intArray(events.map(({ schema }) => schema))],
    ...[textArray(events.map(({ data }) => data)), textArray(events.map(({ meta }) => meta))],
    ...[bigintArray(events.map(({ time }) => time)), textArray(events.map(({ chain }) => chain))],
  ]);
  await client.query(STATES, statesOf(Array.from(states, ([stream, state]) => ({ stream, ...state }))));
  await client.query(KEPT_STATES, statesOf(keptStates));
  await writeRows(client, gathered);
  await client.query(MOMENTS, [
    bigintArray(moments.map(({ index }) => index)),
    bigintArray(moments.map(({ time }) => time)),
    textArray(moments.map(({ types }) => types)),
  ]);
  await client.query(`UPDATE log_head SET index = $1, chain = decode($2, 'hex')`, [end.index, end.chain]);
  await alterTriggers(client, 'ENABLE');
  await client.query(`SELECT pg_notify('rollbook_head', $1)`, [String(end.index)]);
}

const statesOf = (
  states: readonly {
    readonly stream: string;
    readonly version: number;
    readonly index: Index;
    readonly state: string;
  }[],
): Buffer[] => [
  textArray(states.map(({ stream }) => stream)),
  intArray(states.map(({ version }) => version)),
  bigintArray(states.map(({ index }) => index)),
  textArray(states.map(({ state }) => state)),
];

async function writeRows(client: ClientBase, { removed, rows, tableIndexes }: Gathered): Promise<void> {
  // What keeps the ones that have gone finds the commit in the stream, as it does in the append: written already.
  for (const { table, key } of removed)
    await client.query(`SELECT ${client.escapeIdentifier(`unproject_${table}`)}($1)`, [[key]]);
  for (const [table, byKey] of rows) {
    const written = [...byKey.values()];
    await client.query(`SELECT ${client.escapeIdentifier(`project_${table}`)}($1, $2::text[]::jsonb[], $3)`, [
      textArray([...byKey.keys()]),
      textArray(written.map(({ columns }) => columns)),
      textArray(written.map(({ document }) => document)),
    ]);
  }
  await client.query(TABLE_INDEXES, [textArray([...tableIndexes.keys()]), bigintArray([...tableIndexes.values()])]);
}
