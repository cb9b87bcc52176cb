import type { DataSource, QueryRunner } from 'typeorm';

/** Rows that one statement fetches. */
const BATCH = 5_000;

/** What a statement finds, some rows at a time: none of its parts takes longer the more there is. */
export const inBatches = <R>(
  dataSource: DataSource,
  sql: string,
  onRows: (rows: readonly R[]) => void | Promise<void>,
): Promise<void> => dataSource.transaction(({ queryRunner }) => fetchAll(queryRunner!, sql, [], BATCH, onRows));

/** The same in a transaction that has begun. */
export async function fetchAll<R>(
  runner: QueryRunner,
  sql: string,
  parameters: unknown[],
  batch: number,
  onRows: (rows: readonly R[]) => void | Promise<void>,
): Promise<void> {
  await runner.query(`DECLARE listed NO SCROLL CURSOR FOR ${sql}`, parameters);
  for (;;) {
    const rows = (await runner.query(`FETCH ${batch} FROM listed`)) as R[];
    if (rows.length > 0) await onRows(rows);
    if (rows.length < batch) return;
  }
}
