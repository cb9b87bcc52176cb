import { ownProperty } from '@app/kernel';
import { keyOf } from './entities.js';
import type { ListQuery } from './list-query.js';
import type { SnapshotQuery } from './list-snapshot.js';

/** Which rows of a table are meant. */
interface Wanted extends Pick<SnapshotQuery, 'table' | 'where' | 'sees'> {
  readonly prefix?: ListQuery['prefix'] | undefined;
}

/** Whether a row is one of a query's, as the database would find it. Columns undefined: the row has gone. */
export function belongs(
  columns: Readonly<Record<string, unknown>> | undefined,
  { table, where, prefix, sees }: Wanted,
  key: string,
): boolean {
  if (columns === undefined) return false;
  const keyColumn = keyOf(table);
  // The key is a column of the row that its projection gives apart.
  const valueOf = (column: string): unknown => (column === keyColumn ? key : ownProperty(columns, column));
  for (const [column, wanted] of Object.entries(where)) {
    const value = valueOf(column);
    if (Array.isArray(wanted) ? !wanted.includes(value) : value !== wanted) return false;
  }
  if (prefix !== undefined && !String(valueOf(prefix.column)).startsWith(prefix.value)) return false;
  return sees === undefined || sees(String(valueOf('namespace')));
}
