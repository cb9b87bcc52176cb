import { usFromRfc3339, type TimeUs } from '@app/kernel';
import { parseAtoi, parseBool, parseGoDuration, parseInt32, parseUint64 } from './go-strconv.js';
import { tokenFromClient } from './header-text.js';
import { percentDecode } from './percent.js';
import { fail, ok, type Refusal, type Result } from './result.js';

/** The parameters of a query string by name, values in the order given. */
export type Query = ReadonlyMap<string, readonly string[]>;

/** A blocking read waits this long when no `wait` is given, and never longer (spec/http-api §1.6). */
export const MAX_WAIT_MS = 300_000;
export const DEFAULT_NAMESPACE = 'default';

/**
 * The query of a request url (what follows the first `?`), by Go's rules: `+` is a space; a pair with a broken escape or a semicolon is left out
 * in silence.
 */
export function parseQuery(url: string): Query {
  const query = new Map<string, string[]>();
  const start = url.indexOf('?');
  if (start < 0) return query;
  for (const pair of url.slice(start + 1).split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const name = percentDecode((equals < 0 ? pair : pair.slice(0, equals)).replaceAll('+', ' '));
    const value = percentDecode(equals < 0 ? '' : pair.slice(equals + 1).replaceAll('+', ' '));
    if (name === undefined || value === undefined) continue;
    const values = query.get(name);
    if (values) values.push(value);
    else query.set(name, [value]);
  }
  return query;
}

/** The first value of a parameter; empty when it is absent, which Nomad treats alike nearly everywhere. */
export const param = (query: Query, name: string): string => query.get(name)?.[0] ?? '';

/** All values of a repeatable parameter (`topic`, `type`). */
export const params = (query: Query, name: string): readonly string[] => query.get(name) ?? [];

/** A time in a parameter, as RFC 3339 has it; undefined: it is none. A plus that was not escaped has become a space, and is taken for what it was. */
export const timeOf = (text: string): TimeUs | undefined =>
  usFromRfc3339(text.replace(/ (?=\d\d:\d\d$)/, '+').toUpperCase()) || undefined;

/** `?pretty` with any value but `0`: indent by four spaces and end with a newline. */
export const pretty = (query: Query): boolean => query.has('pretty') && param(query, 'pretty') !== '0';

const unparsable = (name: string, value: string, type: string, reason: string, stray = ''): Refusal => ({
  status: 500,
  text: `Failed to parse value of "${name}"${stray} (${value}) as a ${type}: ${reason}`,
});

/**
 * A Go boolean, or `absent` when it is not given or empty. The refusal has status 500; endpoints that answer 400 (nodes, `include_children`) take
 * its text. `no_shutdown_delay` of a job's deletion is misspelt by the original: pass `stray: 'q'`.
 */
export function boolParam(query: Query, name: string, absent = false, stray = ''): Result<boolean, Refusal> {
  const text = param(query, name);
  if (text === '') return ok(absent);
  const value = parseBool(text);
  return value.ok ? value : fail(unparsable(name, text, 'bool', value.error, stray));
}

/** A signed decimal, undefined when not given or empty; refused with status 500. */
export function intParam(query: Query, name: string): Result<number | undefined, Refusal> {
  const text = param(query, name);
  if (text === '') return ok(undefined);
  const value = parseAtoi(text);
  return value.ok ? ok(Number(value.value)) : fail(unparsable(name, text, 'int', value.error));
}

/** An unsigned decimal, undefined when not given or empty; refused with status 500. */
export function uintParam(query: Query, name: string): Result<number | undefined, Refusal> {
  const text = param(query, name);
  if (text === '') return ok(undefined);
  const value = parseUint64(text);
  return value.ok ? ok(Number(value.value)) : fail(unparsable(name, text, 'uint64', value.error));
}

/** What every read takes; spec/http-api §1.4. */
export interface ReadOptions {
  /** Empty: the server's own. */
  readonly region: string;
  readonly namespace: string;
  readonly stale: boolean;
  /** Above 0 the read waits until its index is larger. */
  readonly index: number;
  /** How long it waits at most, in milliseconds, already capped; jitter comes on top. */
  readonly waitMs: number;
  readonly prefix: string;
  /** 0: no pages. Negative: an empty page and a token, as Nomad does. */
  readonly perPage: number;
  readonly nextToken: string;
  readonly reverse: boolean;
  /** Empty: none. */
  readonly filter: string;
  /** Beyond Nomad: the index or the time as of which to read. Empty: as things are now. */
  readonly asOf: string;
}

const badRequest = (text: string) => fail<Refusal>({ status: 400, text });

const waitOf = (text: string): number | undefined => {
  if (text === '') return MAX_WAIT_MS;
  const wait = parseGoDuration(text);
  if (wait === undefined) return undefined;
  return wait <= 0 ? MAX_WAIT_MS : Math.min(Math.ceil(wait / 1e6), MAX_WAIT_MS);
};

/** The options of a read, or what is wrong with the first bad one in Nomad's order: stale, per_page, wait, index. */
export function readOptions(query: Query): Result<ReadOptions, Refusal> {
  const staleText = param(query, 'stale');
  const stale = staleText === '' ? ok(query.has('stale')) : parseBool(staleText);
  if (!stale.ok) return badRequest('Expect `true` or `false` for `stale` query string parameter');
  const perPage = parseInt32(param(query, 'per_page') || '0');
  if (!perPage.ok) return badRequest('Expect a number for `per_page` query string parameter');
  const waitMs = waitOf(param(query, 'wait'));
  if (waitMs === undefined) return badRequest('Invalid wait time');
  const index = parseUint64(param(query, 'index') || '0');
  if (!index.ok) return badRequest('Invalid index');
  return ok({
    region: param(query, 'region'),
    namespace: param(query, 'namespace') || DEFAULT_NAMESPACE,
    stale: stale.value,
    // None is ever as large: one that cannot be counted to is waited for in the same way.
    index: Math.min(Number(index.value), Number.MAX_SAFE_INTEGER),
    waitMs,
    prefix: param(query, 'prefix'),
    perPage: Number(perPage.value),
    nextToken: tokenFromClient(param(query, 'next_token')),
    reverse: param(query, 'reverse') === 'true',
    filter: param(query, 'filter'),
    asOf: param(query, 'as_of'),
  });
}

/** What every write takes from the query; undefined when not given, because a body may say it then (spec/http-api §1.9). */
export interface WriteOptions {
  readonly region: string | undefined;
  readonly namespace: string | undefined;
  /** Empty: none. Only dispatch uses it. */
  readonly idempotencyToken: string;
}

export const writeOptions = (query: Query): WriteOptions => ({
  region: param(query, 'region') || undefined,
  namespace: param(query, 'namespace') || undefined,
  idempotencyToken: param(query, 'idempotency_token'),
});
