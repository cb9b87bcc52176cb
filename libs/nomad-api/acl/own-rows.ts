import type { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import { jsonAnswer } from '../edge/reads.js';

export interface OwnRows {
  readonly table: 'acl_policy' | 'acl_role' | 'acl_auth_method' | 'acl_binding_rule';
  /** What tokens name rows by, and what a prefix is of. */
  readonly column: 'name' | 'id';
  /** The rows of the caller; undefined: all, for management. */
  readonly own: readonly string[] | undefined;
  readonly prefix: string;
}

/** The objects of ACLs: all of them for management, else the caller's own. Neither filtered nor paged. */
export function ownRows(readModels: ReadModels, { table, column, own, prefix }: OwnRows): DataQuery {
  const names = own && [...own].sort();
  return {
    key: JSON.stringify([table, prefix, names ?? 'all']),
    topics: [`table:${table}`],
    load: async (moment) => {
      const rows = await readModels.list({
        table,
        where: names === undefined ? {} : { [column]: names },
        order: 'key',
        ...(prefix === '' ? {} : { prefix: { column, value: prefix } }),
      });
      const index = Math.max(1, moment.tableIndex(table));
      return jsonAnswer(`[${rows.map(({ document }) => document).join(',')}]`, index);
    },
  };
}
