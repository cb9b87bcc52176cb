import type { Index } from '@app/kernel';
import type { Pool } from 'pg';
import { PART, partOf, type EventMatch, type Span } from '../search.js';
import { textArray } from './binary-array.js';

/* What is looked for, as SQL: of events, and of the tally that leads to them. */

export interface Statement {
  readonly text: string;
  readonly values: unknown[];
}

/** Parameters of a statement in the making. */
export class Values {
  readonly all: unknown[] = [];
  /** Its placeholder. */
  add(value: unknown): string {
    return `$${this.all.push(value)}`;
  }
}

const texts = (values: Values, given: readonly string[]): string => `ANY(${values.add(textArray(given))}::text[])`;

/** What an event `e` must be, as SQL that goes on. */
export function eventConditions({ kinds, types, actor, reason }: EventMatch, values: Values): string {
  // Before JSON is taken apart, which costs ten times as much.
  const held = (text: string): string => `strpos(e.meta::text, ${values.add(text)}) > 0`;
  return [
    kinds && ` AND split_part(e.stream, '/', 1) = ${texts(values, kinds)}`,
    types && ` AND e.type = ${texts(values, types)}`,
    actor !== undefined &&
      ` AND ${held(JSON.stringify(actor))} AND member_of(e.meta, 'actor') = ${values.add(JSON.stringify(actor))}`,
    reason !== undefined &&
      ` AND ${held('"reason":')} AND to_tsvector('simple', words_of(member_of(e.meta, 'reason'))) @@ asked_words(${values.add(JSON.stringify(reason))})`,
  ]
    .filter((one) => typeof one === 'string')
    .join('');
}

/** What a row of the tally must be; of {@link isOneOfMany} it may be another one's. */
export function tallyConditions({ kinds, types, actor }: EventMatch, values: Values): string {
  return [
    kinds && ` AND kind = ${texts(values, kinds)}`,
    types && ` AND type = ${texts(values, types)}`,
    actor !== undefined && ` AND actor = tallied_actor(${values.add(JSON.stringify(actor))})`,
  ]
    .filter((one) => typeof one === 'string')
    .join('');
}

/** Whether the tally knows an actor by its sort alone. */
export const isOneOfMany = (actor: string | undefined): boolean => /^(node|allocation) /.test(actor ?? '');

/** The first index that is not tallied yet. */
export async function tallied(pool: Pool): Promise<Index> {
  const { rows } = await pool.query<{ below: Index }>(
    `SELECT coalesce(max(part) + 1, 0) * ${PART} AS below FROM log_tally`,
  );
  return rows[0]!.below;
}

/** The parts of a span in which there is something. */
export function partsStatement(match: EventMatch, { low, high, descending }: Span, limit: number): Statement {
  const values = new Values();
  return {
    text: `SELECT DISTINCT part FROM log_tally WHERE part >= ${values.add(partOf(low))} AND part <= ${values.add(partOf(high))}
      ${tallyConditions(match, values)} ORDER BY part ${descending ? 'DESC' : ''} LIMIT ${values.add(limit)}`,
    values: values.all,
  };
}
