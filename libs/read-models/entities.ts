import { EntitySchema, type EntitySchemaColumnOptions } from 'typeorm';
import { TABLES, type TableName } from './tables.js';

/** A row as queries select it: its key, and the ready-made JSON text. */
export interface DocumentRow {
  readonly key: string;
  readonly create_index: string;
  readonly document: string;
}

const columnOf = (sql: string): EntitySchemaColumnOptions => ({
  type: sql.startsWith('bigint') ? 'bigint' : sql.startsWith('boolean') ? 'boolean' : 'text',
});

/** One entity for each read-model table, made of the same declaration as its migration. */
export const ENTITIES: readonly EntitySchema[] = TABLES.map(
  ({ table, key, columns }) =>
    new EntitySchema({
      name: table,
      tableName: table,
      columns: {
        [key]: { type: 'text', primary: true },
        ...Object.fromEntries(Object.entries(columns).map(([name, sql]) => [name, columnOf(sql)])),
        document: { type: 'text' },
      },
    }),
);

export const keyOf = (table: TableName): string => TABLES.find((one) => one.table === table)!.key;
