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
  /** Columns that stay as they are for as long as a row is there; with them, what has gone is still found. Absent: what has gone is not listed as of the past. */
  readonly lasting?: readonly string[];
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

/** Where the keys of rows that have gone are kept, for lists as of the past. */
export const goneTableOf = (table: string): string => `${table}_gone`;

/**
 * What keeps, of each row that goes, its key, its lasting columns and its life: from the index of its creation up to that of the commit which
 * removed it. That index is the last one of the stream which the row belongs to: the append writes streams before rows, and a stream once in a
 * transaction.
 */
export function keepGone({ table, key, columns, lasting = [] }: TableSql, owner: string): string[] {
  const gone = goneTableOf(table);
  // A purge begins with what it is up to.
  const begins = Object.hasOwn(columns, 'create_index') ? 'create_index' : 'up_to';
  const names = ['key', ...lasting, 'create_index', 'gone_index'];
  const declared = lasting.map((name) => `${name} ${ownProperty(columns, name)},`);
  const byJob = lasting.includes('namespace') && lasting.includes('job_id') ? ['(namespace, job_id)'] : [];
  const byOther = lasting.filter((name) => name.endsWith('_id') && name !== 'job_id').map((name) => `(${name})`);
  return [
    `CREATE TABLE ${gone} (key text COLLATE "C" NOT NULL, ${declared.join(' ')} create_index bigint NOT NULL, gone_index bigint NOT NULL,
       PRIMARY KEY (key, gone_index))`,
    `CREATE INDEX ON ${gone} USING gist (int8range(create_index, gone_index))`,
    ...[...byJob, ...byOther].map((index) => `CREATE INDEX ON ${gone} ${index}`),
    `CREATE FUNCTION keep_${gone}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO ${gone} (${names.join(', ')})
       SELECT t.${key}, ${[...lasting, begins].map((name) => `t.${name}`).join(', ')}, s.last_index
         FROM removed t JOIN stream s ON s.stream = ${owner}
       ON CONFLICT DO NOTHING;
       RETURN NULL;
     END $$`,
    `CREATE TRIGGER keep_gone AFTER DELETE ON ${table} REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION keep_${gone}()`,
  ];
}
