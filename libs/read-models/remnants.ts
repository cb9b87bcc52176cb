import type { JobPurgeState } from '@app/domain';
import { ownProperty } from '@app/kernel';
import type { TableName } from './tables.js';

/** Tables with rows that a purge may hide. */
const WITH_REMNANTS: ReadonlySet<TableName> = new Set(['allocation', 'deployment', 'service']);

/** A purge that hides what the job had up to an index. */
export type Purge = Pick<JobPurgeState, 'namespace' | 'jobId' | 'upTo'>;

/** The same as {@link withoutRemnants}, for a row that is at hand. */
export const isHidden = (
  table: TableName,
  columns: Readonly<Record<string, unknown>>,
  purges: readonly Purge[],
): boolean =>
  WITH_REMNANTS.has(table) &&
  purges.some(
    ({ namespace, jobId, upTo }) =>
      ownProperty(columns, 'namespace') === namespace &&
      ownProperty(columns, 'job_id') === jobId &&
      Number(ownProperty(columns, 'create_index')) <= upTo,
  );

/** A condition that leaves out what is still there of purged jobs: rows of the table, as `t`, may be that. */
export const withoutRemnants = (table: TableName): string =>
  WITH_REMNANTS.has(table)
    ? `NOT EXISTS (SELECT 1 FROM job_purge p WHERE p.namespace = t.namespace AND p.job_id = t.job_id AND t.create_index <= p.up_to)`
    : 'true';
