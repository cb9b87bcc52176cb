import { streamKey, type StreamName, type StreamType } from '@app/kernel';
import type { TableName } from '../tables.js';

/**
 * Whose rows a table has: each row belongs to one stream, whose name is `<type>/<columns joined by "/">`. That is why streams can be folded
 * one by one, in any order.
 */
export const OWNERS: Readonly<Record<TableName, { readonly type: StreamType; readonly columns: readonly string[] }>> = {
  deployment: { type: 'deployment', columns: ['id'] },
  allocation: { type: 'allocation', columns: ['id'] },
  purged_allocation: { type: 'allocation', columns: ['id'] },
  evaluation: { type: 'evaluation', columns: ['id'] },
  job: { type: 'job', columns: ['key'] },
  job_version: { type: 'job', columns: ['namespace', 'job_id'] },
  job_summary: { type: 'job-summary', columns: ['key'] },
  job_purge: { type: 'job-purge', columns: ['key'] },
  node: { type: 'node', columns: ['id'] },
  namespace: { type: 'namespace', columns: ['name'] },
  node_pool: { type: 'node-pool', columns: ['name'] },
  variable: { type: 'variable', columns: ['key'] },
  service: { type: 'services', columns: ['alloc_id'] },
  scaling_policy: { type: 'scaling-policy', columns: ['id'] },
  acl_token: { type: 'acl-token', columns: ['id'] },
  acl_one_time_secret: { type: 'acl-token', columns: ['accessor_id'] },
  acl_policy: { type: 'acl-policy', columns: ['name'] },
  acl_role: { type: 'acl-role', columns: ['id'] },
  acl_auth_method: { type: 'acl-auth-method', columns: ['name'] },
  acl_binding_rule: { type: 'acl-binding-rule', columns: ['id'] },
};

/** A condition for the rows of `table` that belong to these streams, and its parameters: one array for each column. */
export function ownedBy(
  table: TableName,
  streams: readonly StreamName[],
): { readonly condition: string; readonly values: readonly (readonly string[])[] } {
  const { columns } = OWNERS[table];
  const arrays = columns.map((_, position) => `$${position + 1}::text[]`);
  return {
    condition: `(${columns.join(', ')}) IN (SELECT * FROM unnest(${arrays.join(', ')}))`,
    values: columns.map((_, position) => streams.map((stream) => partOf(streamKey(stream), position, columns.length))),
  };
}

/** The name of the stream that a row belongs to, as SQL. */
export const ownerOf = (table: TableName): string =>
  `'${OWNERS[table].type}/' || ${OWNERS[table].columns.map((column) => `t.${column}`).join(` || '/' || `)}`;

/** Namespaces hold no slash, so a key of two parts is cut at its first one. */
function partOf(key: string, position: number, parts: number): string {
  if (parts === 1) return key;
  const cut = key.indexOf('/');
  return position === 0 ? key.slice(0, cut) : key.slice(cut + 1);
}
