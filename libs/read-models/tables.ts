import { INDEX, TEXT, type TableSql } from './projection-sql.js';

export type TableName =
  | 'deployment'
  | 'allocation'
  | 'evaluation'
  | 'job'
  | 'job_version'
  | 'job_summary'
  | 'job_purge'
  | 'node'
  | 'purged_allocation'
  | 'namespace'
  | 'node_pool'
  | 'variable'
  | 'service'
  | 'scaling_policy'
  | 'acl_token'
  | 'acl_one_time_secret'
  | 'acl_policy'
  | 'acl_role'
  | 'acl_auth_method'
  | 'acl_binding_rule';

/** Every read-model table as the migration that makes it does: a table is not changed here once it is on `main`. Each index serves one way in which the API looks things up. */
export const TABLES: readonly (TableSql & { readonly table: TableName })[] = [
  {
    table: 'deployment',
    key: 'id',
    columns: {
      namespace: TEXT,
      job_id: TEXT,
      job_create_index: INDEX,
      job_version: INDEX,
      status: TEXT,
      create_index: INDEX,
      modify_index: INDEX,
    },
    indexes: ['(create_index, id)', '(namespace, job_id)'],
    lasting: ['namespace', 'job_id'],
  },
  {
    table: 'allocation',
    key: 'id',
    columns: {
      namespace: TEXT,
      job_id: TEXT,
      job_create_index: INDEX,
      job_version: INDEX,
      task_group: TEXT,
      node_id: TEXT,
      eval_id: TEXT,
      deployment_id: TEXT,
      desired_status: TEXT,
      client_status: TEXT,
      create_index: INDEX,
      modify_index: INDEX,
      alloc_modify_index: INDEX,
    },
    indexes: [
      '(create_index, id)',
      '(namespace, job_id)',
      '(deployment_id)',
      '(eval_id)',
      '(node_id, alloc_modify_index)',
      '(alloc_modify_index)',
    ],
    lasting: ['namespace', 'job_id', 'node_id'],
  },
  {
    table: 'evaluation',
    key: 'id',
    columns: { namespace: TEXT, job_id: TEXT, status: TEXT, create_index: INDEX, modify_index: INDEX },
    indexes: ['(create_index, id)', '(namespace, job_id)', `(id) WHERE status IN ('pending', 'blocked')`],
    lasting: ['namespace', 'job_id'],
  },
  {
    table: 'job',
    key: 'key',
    columns: {
      namespace: TEXT,
      job_id: TEXT,
      type: TEXT,
      status: TEXT,
      stop: 'boolean NOT NULL',
      parent_id: TEXT,
      create_index: INDEX,
      modify_index: INDEX,
    },
    indexes: ['(namespace, job_id)', `(parent_id) WHERE parent_id <> ''`],
    lasting: ['namespace', 'job_id'],
  },
  {
    table: 'job_version',
    key: 'key',
    columns: {
      namespace: TEXT,
      job_id: TEXT,
      create_index: INDEX,
      version: INDEX,
      modify_index: INDEX,
      /** No longer among those that Nomad retains; kept for the allocations that run it and for history. */
      retained: 'boolean NOT NULL',
      /** The version in our own terms. */
      state: 'text NOT NULL',
      /** The document as it was registered: what allocations embed. */
      registered: 'text NOT NULL',
    },
    indexes: ['(namespace, job_id, version DESC)'],
    frozen: ['registered'],
  },
  {
    table: 'job_summary',
    key: 'key',
    columns: { namespace: TEXT, job_id: TEXT, create_index: INDEX, modify_index: INDEX },
    indexes: [],
  },
  {
    /** Jobs whose purge is under way: rows of theirs with a create index up to `up_to` are hidden. Hardly ever any. */
    table: 'job_purge',
    key: 'key',
    columns: { namespace: TEXT, job_id: TEXT, up_to: INDEX },
    indexes: [],
    lasting: ['namespace', 'job_id'],
  },
  {
    table: 'node',
    key: 'id',
    columns: {
      name: TEXT,
      datacenter: TEXT,
      node_pool: TEXT,
      status: TEXT,
      eligibility: TEXT,
      create_index: INDEX,
      modify_index: INDEX,
    },
    indexes: [],
    lasting: [],
  },
  {
    /** What went with its job, so that agents learn of it. */
    table: 'purged_allocation',
    key: 'id',
    columns: { node_id: TEXT, create_index: INDEX, modify_index: INDEX },
    indexes: ['(node_id, modify_index)', '(modify_index)'],
  },
  { table: 'namespace', key: 'name', columns: { create_index: INDEX, modify_index: INDEX }, indexes: [], lasting: [] },
  { table: 'node_pool', key: 'name', columns: { create_index: INDEX, modify_index: INDEX }, indexes: [], lasting: [] },
  {
    /** The document is the metadata: a row holds nothing of the items but which key they are encrypted by. */
    table: 'variable',
    key: 'key',
    columns: {
      namespace: TEXT,
      path: TEXT,
      key_id: TEXT,
      lock_id: TEXT,
      lock_ttl: INDEX,
      lock_delay: INDEX,
      create_index: INDEX,
      modify_index: INDEX,
    },
    indexes: ['(namespace, path)', '(key_id)', `(lock_id) WHERE lock_id <> ''`],
    lasting: ['namespace', 'path'],
  },
  {
    table: 'service',
    key: 'id',
    columns: {
      namespace: TEXT,
      service_name: TEXT,
      job_id: TEXT,
      alloc_id: TEXT,
      create_index: INDEX,
      modify_index: INDEX,
    },
    indexes: ['(namespace, service_name)', '(namespace, job_id)', '(alloc_id)'],
    lasting: ['namespace', 'service_name', 'job_id', 'alloc_id'],
  },
  {
    table: 'scaling_policy',
    key: 'id',
    columns: { namespace: TEXT, job_id: TEXT, type: TEXT, create_index: INDEX, modify_index: INDEX },
    indexes: ['(namespace, job_id)'],
    lasting: ['namespace', 'job_id'],
  },
  {
    table: 'acl_token',
    key: 'id',
    columns: { secret_digest: TEXT, expiration_time: INDEX, create_index: INDEX, modify_index: INDEX },
    indexes: ['(secret_digest)', '(create_index, id)', '(expiration_time) WHERE expiration_time > 0'],
    lasting: [],
  },
  {
    /** Which token a secret is exchanged for; found by its digest. */
    table: 'acl_one_time_secret',
    key: 'id',
    columns: { accessor_id: TEXT, create_index: INDEX, modify_index: INDEX },
    indexes: ['(accessor_id)'],
  },
  {
    table: 'acl_policy',
    key: 'name',
    columns: { job_namespace: TEXT, create_index: INDEX, modify_index: INDEX },
    indexes: [`(job_namespace) WHERE job_namespace <> ''`],
    lasting: [],
  },
  {
    table: 'acl_role',
    key: 'id',
    columns: { name: TEXT, create_index: INDEX, modify_index: INDEX },
    indexes: ['(name)'],
    lasting: [],
  },
  {
    table: 'acl_auth_method',
    key: 'name',
    columns: { create_index: INDEX, modify_index: INDEX },
    indexes: [],
  },
  {
    table: 'acl_binding_rule',
    key: 'id',
    columns: { auth_method: TEXT, create_index: INDEX, modify_index: INDEX },
    indexes: ['(auth_method)'],
  },
];

/** Columns that keep the value of a row's first write, by table. */
export const FROZEN_COLUMNS: ReadonlyMap<string, readonly string[]> = new Map(
  TABLES.map(({ table, frozen = [] }) => [table, frozen]),
);
