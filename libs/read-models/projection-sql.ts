import { ownProperty } from '@app/kernel';
/** A read-model table as a migration declares it: the key, then the columns that queries filter, sort and join on. */
export interface TableSql {
  readonly table: string;
  /** One column of text, the key of {@link RowWrite}; byte order. */
  readonly key: string;
  /** Column name → SQL type. */
  readonly columns: Readonly<Record<string, string>>;
  readonly indexes: readonly string[];
  /** Columns that keep the value of the first write. */
  readonly frozen?: readonly string[];
}

/**
 * The statements that make a table and the two functions through which the append writes it, in its own transaction. The columns of a row come
 * as one jsonb object, the ready-made JSON text beside it: text inside JSON would be escaped and unescaped for nothing. PL/pgSQL keeps the plan
 * of the insert; a function in SQL is planned anew with every batch (0.09 ms each).
 */
export function createTable({ table, key, columns, indexes, frozen = [] }: TableSql): string[] {
  const names = Object.keys(columns);
  const updated = [...names.filter((name) => !frozen.includes(name)), 'document'];
  return [
    `CREATE TABLE ${table} (
       ${key} text COLLATE "C" PRIMARY KEY,
       ${names.map((name) => `${name} ${ownProperty(columns, name)}`).join(',\n       ')},
       document text NOT NULL
     ) WITH (fillfactor = 70)`,
    ...indexes.map((index) => `CREATE INDEX ON ${table} ${index}`),
    `CREATE FUNCTION project_${table}(keys text[], columns jsonb[], documents text[]) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO ${table} (${key}, ${names.join(', ')}, document)
       SELECT r.k, ${names.map((name) => `c.${name}`).join(', ')}, r.d
         FROM unnest(keys, columns, documents) AS r(k, j, d),
              jsonb_to_record(r.j) AS c(${names.map((name) => `${name} ${ownProperty(columns, name)!.replace(/ (COLLATE|NOT|DEFAULT).*/, '')}`).join(', ')})
       ON CONFLICT (${key}) DO UPDATE SET ${updated.map((name) => `${name} = excluded.${name}`).join(', ')};
     END $$`,
    `CREATE FUNCTION unproject_${table}(keys text[]) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
       DELETE FROM ${table} WHERE ${key} = ANY(keys);
     END $$`,
  ];
}

/** Text that is compared byte by byte, as Nomad does. */
export const TEXT = 'text COLLATE "C" NOT NULL';
export const INDEX = 'bigint NOT NULL';
