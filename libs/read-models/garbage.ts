import type { TimeUs } from '@app/kernel';
import type { DataSource } from 'typeorm';

/** A page of candidates; `next` is where the following one starts, undefined after the last. */
export interface GarbagePage<T> {
  readonly found: readonly T[];
  readonly next: string | undefined;
}

const PAGE = 500;
const ENDED = `('complete', 'failed', 'lost')`;

/**
 * Finds what may be garbage: what has ended and was last touched before a cutoff. Whether it really is garbage is decided on the states. Ages
 * are read from the documents: a garbage collector's look every few minutes does not justify columns and indexes that every write would pay for.
 */
export class GarbageSource {
  constructor(private readonly dataSource: DataSource) {}

  /** Terminal evaluations with the ids of their allocations, none of which is still alive. `after`: the last id of the page before. */
  async evaluations(
    cutoff: { readonly batch: TimeUs; readonly others: TimeUs },
    after: string,
  ): Promise<
    GarbagePage<{
      readonly id: string;
      readonly namespace: string;
      readonly jobId: string;
      readonly allocationIds: readonly string[];
    }>
  > {
    return this.page(
      `SELECT e.id AS key, e.id, e.namespace, e.job_id AS "jobId", coalesce(array_agg(a.id) FILTER (WHERE a.id IS NOT NULL), '{}') AS "allocationIds"
         FROM evaluation e LEFT JOIN allocation a ON a.eval_id = e.id
        WHERE e.id > $1 AND e.status IN ('complete', 'failed', 'canceled')
          AND ${modifiedBefore('e', `CASE e.document::json->>'Type' WHEN 'batch' THEN $3 ELSE $2 END`)}
        GROUP BY e.id
       HAVING bool_and(a.id IS NULL OR (a.client_status <> 'running' AND (a.desired_status <> 'run' OR a.client_status IN ${ENDED})))
        ORDER BY e.id LIMIT ${PAGE}`,
      after,
      cutoff.others,
      cutoff.batch,
    );
  }

  /** Deployments that have ended, none of whose allocations is alive; with their ids, for the decision to look again. */
  async deployments(
    cutoff: TimeUs,
    after: string,
  ): Promise<GarbagePage<{ readonly id: string; readonly allocationIds: readonly string[] }>> {
    return this.page(
      `SELECT d.id AS key, d.id, coalesce(array_agg(a.id) FILTER (WHERE a.id IS NOT NULL), '{}') AS "allocationIds"
         FROM deployment d LEFT JOIN allocation a ON a.deployment_id = d.id
        WHERE d.id > $1 AND d.status IN ('successful', 'failed', 'cancelled') AND ${modifiedBefore('d', '$2')}
        GROUP BY d.id
       HAVING bool_and(a.id IS NULL OR a.desired_status <> 'run' OR a.client_status IN ${ENDED})
        ORDER BY d.id LIMIT ${PAGE}`,
      after,
      cutoff,
    );
  }

  /** Dead jobs whose submission is old enough. */
  async jobs(
    cutoff: TimeUs,
    after: string,
  ): Promise<GarbagePage<{ readonly namespace: string; readonly jobId: string }>> {
    return this.page(
      `SELECT j.key, j.namespace, j.job_id AS "jobId" FROM job j
        WHERE j.key > $1 AND j.status = 'dead' AND (j.stop OR j.type IN ('batch', 'sysbatch'))
          AND (j.document::json->>'SubmitTime')::numeric <= $2::numeric * 1000
        ORDER BY j.key LIMIT ${PAGE}`,
      after,
      cutoff,
    );
  }

  /** Nodes that are down. There are few, and their ages are in their states. */
  async nodes(): Promise<{ readonly id: string; readonly allocationIds: readonly string[] }[]> {
    return this.dataSource.query(
      `SELECT n.id, coalesce(array_agg(a.id) FILTER (WHERE a.id IS NOT NULL), '{}') AS "allocationIds"
         FROM node n LEFT JOIN allocation a ON a.node_id = n.id AND a.desired_status = 'run' AND a.client_status NOT IN ${ENDED}
        WHERE n.status = 'down' GROUP BY n.id ORDER BY n.id`,
    );
  }

  /** Everything that a job has, by id. */
  async belongings(
    namespace: string,
    jobId: string,
  ): Promise<{
    readonly evaluationIds: readonly string[];
    readonly allocationIds: readonly string[];
    readonly deploymentIds: readonly string[];
  }> {
    const ids = async (table: string): Promise<string[]> => {
      const rows: { id: string }[] = await this.dataSource.query(
        `SELECT id FROM ${table} WHERE namespace = $1 AND job_id = $2`,
        [namespace, jobId],
      );
      return rows.map((row) => row.id);
    };
    const [evaluationIds, allocationIds, deploymentIds] = await Promise.all([
      ids('evaluation'),
      ids('allocation'),
      ids('deployment'),
    ]);
    return { evaluationIds, allocationIds, deploymentIds };
  }

  /** Every job that has a summary. */
  async summarisedJobs(): Promise<{ readonly namespace: string; readonly jobId: string }[]> {
    return this.dataSource.query('SELECT namespace, job_id AS "jobId" FROM job_summary ORDER BY key');
  }

  private async page<T>(sql: string, after: string, ...cutoffs: readonly TimeUs[]): Promise<GarbagePage<T>> {
    const found: (T & { readonly key: string })[] = await this.dataSource.query(sql, [after, ...cutoffs]);
    return { found, next: found.length < PAGE ? undefined : found.at(-1)!.key };
  }
}

/** Documents have nanoseconds, states microseconds. */
const modifiedBefore = (row: string, cutoff: string): string =>
  `(${row}.document::json->>'ModifyTime')::numeric <= (${cutoff})::numeric * 1000`;
