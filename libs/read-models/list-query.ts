import type { Index } from '@app/kernel';
import type { DataSource, ObjectLiteral, QueryRunner, SelectQueryBuilder } from 'typeorm';
import { keyOf } from './entities.js';
import { withoutRemnants } from './remnants.js';
import type { TableName } from './tables.js';

/** Which rows of a table a list is made of. Columns are compared for equality. */
export interface ListQuery {
  readonly table: TableName;
  readonly where: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** Hexadecimal ids: the leading characters of the key, lower case with hyphens. Others: leading bytes of `prefixColumn`. */
  readonly prefix?: { readonly column: string; readonly value: string };
  readonly order: 'created' | 'key' | 'job';
  readonly reverse?: boolean;
  /** Start of the page, in the list's order: (create index, key), key, (namespace, job), or the text of these with a dot between them. */
  readonly from?:
    { readonly createIndex?: Index; readonly namespace?: string; readonly key: string } | { readonly text: string };
  readonly limit?: number;
}

/** The statement of a list, made of an empty one. */
export function listBuilder(
  empty: SelectQueryBuilder<ObjectLiteral>,
  query: ListQuery,
): SelectQueryBuilder<ObjectLiteral> {
  const key = keyOf(query.table);
  const builder = empty
    .select([`t.${key} AS key`, 't.create_index AS create_index', 't.document AS document'])
    .from(query.table, 't');
  for (const [column, value] of Object.entries(query.where)) {
    builder.andWhere(Array.isArray(value) ? `t.${column} = ANY(:${column})` : `t.${column} = :${column}`, {
      [column]: value,
    });
  }
  builder.andWhere(withoutRemnants(query.table));
  if (query.prefix !== undefined) {
    builder.andWhere(`starts_with(t.${query.prefix.column}, :prefix)`, { prefix: query.prefix.value });
  }
  page(builder, query, key);
  return builder;
}

/** The columns of each order. */
const ORDERS = {
  created: (key: string) => ['t.create_index', `t.${key}`],
  key: (key: string) => [`t.${key}`],
  job: () => ['t.namespace', 't.job_id'],
} as const;

function page(builder: SelectQueryBuilder<ObjectLiteral>, query: ListQuery, key: string): void {
  const { order, from, limit } = query;
  const columns = ORDERS[order](key);
  for (const column of columns) builder.addOrderBy(column, query.reverse ? 'DESC' : 'ASC');
  const comparison = query.reverse ? '<=' : '>=';
  if (from !== undefined && 'text' in from) {
    // No index has it, but the order has one: rows are looked at until the page is full.
    const text = columns.map((column) => `${column}::text`).join(` || '.' || `);
    builder.andWhere(`(${text}) COLLATE "C" ${comparison} :from`, { from: from.text });
  } else if (from !== undefined) {
    const values = { created: ':fromIndex::bigint, :fromKey', key: ':fromKey', job: ':fromNamespace, :fromKey' };
    const { createIndex: fromIndex = 0, namespace: fromNamespace = '', key: fromKey } = from;
    builder.andWhere(`(${columns.join(', ')}) ${comparison} (${values[order]})`, { fromIndex, fromNamespace, fromKey });
  }
  if (limit !== undefined) builder.limit(limit);
}

/** The namespaces that rows of a table are in: a jump over the index for each, however many rows there are. */
export async function namespacesOf(source: DataSource | QueryRunner, table: string): Promise<string[]> {
  const rows = (await source.query(
    `WITH RECURSIVE found AS (
       (SELECT namespace FROM ${table} ORDER BY namespace LIMIT 1)
       UNION ALL
       SELECT (SELECT t.namespace FROM ${table} t WHERE t.namespace > found.namespace ORDER BY t.namespace LIMIT 1)
         FROM found WHERE found.namespace IS NOT NULL)
     SELECT namespace FROM found WHERE namespace IS NOT NULL`,
  )) as { namespace: string }[];
  return rows.map((row) => row.namespace);
}
