/*
 * Pages of lists (spec/http-api §1.7): a token is the key of the first item of the next page, and a page starts at the first item whose key is not
 * before it. A token that is none is compared as a text, never refused.
 */

/** How the rows of a list are keyed: their token, and where they stand in relation to a given one. */
export interface Keying<T> {
  readonly tokenOf: (row: T) => string;
  /** Negative when the row is before the token in ascending order, 0 at it, positive after it. */
  readonly compare: (row: T, token: string) => number;
}

/** Bytewise order, that of Go and of Postgres' `C` collation. JavaScript's own compares UTF-16 units, which differs beyond U+D7FF. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8'));
}

const split = (token: string): readonly [head: string, tail: string] | undefined => {
  const dot = token.indexOf('.');
  return dot < 0 ? undefined : [token.slice(0, dot), token.slice(dot + 1)];
};
const isIndex = (text: string): boolean => /^[0-9]{1,20}$/.test(text) && BigInt(text) < 2n ** 64n;

/** Allocations, evaluations and deployments without a prefix: `<CreateIndex>.<ID>`, the index compared as a number. */
export const formatCreateIndexToken = (createIndex: number, id: string): string => `${createIndex}.${id}`;

/** The parts of such a token, undefined when it is none (the rows' tokens are then compared with it as texts). */
export function parseCreateIndexToken(
  token: string,
): { readonly createIndex: bigint; readonly id: string } | undefined {
  const parts = split(token);
  return parts && isIndex(parts[0]) ? { createIndex: BigInt(parts[0]), id: parts[1] } : undefined;
}

export function compareToCreateIndexToken(createIndex: number, id: string, token: string): number {
  const parsed = parseCreateIndexToken(token);
  if (!parsed) return compareBytes(formatCreateIndexToken(createIndex, id), token);
  const index = BigInt(createIndex);
  if (index !== parsed.createIndex) return index < parsed.createIndex ? -1 : 1;
  return compareBytes(id, parsed.id);
}

/** Jobs: `<namespace>.<job id>`; a namespace has no dots. */
export const formatNamespaceToken = (namespace: string, id: string): string => `${namespace}.${id}`;

export function parseNamespaceToken(token: string): { readonly namespace: string; readonly id: string } | undefined {
  const parts = split(token);
  return parts && { namespace: parts[0], id: parts[1] };
}

export function compareToNamespaceToken(namespace: string, id: string, token: string): number {
  const parsed = parseNamespaceToken(token);
  if (!parsed) return compareBytes(formatNamespaceToken(namespace, id), token);
  return compareBytes(namespace, parsed.namespace) || compareBytes(id, parsed.id);
}

export const byCreateIndexAndId: Keying<{ readonly createIndex: number; readonly id: string }> = {
  tokenOf: ({ createIndex, id }) => formatCreateIndexToken(createIndex, id),
  compare: ({ createIndex, id }, token) => compareToCreateIndexToken(createIndex, id, token),
};

export const byNamespaceAndId: Keying<{ readonly namespace: string; readonly id: string }> = {
  tokenOf: ({ namespace, id }) => formatNamespaceToken(namespace, id),
  compare: ({ namespace, id }, token) => compareToNamespaceToken(namespace, id, token),
};

/**
 * Jobs by their last change: `<ModifyIndex>`. One commit may change several; of them those after the first have `.<namespace>.<job id>`, too, so
 * that every page gets further.
 */
export function byModifyIndex(rows: readonly ModifiedJob[]): Keying<ModifiedJob> {
  const firsts = new Set(rows.filter((row, i) => row.modifyIndex !== rows[i - 1]?.modifyIndex));
  return {
    tokenOf: (row) =>
      firsts.has(row) ? String(row.modifyIndex) : `${row.modifyIndex}.${formatNamespaceToken(row.namespace, row.id)}`,
    compare: (row, token) => {
      const [, index, job] = /^([0-9]+)(?:\.(.*))?$/s.exec(token) ?? [];
      if (index === undefined) return compareBytes(String(row.modifyIndex), token);
      if (Number(index) !== row.modifyIndex) return row.modifyIndex - Number(index);
      return job === undefined ? 0 : compareToNamespaceToken(row.namespace, row.id, job);
    },
  };
}

interface ModifiedJob {
  readonly modifyIndex: number;
  readonly namespace: string;
  readonly id: string;
}

/** Nodes, and every list selected by a prefix: the id itself. */
export const byId: Keying<{ readonly id: string }> = {
  tokenOf: ({ id }) => id,
  compare: ({ id }, token) => compareBytes(id, token),
};

export interface PageRequest {
  /** 0: everything. Negative: nothing, and a token all the same. */
  readonly perPage: number;
  readonly nextToken: string;
  readonly reverse: boolean;
}
export interface Page<T> {
  readonly rows: readonly T[];
  /** Empty: this was the last page. */
  readonly nextToken: string;
}

/**
 * Cuts one page out of matching rows that come in the list's order (descending when reversed). Reads no further than the row after the page.
 * `room`: what is left of the page, where rows come some at a time.
 */
export function paginate<T>(
  rows: Iterable<T>,
  request: PageRequest,
  keying: Keying<T>,
  room = request.perPage === 0 ? Infinity : Math.max(request.perPage, 0),
): Page<T> {
  const { nextToken, reverse } = request;
  const page: T[] = [];
  for (const row of rows) {
    if (nextToken !== '') {
      const order = keying.compare(row, nextToken);
      if (reverse ? order > 0 : order < 0) continue;
    }
    if (page.length >= room) return { rows: page, nextToken: keying.tokenOf(row) };
    page.push(row);
  }
  return { rows: page, nextToken: '' };
}
