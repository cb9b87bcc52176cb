import { EVENT_TYPES } from '@app/domain';
import type { EventMatch, Position } from '@app/event-store';
import { NAMESPACED_TYPES, STREAM_TYPES, type Index, type StreamName, type TimeUs } from '@app/kernel';
import { NomadError, param, params, timeOf, type Query } from '../http/index.js';

const DEFAULT_LIMIT = 100;
export const MAX_LIMIT = 1000;
const DEFAULT_BUCKETS = 60;
const MAX_BUCKETS = 240;
const MAX_ABOUT = 20;
/** Bytes of a word that Postgres looks for are bounded. */
const MAX_TEXT = 256;
const MAX_STREAM_NAME = 4_096;
const KINDS: ReadonlySet<string> = new Set(STREAM_TYPES);

/** An end of what is asked for: a commit, or a moment. */
export type Edge = { readonly index: Index } | { readonly time: TimeUs };

/** What is asked about the events of the log, as `…/rollbook/events` and `…/events/density` take it. */
export interface EventsQuery {
  readonly match: EventMatch;
  /** With what belongs to the one object that is asked about. */
  readonly related: StreamName | undefined;
  readonly after: Edge | undefined;
  readonly before: Edge | undefined;
}

export interface PageQuery extends EventsQuery {
  readonly descending: boolean;
  readonly limit: number;
  readonly from: Position | undefined;
}

export interface DensityQuery extends EventsQuery {
  readonly byTime: boolean;
  readonly buckets: number;
}

const refuse = (text: string): NomadError => new NomadError(text, 400);

const FILTERS = ['about', 'related', 'kind', 'type', 'actor', 'reason', 'after', 'before'];
/** Every client of Nomad may send these. */
const COMMON = ['region', 'stale'];

/** A filter that is misspelt must not be taken for none. */
function onlyKnown(query: Query, more: readonly string[]): void {
  const known = [...FILTERS, ...more];
  for (const name of query.keys())
    if (!known.includes(name) && !COMMON.includes(name))
      throw refuse(`there is no parameter ${JSON.stringify(name)}: there are ${known.join(', ')}`);
}

/** @throws NomadError (400) */
export function pageQuery(query: Query): PageQuery {
  onlyKnown(query, ['order', 'limit', 'next_token']);
  const order = param(query, 'order') || 'asc';
  if (order !== 'asc' && order !== 'desc') throw refuse('order must be asc or desc');
  return {
    ...eventsQuery(query),
    descending: order === 'desc',
    limit: numberOf(query, 'limit', MAX_LIMIT) ?? DEFAULT_LIMIT,
    from: positionOf(param(query, 'next_token')),
  };
}

/** @throws NomadError (400) */
export function densityQuery(query: Query): DensityQuery {
  onlyKnown(query, ['by', 'buckets']);
  const by = param(query, 'by') || 'index';
  if (by !== 'index' && by !== 'time') throw refuse('by must be index or time');
  return {
    ...eventsQuery(query),
    byTime: by === 'time',
    buckets: numberOf(query, 'buckets', MAX_BUCKETS) ?? DEFAULT_BUCKETS,
  };
}

function eventsQuery(query: Query): EventsQuery {
  const about = params(query, 'about').filter((one) => one !== '');
  if (about.length > MAX_ABOUT) throw refuse(`about: ${MAX_ABOUT} objects at most`);
  const streams = about.map(streamOf);
  const kinds = oneOf(query, 'kind', KINDS);
  const types = oneOf(query, 'type', EVENT_TYPES);
  const actor = textOf(query, 'actor');
  const reason = textOf(query, 'reason');
  return {
    match: {
      ...(streams.length > 0 && { streams }),
      ...(kinds !== undefined && { kinds }),
      ...(types !== undefined && { types }),
      ...(actor !== undefined && { actor }),
      ...(reason !== undefined && { reason }),
    },
    related: relatedOf(param(query, 'related'), streams),
    after: edgeOf(query, 'after'),
    before: edgeOf(query, 'before'),
  };
}

/** `<kind>/<id>`, and `job/<namespace>/<id>`: what events say that they are about. */
function streamOf(text: string): StreamName {
  const [kind = '', ...key] = text.split('/');
  if (!KINDS.has(kind) || key.join('/') === '' || (NAMESPACED_TYPES.has(kind) && (key.length < 2 || key[0] === '')))
    throw refuse(
      `about=${text}: name an object as deployment/<id>, allocation/<id>, evaluation/<id>, node/<id>, job/<namespace>/<id>, or <kind>/<key> of another kind`,
    );
  if (text.includes('\0') || text.length > MAX_STREAM_NAME) throw refuse('about: no object is called like that');
  return text as StreamName;
}

function relatedOf(text: string, streams: readonly StreamName[]): StreamName | undefined {
  if (text === '' || text === 'false') return undefined;
  const [only, ...others] = streams;
  if (text !== 'true' || only === undefined || others.length > 0 || !/^(job|deployment)\//.test(only))
    throw refuse('related=true tells what belongs to one job or one deployment: about=job/<namespace>/<id>');
  return only;
}

function oneOf(query: Query, name: string, known: ReadonlySet<string>): string[] | undefined {
  const given = params(query, name).filter((one) => one !== '');
  for (const one of given)
    if (!known.has(one)) throw refuse(`there is no ${name} ${JSON.stringify(one)}: ${[...known].join(', ')}`);
  return given.length === 0 ? undefined : [...new Set(given)];
}

function textOf(query: Query, name: string): string | undefined {
  const text = param(query, name);
  if (text === '') return undefined;
  if (text.length > MAX_TEXT) throw refuse(`${name}: ${MAX_TEXT} characters at most`);
  if (text.includes('\0')) throw refuse(`${name}: no text holds a zero byte`);
  return text;
}

function numberOf(query: Query, name: string, most: number): number | undefined {
  const text = param(query, name);
  if (text === '') return undefined;
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > most) throw refuse(`${name} must be a number from 1 to ${most}`);
  return number;
}

function edgeOf(query: Query, name: string): Edge | undefined {
  const text = param(query, name);
  if (text === '') return undefined;
  if (/^\d+$/.test(text)) {
    const index = Number(text);
    if (!Number.isSafeInteger(index)) throw refuse(`${name}: no log is that long`);
    return { index };
  }
  const time = timeOf(text);
  if (time === undefined) throw refuse(`${name} must be an index or a time as RFC 3339 has it`);
  return { time };
}

/** Where the page before has stopped: `<index>`, or `<index>.<seq>` within a commit. */
function positionOf(text: string): Position | undefined {
  if (text === '') return undefined;
  const [, index, seq] = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (index === undefined) throw refuse('next_token is not one that this server gave');
  return { index: Number(index), ...(seq !== undefined && { seq: Number(seq) }) };
}

export const tokenOfPosition = ({ index, seq }: Position): string =>
  seq === undefined ? `${index}` : `${index}.${seq}`;
