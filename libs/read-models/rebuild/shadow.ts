import type { Index, StreamName } from '@app/kernel';
import { streamType } from '@app/kernel';
import { escapeIdentifier, type ClientBase } from 'pg';
import { keyOf } from '../entities.js';
import type { TableName } from '../tables.js';
import { NAMED_KEYS } from './limits.js';
import { ownedBy, OWNERS } from './owners.js';
import type { StreamFold } from './stream-fold.js';

/** What can be rebuilt: a read model, or the stored states themselves. */
export type RebuildableTable = TableName | 'stream';

export const shadowOf = (table: RebuildableTable): string => `${table}_rebuild`;

const keyColumn = (table: RebuildableTable): string => (table === 'stream' ? 'stream' : keyOf(table));

/** Makes an empty table like the live one, as it is now, whatever migrations have made of it. */
export async function createShadow(client: ClientBase, table: RebuildableTable): Promise<void> {
  const shadow = shadowOf(table);
  const { rows } = await client.query<{ options: string[] | null }>(
    'SELECT reloptions AS options FROM pg_class WHERE oid = $1::regclass',
    [table],
  );
  const options = rows[0]?.options ?? [];
  await client.query(`DROP TABLE IF EXISTS ${shadow}`);
  await client.query(
    `CREATE TABLE ${shadow} (LIKE ${table} INCLUDING ALL)${options.length > 0 ? ` WITH (${options.join(', ')})` : ''}`,
  );
}

export const dropShadow = async (client: ClientBase, table: RebuildableTable): Promise<void> =>
  void (await client.query(`DROP TABLE IF EXISTS ${shadowOf(table)}`));

/** Writes all that some streams have in a table, in place of what the shadow held of them. */
export async function writeShadow(
  client: ClientBase,
  table: RebuildableTable,
  folds: readonly StreamFold[],
  isNew: boolean,
): Promise<void> {
  const owners = table === 'stream' ? folds : folds.filter(({ stream }) => streamType(stream) === OWNERS[table].type);
  if (owners.length === 0) return;
  const shadow = shadowOf(table);
  if (!isNew) {
    const { condition, values } = owned(
      table,
      owners.map(({ stream }) => stream),
    );
    await client.query(`DELETE FROM ${shadow} WHERE ${condition}`, [...values]);
  }
  const rows = owners.flatMap((fold) => rowsOf(table, fold));
  if (rows.length === 0) return;
  await client.query(`INSERT INTO ${shadow} SELECT * FROM json_populate_recordset(NULL::${shadow}, $1)`, [
    JSON.stringify(rows),
  ]);
}

const owned = (table: RebuildableTable, streams: readonly StreamName[]): ReturnType<typeof ownedBy> =>
  table === 'stream' ? { condition: 'stream = ANY($1::text[])', values: [streams] } : ownedBy(table, streams);

function rowsOf(table: RebuildableTable, fold: StreamFold): object[] {
  const { stream, version, lastIndex, state } = fold;
  if (table === 'stream') return [{ stream, version, last_index: lastIndex, state: JSON.stringify(state) }];
  return Array.from(fold.rows.get(table) ?? [], ([key, { columns, document }]) => ({
    [keyOf(table)]: key,
    ...columns,
    document,
  }));
}

/** How a shadow differs from the live table. */
export interface Comparison {
  readonly rows: number;
  /** Rows that are in one of them only, or not the same in both. */
  readonly differences: number;
  /** Keys of some of those. */
  readonly examples: readonly string[];
}

export async function compareShadow(client: ClientBase, table: RebuildableTable): Promise<Comparison> {
  const key = keyColumn(table);
  const { rows } = await client.query<Comparison>(
    `SELECT count(r.${key})::float8 AS rows,
            count(*) FILTER (WHERE t IS DISTINCT FROM r)::float8 AS differences,
            coalesce((array_agg(${key}) FILTER (WHERE t IS DISTINCT FROM r))[1:${NAMED_KEYS}], '{}') AS examples
       FROM ${table} t FULL JOIN ${shadowOf(table)} r USING (${key})`,
  );
  return rows[0]!;
}

/** What makes the triggers of a table: unlike indexes, they do not come with `LIKE`. */
async function triggersOf(client: ClientBase, table: RebuildableTable): Promise<string[]> {
  const { rows } = await client.query<{ definition: string }>(
    'SELECT pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgrelid = $1::regclass AND NOT tgisinternal',
    [table],
  );
  return rows.map(({ definition }) => definition);
}

/** Puts the shadow in the live table's place; functions and queries find it by the name. In a transaction that holds appends back. */
export async function swapIn(client: ClientBase, table: RebuildableTable, at: Index): Promise<void> {
  const shadow = shadowOf(table);
  const triggers = await triggersOf(client, table);
  await client.query(`DROP TABLE ${table}`);
  await client.query(`ALTER TABLE ${shadow} RENAME TO ${table}`);
  for (const trigger of triggers) await client.query(trigger);
  const { rows } = await client.query<{ name: string }>(
    'SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1::regclass',
    [table],
  );
  for (const { name } of rows.filter((row) => row.name.startsWith(`${shadow}_`))) {
    const own = `${table}${name.slice(shadow.length)}`;
    await client.query(`ALTER INDEX ${escapeIdentifier(name)} RENAME TO ${escapeIdentifier(own)}`);
  }
  await client.query(`COMMENT ON TABLE ${table} IS 'rebuilt from the log at index ${at}'`);
}
