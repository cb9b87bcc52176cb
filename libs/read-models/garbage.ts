import type { JobPurgeState } from '@app/domain';
import type { Index, TimeUs } from '@app/kernel';
import type { DataSource } from 'typeorm';
import { keyOf } from './entities.js';
import { withoutRemnants } from './remnants.js';
import type { TableName } from './tables.js';

/** A page of candidates; `next` is where the following one starts, undefined after the last. */
export interface GarbagePage<T> {
  readonly found: readonly T[];
  readonly next: string | undefined;
}

/** Ids of what a job has. */
export interface Belongings {
  readonly evaluationIds: readonly string[];
  readonly allocationIds: readonly string[];
  readonly deploymentIds: readonly string[];
}

/** Rows that one query looks at, whether they are garbage or not: a table of any size is gone through in queries of some milliseconds. */
const PAGE = 5_000;
const ENDED = `('complete', 'failed', 'lost')`;

/**
 * Finds what may be garbage: what has ended and was last touched before a cutoff. Whether it really is garbage is decided on the states. Ages
 * are read from the documents: a garbage collector's look every few minutes does not justify columns and indexes that every write would pay for.
 */
export class GarbageSource {
  constructor(
    private readonly dataSource: DataSource,
    private readonly pageSize = PAGE,
  ) {}

  /** Terminal evaluations with the ids of their allocations, none of which is still alive. `after`: where the page before ended. */
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
      'evaluation',
      `SELECT e.id, e.namespace, e.job_id AS "jobId", coalesce(array_agg(a.id) FILTER (WHERE a.id IS NOT NULL), '{}') AS "allocationIds"
         FROM evaluation e LEFT JOIN allocation a ON a.eval_id = e.id
        WHERE e.id > $1 AND ($2::text IS NULL OR e.id <= $2) AND e.status IN ('complete', 'failed', 'canceled')
          AND ${modifiedBefore('e', `CASE e.document::json->>'Type' WHEN 'batch' THEN $4 ELSE $3 END`)}
        GROUP BY e.id
       HAVING bool_and(a.id IS NULL OR (a.client_status <> 'running' AND (a.desired_status <> 'run' OR a.client_status IN ${ENDED})))
        ORDER BY e.id`,
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
      'deployment',
      `SELECT d.id, coalesce(array_agg(a.id) FILTER (WHERE a.id IS NOT NULL), '{}') AS "allocationIds"
         FROM deployment d LEFT JOIN allocation a ON a.deployment_id = d.id
        WHERE d.id > $1 AND ($2::text IS NULL OR d.id <= $2) AND d.status IN ('successful', 'failed', 'cancelled')
          AND ${modifiedBefore('d', '$3')}
        GROUP BY d.id
       HAVING bool_and(a.id IS NULL OR a.desired_status <> 'run' OR a.client_status IN ${ENDED})
        ORDER BY d.id`,
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
      'job',
      `SELECT j.namespace, j.job_id AS "jobId" FROM job j
        WHERE j.key > $1 AND ($2::text IS NULL OR j.key <= $2) AND j.status = 'dead'
          AND (j.stop OR j.type IN ('batch', 'sysbatch'))
          AND (j.document::json->>'SubmitTime')::numeric <= $3::numeric * 1000
        ORDER BY j.key`,
      after,
      cutoff,
    );
  }

  /** Nodes that are down and have no allocation that lives. There are few, and their ages are in their states. */
  async nodes(): Promise<{ readonly id: string; readonly allocationIds: readonly string[] }[]> {
    return this.dataSource.query(
      `SELECT n.id, coalesce(array_agg(a.id) FILTER (WHERE a.id IS NOT NULL), '{}') AS "allocationIds"
         FROM node n LEFT JOIN allocation a ON a.node_id = n.id AND a.desired_status = 'run' AND a.client_status NOT IN ${ENDED}
        WHERE n.status = 'down' GROUP BY n.id ORDER BY n.id`,
    );
  }

  /** What a job has, by id; `limit`: as many of each kind at most. */
  async belongings(namespace: string, jobId: string, limit?: number): Promise<Belongings> {
    return this.idsOf([namespace, jobId], limit, withoutRemnants);
  }

  /** Some of what is still there of a job that was purged, of evaluations those that are open. */
  async remnants(purge: JobPurgeState, limit: number): Promise<Belongings> {
    return this.idsOf([purge.namespace, purge.jobId, purge.upTo], limit, (table) =>
      table === 'evaluation' ? `t.create_index <= $3 AND t.status IN ('pending', 'blocked')` : 't.create_index <= $3',
    );
  }

  private async idsOf(
    values: readonly unknown[],
    limit: number | undefined,
    condition: (table: TableName) => string,
  ): Promise<Belongings> {
    const ids = async (table: TableName): Promise<string[]> => {
      const rows: { id: string }[] = await this.dataSource.query(
        `SELECT t.id FROM ${table} t WHERE t.namespace = $1 AND t.job_id = $2 AND ${condition(table)} ${limit === undefined ? '' : `LIMIT ${limit}`}`,
        [...values],
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

  /**
   * Judges a dead job with more allocations and evaluations than a command can look at by their rows: the index that none of them is older than if all of
   * it may go, undefined otherwise.
   */
  async judge(namespace: string, jobId: string, cutoff: TimeUs): Promise<Index | undefined> {
    const [head]: { index: string }[] = await this.dataSource.query('SELECT index FROM log_head');
    const keeps = async (table: TableName, isOver: string): Promise<boolean> => {
      for (let after: string | undefined = ''; after !== undefined;) {
        const { found, next }: GarbagePage<unknown> = await this.page(
          table,
          `SELECT 1 FROM ${table} t WHERE t.id > $1 AND ($2::text IS NULL OR t.id <= $2) AND t.namespace = $4 AND t.job_id = $5
              AND NOT (${isOver} AND ${modifiedBefore('t', '$3')}) LIMIT 1`,
          after,
          cutoff,
          namespace,
          jobId,
        );
        if (found.length > 0) return true;
        after = next;
      }
      return false;
    };
    if (await keeps('evaluation', `t.status IN ('complete', 'failed', 'canceled')`)) return undefined;
    if (
      await keeps(
        'allocation',
        `t.client_status <> 'running' AND (t.desired_status <> 'run' OR t.client_status IN ${ENDED})`,
      )
    )
      return undefined;
    return Number(head!.index);
  }

  /** Every job that has a summary. */
  async summarisedJobs(): Promise<{ readonly namespace: string; readonly jobId: string }[]> {
    return this.dataSource.query('SELECT namespace, job_id AS "jobId" FROM job_summary ORDER BY key');
  }

  private async page<T>(
    table: TableName,
    sql: string,
    after: string,
    ...values: readonly (TimeUs | string)[]
  ): Promise<GarbagePage<T>> {
    const key = keyOf(table);
    const [last]: { next: string }[] = await this.dataSource.query(
      `SELECT ${key} AS next FROM ${table} WHERE ${key} > $1 ORDER BY ${key} OFFSET $2 LIMIT 1`,
      [after, this.pageSize - 1],
    );
    const found: T[] = await this.dataSource.query(sql, [after, last?.next ?? null, ...values]);
    return { found, next: last?.next };
  }
}

/** Documents have nanoseconds, states microseconds. */
const modifiedBefore = (row: string, cutoff: string): string =>
  `(${row}.document::json->>'ModifyTime')::numeric <= (${cutoff})::numeric * 1000`;
