import type { Index, TimeUs } from '@app/kernel';
import type { Pool } from 'pg';
import { endsPart, PART, partOf, type EventMatch, type Tallies, type Tally } from '../search.js';
import { textArray } from './binary-array.js';
import {
  eventConditions,
  isOneOfMany,
  partsStatement,
  tallied,
  tallyConditions,
  Values,
  type Statement,
} from './match.sql.js';

/** Parts in which one of many may have done something, event by event: the newest ones. */
const MOST_PARTS = 64;
/** Commits with a reason that fits whose events are counted: the newest ones. */
const MOST_REASONS = 20_000;

/** Between which two edges an index is, from 0. */
const bucketOf = (index: string, edges: string): string => `width_bucket(${index} - 1, ${edges}::bigint[]) - 1`;

/** Rows with a `bucket`, a `stream` and a count of `events`, by what is asked about each. */
const grouped = (rows: string, byNamespace: boolean): string =>
  byNamespace
    ? `SELECT bucket, split_part(stream, '/', 1) AS kind, stream_namespace(stream) AS namespace, sum(events)::bigint AS events
        FROM (SELECT bucket, stream, count(*) AS events FROM (${rows}) AS e GROUP BY 1, 2) AS of_streams GROUP BY 1, 2, 3`
    : `SELECT bucket, '' AS kind, '' AS namespace, count(*) AS events FROM (${rows}) AS e GROUP BY 1`;

export async function count(
  pool: Pool,
  match: EventMatch,
  edges: readonly Index[],
  byNamespace: boolean,
): Promise<Tallies> {
  const [first, last] = [edges[0] ?? 0, edges.at(-1) ?? 0];
  if (first >= last) return { tallies: [], isComplete: true };
  if (match.streams !== undefined)
    return {
      tallies: await ask(pool, streamsCount(match.streams, match, edges, byNamespace)),
      isComplete: true,
    };
  const below = await tallied(pool);
  const tail = { low: Math.max(below, first + 1), high: last };
  if (match.reason !== undefined) {
    const [{ rows }, late] = await Promise.all([
      pool.query<Tally & { commits: number }>(reasonsCount(match, match.reason, edges, below, byNamespace)),
      ask(pool, piecesCount([tail], match, edges, byNamespace)),
    ]);
    return { tallies: [...rows, ...late], isComplete: (rows[0]?.commits ?? 0) < MOST_REASONS };
  }
  const piecesOf = (parts: Iterable<number>) =>
    [...parts]
      .filter((part) => part * PART < below)
      .map((part) => ({ low: Math.max(first + 1, part * PART), high: Math.min(last, part * PART + PART - 1) }));
  if (isOneOfMany(match.actor)) {
    const newest = partsStatement(match, { low: first + 1, high: last, descending: true }, MOST_PARTS);
    const { rows } = await pool.query<{ part: number }>(newest);
    const pieces = [...piecesOf(rows.map(({ part }) => part)), tail];
    const tallies = await ask(pool, piecesCount(pieces, match, edges, byNamespace));
    return { tallies, isComplete: rows.length < MOST_PARTS };
  }
  // Parts that an edge goes through.
  const pieces = piecesOf(new Set(edges.filter((edge) => !endsPart(edge)).map(partOf)));
  const [whole, rest] = await Promise.all([
    ask(pool, tallyCount(match, edges, below, byNamespace)),
    ask(pool, piecesCount([...pieces, tail], match, edges, byNamespace)),
  ]);
  return { tallies: [...whole, ...rest], isComplete: true };
}

async function ask(pool: Pool, statement: Statement): Promise<Tally[]> {
  return (await pool.query<Tally>(statement)).rows;
}

/** Of the parts that are between two edges as a whole; those from `below` on, which may have been tallied meanwhile, are counted elsewhere. */
export function tallyCount(match: EventMatch, edges: readonly Index[], below: Index, byNamespace: boolean): Statement {
  const values = new Values();
  const given = values.add(edges);
  const names = byNamespace ? 'kind, namespace' : `''::text AS kind, ''::text AS namespace`;
  return {
    text: `SELECT bucket, kind, namespace, sum(events)::bigint AS events FROM (
        SELECT ${bucketOf(`greatest(part * ${PART}, 1)`, given)} AS bucket, ${bucketOf(`(part * ${PART} + ${PART - 1})`, given)} AS last, ${names}, events
        FROM log_tally WHERE part >= ${values.add(partOf((edges[0] ?? 0) + 1))} AND part <= ${values.add(partOf(Math.min(edges.at(-1) ?? 0, below - 1)))}${tallyConditions(match, values)}
      ) AS t WHERE bucket = last AND bucket >= 0 AND bucket < ${edges.length - 1} GROUP BY 1, 2, 3`,
    values: values.all,
  };
}

/** Of pieces of the log, event by event. */
export function piecesCount(
  pieces: readonly { readonly low: Index; readonly high: Index }[],
  match: EventMatch,
  edges: readonly Index[],
  byNamespace: boolean,
): Statement {
  const values = new Values();
  const given = values.add(edges);
  const lows = values.add(pieces.map(({ low }) => low));
  const highs = values.add(pieces.map(({ high }) => high));
  return {
    text: grouped(
      `SELECT e.* FROM unnest(${lows}::bigint[], ${highs}::bigint[]) AS p (low, high), LATERAL (
          SELECT ${bucketOf('e.index', given)} AS bucket, e.stream FROM event e
          WHERE e.index >= p.low AND e.index <= p.high${eventConditions(match, values)} OFFSET 0) AS e`,
      byNamespace,
    ),
    values: values.all,
  };
}

export function streamsCount(
  streams: readonly string[],
  match: EventMatch,
  edges: readonly Index[],
  byNamespace: boolean,
): Statement {
  const values = new Values();
  const given = values.add(edges);
  return {
    text: grouped(
      `SELECT e.* FROM unnest(${values.add(textArray(streams))}::text[]) AS s (name), LATERAL (
          SELECT ${bucketOf('e.index', given)} AS bucket, e.stream FROM event e
          WHERE e.stream = s.name AND e.index > ${values.add(edges[0])} AND e.index <= ${values.add(edges.at(-1))}${eventConditions(match, values)} OFFSET 0) AS e`,
      byNamespace,
    ),
    values: values.all,
  };
}

/** Of commits whose reason fits; with how many there are. */
export function reasonsCount(
  match: EventMatch,
  reason: string,
  edges: readonly Index[],
  below: Index,
  byNamespace: boolean,
): Statement {
  const values = new Values();
  const given = values.add(edges);
  const { reason: _, ...rest } = match;
  const ends = `index > ${values.add(edges[0])} AND index <= ${values.add(Math.min(edges.at(-1) ?? 0, below - 1))}`;
  const text = grouped(
    `SELECT e.* FROM fitting AS r, LATERAL (
        SELECT ${bucketOf('e.index', given)} AS bucket, e.stream FROM event e WHERE e.index = r.index${eventConditions(rest, values)} OFFSET 0) AS e`,
    byNamespace,
  );
  return {
    text: `WITH fitting AS MATERIALIZED (
        SELECT index FROM log_reason WHERE ${ends} AND words @@ asked_words(${values.add(JSON.stringify(reason))})
        ORDER BY index DESC LIMIT ${MOST_REASONS})
      SELECT c.*, (SELECT count(*) FROM fitting) AS commits FROM (${text}) AS c`,
    values: values.all,
  };
}

export async function timesOf(pool: Pool, indexes: readonly Index[]): Promise<Map<Index, TimeUs>> {
  const { rows } = await pool.query<{ index: Index; time: TimeUs }>(
    `SELECT index, (extract(epoch FROM recorded_at) * 1000000)::bigint AS time FROM event WHERE index = ANY($1::bigint[]) AND seq = 0`,
    [indexes],
  );
  return new Map(rows.map(({ index, time }) => [index, time]));
}
