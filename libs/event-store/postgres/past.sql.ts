import type { Index, StreamName, TimeUs } from '@app/kernel';
import type { Pool } from 'pg';
import type { PastEvent, PastStream } from '../port.js';
import { textArray } from './binary-array.js';

/** The first parameter, microseconds since 1970. */
const ASKED_TIME = `(timestamptz 'epoch' + $1::bigint * interval '1 microsecond')`;

const statements = {
  // What is stored serves when the stream has not moved since; else the last state that was kept, and the events up to the next one. `below`
  // bounds the look into the log: without it, everything that came after the index would be read to be thrown away.
  bases: {
    name: 'past_bases',
    text: `SELECT s.stream, s.last_index <= $2 AS stands,
        CASE WHEN s.last_index <= $2 THEN s.version ELSE b.version END AS version,
        CASE WHEN s.last_index <= $2 THEN s.last_index ELSE b.index END AS "lastIndex",
        CASE WHEN s.last_index <= $2 THEN s.state ELSE b.state END AS state,
        coalesce(n.version, s.version) AS below
      FROM unnest($1::text[]) AS asked (name) JOIN stream s ON s.stream = asked.name
        LEFT JOIN LATERAL (SELECT k.version, k.index, k.state FROM kept_state k
          WHERE k.stream = s.stream AND k.index <= $2 ORDER BY k.index DESC LIMIT 1) AS b ON s.last_index > $2
        LEFT JOIN LATERAL (SELECT k.version FROM kept_state k
          WHERE k.stream = s.stream AND k.index > $2 ORDER BY k.index LIMIT 1) AS n ON s.last_index > $2`,
  },
  // The lateral join holds the plan to one look into the index for each stream.
  events: {
    name: 'past_events',
    text: `SELECT e.* FROM unnest($1::text[], $2::int[], $3::int[]) AS part (name, after, below),
      LATERAL (SELECT index, stream, version, type, schema, data, (extract(epoch FROM recorded_at) * 1000000)::bigint AS time
                FROM event WHERE stream = part.name AND version > part.after AND version <= part.below AND index <= $4
                ORDER BY version) AS e`,
  },
  moment: {
    name: 'past_moment',
    text: 'SELECT index, types FROM moment WHERE index <= $1 ORDER BY index DESC LIMIT 1',
  },
  since: {
    name: 'past_since',
    text: `SELECT split_part(stream, '/', 1) AS type, max(index) AS index FROM event WHERE index > $1 AND index <= $2 GROUP BY 1`,
  },
  // Times between two moments are looked through; which two, an index tells.
  firstLater: {
    name: 'past_first_later',
    text: `SELECT min(index) AS index FROM event
      WHERE index > (SELECT index FROM moment WHERE time <= ${ASKED_TIME} ORDER BY time DESC, index DESC LIMIT 1)
        AND index <= coalesce((SELECT index FROM moment WHERE time > ${ASKED_TIME} ORDER BY time, index LIMIT 1), 9223372036854775807)
        AND recorded_at > ${ASKED_TIME}`,
  },
  head: { name: 'past_head', text: 'SELECT index FROM log_head' },
};

interface Base {
  readonly stream: StreamName;
  /** Nothing has happened to the stream since. */
  readonly stands: boolean;
  readonly version: number | null;
  readonly lastIndex: Index | null;
  readonly state: string | null;
  /** No event after this version is of interest. */
  readonly below: number;
}

export async function loadAt(
  pool: Pool,
  streams: readonly StreamName[],
  index: Index,
): Promise<Map<StreamName, PastStream>> {
  const { rows: bases } = await pool.query<Base>({ ...statements.bases, values: [textArray(streams), index] });
  const moved = bases.filter(({ stands }) => !stands);
  const events = moved.length === 0 ? [] : await eventsOf(pool, moved, index);
  const byStream = Map.groupBy(events, ({ stream }) => stream);
  return new Map(
    bases.flatMap(({ stream, version, lastIndex, state }): [StreamName, PastStream][] => {
      const since = byStream.get(stream) ?? [];
      if (version !== null)
        return [[stream, { base: { version, lastIndex: lastIndex!, state: state! }, events: since }]];
      return since.length === 0 ? [] : [[stream, { base: undefined, events: since }]];
    }),
  );
}

async function eventsOf(pool: Pool, moved: readonly Base[], index: Index): Promise<PastEvent[]> {
  const { rows } = await pool.query<PastEvent>({
    ...statements.events,
    values: [
      textArray(moved.map(({ stream }) => stream)),
      moved.map(({ version }) => version ?? 0),
      moved.map(({ below }) => below),
      index,
    ],
  });
  return rows;
}

export async function lastOfTypes(pool: Pool, index: Index): Promise<Map<string, Index>> {
  const { rows } = await pool.query<{ index: Index; types: Readonly<Record<string, Index>> }>({
    ...statements.moment,
    values: [index],
  });
  const [moment] = rows;
  const { rows: since } = await pool.query<{ type: string; index: Index }>({
    ...statements.since,
    values: [moment?.index ?? 0, index],
  });
  return new Map([...Object.entries(moment?.types ?? {}), ...since.map((row) => [row.type, row.index] as const)]);
}

export async function indexAt(pool: Pool, time: TimeUs): Promise<{ index: Index; isFinal: boolean }> {
  // The head first: what comes after it is later than this question.
  const { rows: heads } = await pool.query<{ index: Index }>(statements.head);
  const { rows } = await pool.query<{ index: Index | null }>({ ...statements.firstLater, values: [time] });
  const later = rows[0]?.index ?? null;
  return later === null ? { index: heads[0]?.index ?? 0, isFinal: false } : { index: later - 1, isFinal: true };
}
