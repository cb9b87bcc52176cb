import { streamKey, streamType, type StreamName } from '@app/kernel';
import { goneTableOf } from './projection-sql.js';

/** Runs a statement and gives its rows. */
type Ask = <T>(text: string, values: unknown[]) => Promise<T[]>;

/** The streams of what belongs to a job or a deployment, as many as `limit`. */
export const streamsRelatedTo = (ask: Ask, stream: StreamName, limit: number): Promise<StreamName[]> =>
  streamType(stream) === 'job' ? ofJob(ask, streamKey(stream), limit) : ofDeployment(ask, streamKey(stream), limit);

/** The streams of what a job has brought forth, also of what has gone since: the newest ones, as many as `limit`. */
async function ofJob(ask: Ask, key: string, limit: number): Promise<StreamName[]> {
  const cut = key.indexOf('/');
  const parts = (['allocation', 'deployment', 'evaluation'] as const).flatMap((table) => [
    `SELECT '${table}/' || id AS stream, create_index FROM ${table} WHERE namespace = $1 AND job_id = $2`,
    `SELECT '${table}/' || key, create_index FROM ${goneTableOf(table)} WHERE namespace = $1 AND job_id = $2`,
  ]);
  const rows = await ask<{ stream: StreamName }>(`${parts.join(' UNION ALL ')} ORDER BY create_index DESC LIMIT $3`, [
    key.slice(0, cut),
    key.slice(cut + 1),
    limit,
  ]);
  return rows.map(({ stream }) => stream);
}

/** The streams of what belongs to a deployment now, and of the evaluations by which that was placed. */
async function ofDeployment(ask: Ask, id: string, limit: number): Promise<StreamName[]> {
  const rows = await ask<{ stream: StreamName }>(
    `SELECT 'allocation/' || id AS stream FROM allocation WHERE deployment_id = $1
     UNION SELECT 'evaluation/' || eval_id FROM allocation WHERE deployment_id = $1 LIMIT $2`,
    [id, limit],
  );
  return rows.map(({ stream }) => stream);
}
