import { byBytes } from '../by-bytes.js';
import type { ListQuery } from '../list-query.js';
import { textIn, type PastRow } from './past-row.js';

/** What orders rows, part by part; indexes are numbers. */
const PARTS: Readonly<Record<ListQuery['order'], (row: PastRow) => readonly (string | number)[]>> = {
  created: (row) => [Number(row.create_index), row.key],
  key: (row) => [row.key],
  job: (row) => [textIn(row, 'namespace'), textIn(row, 'job_id')],
};

function compare(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (const [i, part] of a.entries()) {
    const other = b[i]!;
    const order =
      typeof part === 'number' && typeof other === 'number' ? part - other : byBytes(String(part), String(other));
    if (order !== 0) return order;
  }
  return 0;
}

/** Rows in the order of a list and cut to its page, as the database does it. */
export function inOrder(rows: readonly PastRow[], { order, reverse = false, from, limit }: ListQuery): PastRow[] {
  const parts = PARTS[order];
  const direction = reverse ? -1 : 1;
  const sorted = rows
    .map((row) => ({ row, parts: parts(row) }))
    .sort((a, b) => direction * compare(a.parts, b.parts))
    .filter((one) => from === undefined || direction * fromStart(one.parts, order, from) >= 0);
  return sorted.slice(0, limit).map(({ row }) => row);
}

/** Where a row stands in relation to the start of a page. */
function fromStart(
  parts: readonly (string | number)[],
  order: ListQuery['order'],
  from: NonNullable<ListQuery['from']>,
): number {
  if ('text' in from) return byBytes(parts.join('.'), from.text);
  const { createIndex = 0, namespace = '', key } = from;
  return compare(parts, { created: [createIndex, key], key: [key], job: [namespace, key] }[order]);
}
