import type { Index } from '@app/kernel';
import type { DataSource, QueryRunner } from 'typeorm';
import { fetchAll } from './cursor.js';
import type { Purge } from './remnants.js';
import { listBuilder, namespacesOf, type ListQuery } from './list-query.js';

/** Rows that are read, and held as text, at a time. */
const BATCH = 500;

/** A whole list as of one moment. */
export interface SnapshotQuery extends Omit<ListQuery, 'from' | 'limit'> {
  /** Rows of other namespaces are left out. Undefined: none are. */
  readonly sees?: ((namespace: string) => boolean) | undefined;
  /** Each row comes with the state that it was made of. The table must be named as its streams are. */
  readonly withStates?: boolean;
}

export interface SnapshotRow {
  readonly key: string;
  readonly create_index: string;
  readonly document: string;
  /** JSON text, where it was asked for. */
  readonly state?: string;
}

/** What is seen at one index of the log: neither more nor less. */
export interface Snapshot {
  readonly at: Index;
  /** The last commit that had touched the table. */
  readonly tableIndex: Index;
  /** Purges that were under way: what they hide is not among the rows. */
  readonly purges: readonly Purge[];
}

/** Reads a list through a cursor, in one transaction that sees the log at one index. */
export const readSnapshot = (
  dataSource: DataSource,
  query: SnapshotQuery,
  onRows: (rows: readonly SnapshotRow[]) => void | Promise<void>,
): Promise<Snapshot> =>
  dataSource.transaction('REPEATABLE READ', async ({ queryRunner }) => {
    const runner = queryRunner!;
    const snapshot = await momentOf(runner, query);
    const where = await visible(runner, query);
    const builder = listBuilder(dataSource.createQueryBuilder(), { ...query, where });
    if (query.withStates)
      builder.addSelect(`(SELECT s.state FROM stream s WHERE s.stream = '${query.table}/' || t.id)`, 'state');
    const [sql, parameters] = builder.getQueryAndParameters();
    await fetchAll(runner, sql, parameters, BATCH, onRows);
    return snapshot;
  });

async function momentOf(runner: QueryRunner, { table }: SnapshotQuery): Promise<Snapshot> {
  const [row] = (await runner.query(
    `SELECT h.index AS at, coalesce((SELECT t.index FROM table_index t WHERE t.name = $1), 0) AS table_index FROM log_head h`,
    [table],
  )) as { at: string; table_index: string }[];
  if (row === undefined) throw new Error('log_head has no row');
  const purges = (await runner.query(
    'SELECT namespace, job_id AS "jobId", up_to::float8 AS "upTo" FROM job_purge',
  )) as Purge[];
  return { at: Number(row.at), tableIndex: Number(row.table_index), purges };
}

async function visible(runner: QueryRunner, { table, where, sees }: SnapshotQuery): Promise<ListQuery['where']> {
  if (sees === undefined) return where;
  const { namespace: wanted } = where;
  const among = wanted === undefined ? await namespacesOf(runner, table) : [wanted].flat().map(String);
  return { ...where, namespace: among.filter(sees) };
}
