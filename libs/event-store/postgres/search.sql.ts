import type { EventMeta, Index } from '@app/kernel';
import type { Pool } from 'pg';
import { left, PART, type EventMatch, type Found, type FoundEvent, type Position, type Span } from '../search.js';
import { textArray } from './binary-array.js';
import { eventConditions, partsStatement, tallied, Values, type Statement } from './match.sql.js';

/** Events that one statement looks through; the commit that reaches it is completed. */
const LOOKED_THROUGH = 5_000;
/** Parts, and commits with a reason, that are looked up at once. */
const PARTS_AT_ONCE = 32;
const REASONS_AT_ONCE = 64;
/** Statements of one call. */
const MOST_STATEMENTS = 40;

const COLUMNS = `e.index, e.seq, e.stream, e.version, e.type, e.schema, e.data, e.meta,
  (extract(epoch FROM e.recorded_at) * 1000000)::bigint AS time, stream_namespace(e.stream) AS namespace`;

export async function search(pool: Pool, match: EventMatch, span: Span, limit: number): Promise<Found> {
  return match.streams === undefined
    ? new LogWalk(pool, match, span, limit).run()
    : searchStreams(pool, match.streams, match, span, limit);
}

/** A piece of the log that is to be looked through; `only`: nothing but these commits of it. */
interface Piece {
  readonly low: Index;
  readonly high: Index;
  readonly only?: readonly Index[];
}

/** Goes through what is left of a span, from one piece that holds something to the next. */
class LogWalk {
  private readonly events: FoundEvent[] = [];
  private low: Index;
  private high: Index;
  private cut: Position | undefined;
  private statements = 0;

  constructor(
    private readonly pool: Pool,
    private readonly match: EventMatch,
    private readonly span: Span,
    private readonly limit: number,
  ) {
    ({ low: this.low, high: this.high, cut: this.cut } = left(span));
  }

  async run(): Promise<Found> {
    const { kinds, types, actor, reason } = this.match;
    const isNarrow = kinds !== undefined || types !== undefined || actor !== undefined || reason !== undefined;
    const below = isNarrow ? await tallied(this.pool) : 0;
    while (this.low <= this.high) {
      if (this.statements >= MOST_STATEMENTS) return { events: this.events, reached: this.behind() };
      const { pieces, covered } = await this.pieces(below);
      for (const piece of pieces) {
        const reached = await this.through(piece);
        if (reached !== undefined) return { events: this.events, reached };
      }
      this.advance(covered);
    }
    return { events: this.events, reached: undefined };
  }

  /** All commits up to this one, in the walk's direction, are done with. */
  private advance(index: Index): void {
    if (this.span.descending ? index > this.high : index < this.low) return;
    this.cut = undefined;
    if (this.span.descending) this.high = index - 1;
    else this.low = index + 1;
  }

  /** Where the walk stands. */
  private behind(): Position {
    return this.cut ?? { index: this.span.descending ? this.high + 1 : this.low - 1 };
  }

  /** What of the log may hold something, in the walk's direction, and how far the rest has nothing. */
  private async pieces(below: Index): Promise<{ readonly pieces: readonly Piece[]; readonly covered: Index }> {
    const { low, high } = this;
    const { descending } = this.span;
    const end = descending ? low : high;
    if (descending ? high >= below : low >= below) {
      const piece = descending ? { low: Math.max(low, below), high } : { low, high };
      return { pieces: [piece], covered: descending ? piece.low : end };
    }
    const last = Math.min(high, below - 1);
    const found =
      this.match.reason === undefined ? await this.parts(low, last) : await this.reasons(low, last, this.match.reason);
    return { pieces: found.pieces, covered: found.isFull ? found.reached : descending ? low : last };
  }

  private async parts(low: Index, high: Index) {
    const { descending } = this.span;
    const { rows } = await this.pool.query<{ part: number }>(
      partsStatement(this.match, { low, high, descending }, PARTS_AT_ONCE),
    );
    this.statements++;
    const pieces: { low: Index; high: Index }[] = [];
    for (const { part } of rows) {
      const piece = { low: Math.max(low, part * PART), high: Math.min(high, part * PART + PART - 1) };
      const before = pieces.at(-1);
      if (before?.high === piece.low - 1) before.high = piece.high;
      else if (before?.low === piece.high + 1) before.low = piece.low;
      else pieces.push(piece);
    }
    const last = pieces.at(-1);
    return { pieces, isFull: rows.length === PARTS_AT_ONCE, reached: (descending ? last?.low : last?.high) ?? 0 };
  }

  private async reasons(low: Index, high: Index, reason: string) {
    const { descending } = this.span;
    const { rows } = await this.pool.query<{ index: Index }>(
      reasonsStatement(reason, { low, high, descending }, REASONS_AT_ONCE),
    );
    this.statements++;
    const only = rows.map(({ index }) => index);
    const pieces: Piece[] = only.length === 0 ? [] : [{ low: Math.min(...only), high: Math.max(...only), only }];
    return { pieces, isFull: rows.length === REASONS_AT_ONCE, reached: only.at(-1) ?? 0 };
  }

  /** Looks through a piece. Returns where it stopped before the end of it. */
  private async through(piece: Piece): Promise<Position | undefined> {
    const { descending } = this.span;
    for (;;) {
      const low = Math.max(piece.low, this.low);
      const high = Math.min(piece.high, this.high);
      if (low > high) return undefined;
      const { bound, events } = await this.scan({ ...piece, low, high });
      this.events.push(...events);
      if (this.events.length >= this.limit) {
        const { index, seq } = this.events.at(-1)!;
        return { index, seq };
      }
      this.advance(bound);
      if (this.statements >= MOST_STATEMENTS && this.low <= this.high) return this.behind();
      if (bound === (descending ? low : high)) return undefined;
    }
  }

  private async scan(piece: Piece): Promise<{ readonly bound: Index; readonly events: readonly FoundEvent[] }> {
    this.statements++;
    const { low, high, only } = piece;
    const { descending } = this.span;
    const wanted = this.limit - this.events.length;
    const { text, values } = scanStatement(this.match, { low, high, descending, from: this.cut }, wanted, only);
    const { rows } = await this.pool.query<ScanRow>(text, values);
    // Nothing at all is between the two: what is asked about begins behind the last event of its commit.
    const bound = only !== undefined || rows.length === 0 ? undefined : rows[0]!.bound;
    const events = rows.flatMap((row) => (row.seq === null ? [] : [eventOf(row)]));
    return { bound: bound ?? (descending ? low : high), events };
  }
}

/** A row without an event says only how far was looked. */
interface ScanRow extends Omit<FoundEvent, 'seq' | 'meta'> {
  readonly seq: number | null;
  readonly meta: EventMeta;
  readonly bound: Index | null;
}

function eventOf(row: ScanRow): FoundEvent {
  const { index, seq, stream, version, type, schema, data, meta, time, namespace } = row;
  return { index, seq: seq!, stream, version, type, schema, data, meta, time, namespace };
}

/** The commits of a span whose reason fits. */
export function reasonsStatement(reason: string, { low, high, descending }: Span, limit: number): Statement {
  const values = new Values();
  return {
    text: `SELECT index FROM log_reason WHERE index >= ${values.add(low)} AND index <= ${values.add(high)}
      AND words @@ asked_words(${values.add(JSON.stringify(reason))}) ORDER BY index ${descending ? 'DESC' : ''} LIMIT ${values.add(limit)}`,
    values: values.all,
  };
}

/** The events of a piece that match; without `only` it says, too, up to which commit it has looked. */
export function scanStatement(
  match: EventMatch,
  { low, high, descending, from }: Span,
  limit: number,
  only?: readonly Index[],
): Statement {
  const values = new Values();
  const order = descending ? 'DESC' : '';
  const cut =
    from?.seq === undefined
      ? ''
      : ` AND (e.index, e.seq) ${descending ? '<' : '>'} (${values.add(from.index)}, ${values.add(from.seq)})`;
  const conditions = eventConditions(match, values);
  if (only !== undefined)
    return {
      text: `SELECT NULL AS bound, ${COLUMNS} FROM event e WHERE e.index = ANY(${values.add(only)}::bigint[])${cut}${conditions}
        ORDER BY e.index ${order}, e.seq ${order} LIMIT ${values.add(limit)}`,
      values: values.all,
    };
  const ends = `e.index >= ${values.add(low)} AND e.index <= ${values.add(high)}${cut}`;
  const looked = conditions === '' ? limit : Math.max(limit, LOOKED_THROUGH);
  return {
    text: `SELECT b.bound, f.* FROM (
        SELECT ${descending ? 'min' : 'max'}(index) AS bound FROM (
          SELECT e.index FROM event e WHERE ${ends} ORDER BY e.index ${order}, e.seq ${order} LIMIT ${values.add(looked)}) AS first_ones
      ) AS b LEFT JOIN LATERAL (
        SELECT ${COLUMNS} FROM event e WHERE ${ends} AND e.index ${descending ? '>=' : '<='} b.bound${conditions}
        ORDER BY e.index ${order}, e.seq ${order} LIMIT ${values.add(limit)}
      ) AS f ON true ORDER BY f.index ${order}, f.seq ${order}`,
    values: values.all,
  };
}

/** States that are kept (migration Past) hold the look into a long stream to where it is asked about. */
export function streamsStatement(streams: readonly string[], match: EventMatch, span: Span, limit: number): Statement {
  const values = new Values();
  const { low, high, cut } = left(span);
  const order = span.descending ? 'DESC' : '';
  const [from, to] = [values.add(low), values.add(high)];
  const behind =
    cut === undefined
      ? ''
      : ` AND (e.index, e.seq) ${span.descending ? '<' : '>'} (${values.add(cut.index)}, ${values.add(cut.seq)})`;
  const at = values.add(limit);
  // The keys of all that may be on the page first; OFFSET 0 holds the plan to one look for each event that is.
  return {
    text: `SELECT f.* FROM (
        SELECT k.index, k.seq FROM unnest(${values.add(textArray(streams))}::text[]) AS s (name), LATERAL (
          SELECT e.index, e.seq FROM event e WHERE e.stream = s.name
            AND e.version >= coalesce((SELECT v.version FROM kept_state v WHERE v.stream = s.name AND v.index < ${from} ORDER BY v.index DESC LIMIT 1), 0)
            AND e.version <= coalesce((SELECT v.version FROM kept_state v WHERE v.stream = s.name AND v.index > ${to} ORDER BY v.index LIMIT 1), 2147483647)
            AND e.index >= ${from} AND e.index <= ${to}${behind}${eventConditions(match, values)}
          ORDER BY e.version ${order} LIMIT ${at}) AS k
        ORDER BY k.index ${order}, k.seq ${order} LIMIT ${at}
      ) AS k, LATERAL (SELECT ${COLUMNS} FROM event e WHERE e.index = k.index AND e.seq = k.seq OFFSET 0) AS f
      ORDER BY f.index ${order}, f.seq ${order}`,
    values: values.all,
  };
}

async function searchStreams(
  pool: Pool,
  streams: readonly string[],
  match: EventMatch,
  span: Span,
  limit: number,
): Promise<Found> {
  const { text, values } = streamsStatement(streams, match, span, limit);
  const { rows } = await pool.query<FoundEvent>(text, values);
  const last = rows.at(-1);
  return {
    events: rows,
    reached: last === undefined || rows.length < limit ? undefined : { index: last.index, seq: last.seq },
  };
}
