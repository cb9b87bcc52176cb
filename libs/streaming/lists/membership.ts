import { ownProperty } from '@app/kernel';
import type { SnapshotQuery } from '@app/read-models';

/** Whether a row is one of a query's, as the database would find it. Columns undefined: the row has gone. */
export function belongs(
  columns: Readonly<Record<string, unknown>> | undefined,
  { where, prefix, sees }: Pick<SnapshotQuery, 'where' | 'prefix' | 'sees'>,
  key: string,
): boolean {
  if (columns === undefined) return false;
  for (const [column, wanted] of Object.entries(where)) {
    const value = valueOf(columns, column, key);
    if (Array.isArray(wanted) ? !wanted.includes(value) : value !== wanted) return false;
  }
  if (prefix !== undefined && !String(valueOf(columns, prefix.column, key)).startsWith(prefix.value)) return false;
  return sees === undefined || sees(String(ownProperty(columns, 'namespace')));
}

/** The key is a column of the row that its projection gives apart. */
const valueOf = (columns: Readonly<Record<string, unknown>>, column: string, key: string): unknown =>
  column === 'id' ? key : ownProperty(columns, column);
