import type { JobStatus, JobVersion, NamespaceUse } from '@app/domain';
import { parseExact, type Index, type StreamName, type TimeUs } from '@app/kernel';
import type { DataSource } from 'typeorm';
import { inBatches } from './cursor.js';
import { keyOf, type DocumentRow } from './entities.js';
import { listBuilder, namespacesOf, type ListQuery } from './list-query.js';
import { readSnapshot, type Snapshot, type SnapshotQuery, type SnapshotRow } from './list-snapshot.js';
import { streamsRelatedTo } from './related-streams.js';
import { withoutRemnants } from './remnants.js';
import type { TableName } from './tables.js';

/** A job as lists by its last change find it. */
export interface JobRow {
  readonly key: string;
  readonly namespace: string;
  readonly id: string;
  readonly modifyIndex: Index;
}

const IS_LIVE = `(a.desired_status = 'run' OR a.client_status NOT IN ('complete', 'failed', 'lost'))`;
const SCHEDULABLE = `SELECT a.id FROM allocation a WHERE ${IS_LIVE}
  UNION ALL
  SELECT a.id FROM job j JOIN allocation a ON a.namespace = j.namespace AND a.job_id = j.job_id
   WHERE j.type IN ('batch', 'sysbatch') AND NOT ${IS_LIVE}`;

/** Look-ups in the read-model tables. Everything here is a plain read: the append is the only writer. */
export class ReadModels {
  constructor(private readonly dataSource: DataSource) {}

  /** The rows of a list, in its order. */
  list(query: ListQuery): Promise<DocumentRow[]> {
    return listBuilder(this.dataSource.createQueryBuilder(), query).getRawMany<DocumentRow>();
  }

  /** The rows of a list as of one moment, and which one that was. `onRows` gets them in order, some at a time. */
  listSnapshot(
    query: SnapshotQuery,
    onRows: (rows: readonly SnapshotRow[]) => void | Promise<void>,
  ): Promise<Snapshot> {
    return readSnapshot(this.dataSource, query, onRows);
  }

  /** The namespaces that rows of a table are in. */
  namespacesOf(table: TableName): Promise<string[]> {
    return namespacesOf(this.dataSource, table);
  }

  /** Only the keys of a list; `limit`: as many of them at most. */
  async keys(table: TableName, where: ListQuery['where'], limit?: number): Promise<string[]> {
    const query = { table, where, order: 'key', ...(limit !== undefined && { limit }) } as const;
    const builder = listBuilder(this.dataSource.createQueryBuilder(), query).select([`t.${keyOf(table)} AS key`]);
    return (await builder.getRawMany<{ key: string }>()).map((row) => row.key);
  }

  /** The text of one row and its index, or undefined. */
  async document(
    table: TableName,
    key: string,
  ): Promise<{ readonly document: string; readonly index: Index; readonly namespace: string } | undefined> {
    const rows: { document: string; modify_index: string; namespace: string }[] = await this.dataSource.query(
      `SELECT document, modify_index, namespace FROM ${table} t WHERE ${keyOf(table)} = $1 AND ${withoutRemnants(table)}`,
      [key],
    );
    return rows[0] && { document: rows[0].document, index: Number(rows[0].modify_index), namespace: rows[0].namespace };
  }

  /** The text of a namespace or a node pool, and its index. */
  async named(
    table: 'namespace' | 'node_pool',
    name: string,
  ): Promise<{ readonly document: string; readonly index: Index } | undefined> {
    const rows: { document: string; modify_index: string }[] = await this.dataSource.query(
      `SELECT document, modify_index FROM ${table} WHERE name = $1`,
      [name],
    );
    return rows[0] && { document: rows[0].document, index: Number(rows[0].modify_index) };
  }

  /** Tokens whose time is over, some of them, those first that expired first. */
  async expiredTokens(now: TimeUs): Promise<string[]> {
    const rows: { id: string }[] = await this.dataSource.query(
      'SELECT id FROM acl_token WHERE expiration_time > 0 AND expiration_time <= $1 ORDER BY expiration_time LIMIT 100',
      [now],
    );
    return rows.map(({ id }) => id);
  }

  /** Whether this is still there of a job that was purged, and is to be hidden. */
  async isRemnant(one: {
    readonly namespace: string;
    readonly jobId: string;
    readonly createIndex: Index;
  }): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query('SELECT 1 FROM job_purge WHERE key = $1 AND up_to >= $2', [
      `${one.namespace}/${one.jobId}`,
      one.createIndex,
    ]);
    return rows.length > 0;
  }

  /** The summaries of jobs by their key, as text. */
  async jobSummaries(keys: readonly string[]): Promise<Map<string, string>> {
    const rows: { key: string; document: string }[] = await this.dataSource.query(
      'SELECT key, document FROM job_summary WHERE key = ANY($1)',
      [keys],
    );
    return new Map(rows.map((row) => [row.key, row.document]));
  }

  /** The streams of what belongs to a job or a deployment, as many as `limit`. */
  streamsRelatedTo(stream: StreamName, limit: number): Promise<StreamName[]> {
    return streamsRelatedTo((text, values) => this.dataSource.query(text, values), stream, limit);
  }

  /** Jobs in the order of their last change, and among those of one commit by namespace and id. */
  async jobsByModification(query: {
    /** `*`: all. */
    readonly namespace: string;
    /** Undefined: all. */
    readonly keys: readonly string[] | undefined;
    readonly withChildren: boolean;
    readonly newestFirst: boolean;
  }): Promise<JobRow[]> {
    const direction = query.newestFirst ? 'DESC' : 'ASC';
    return this.dataSource.query(
      `SELECT key, namespace, job_id AS id, modify_index::float8 AS "modifyIndex" FROM job
        WHERE $1 IN ('*', namespace) AND ($2::text[] IS NULL OR key = ANY($2)) AND ($3 OR parent_id = '')
        ORDER BY modify_index ${direction}, namespace ${direction}, job_id ${direction}`,
      [query.namespace, query.keys ?? null, query.withChildren],
    );
  }

  /** The children of jobs with these ids, in the order of their creation. */
  async childJobs(
    parentIds: readonly string[],
  ): Promise<{ readonly parentKey: string; readonly status: JobStatus; readonly modifyIndex: Index }[]> {
    return this.dataSource.query(
      `SELECT namespace || '/' || parent_id AS "parentKey", status, modify_index::float8 AS "modifyIndex" FROM job
        WHERE parent_id <> '' AND parent_id = ANY($1) ORDER BY create_index, key`,
      [parentIds],
    );
  }

  /** The id of the newest deployment of each job with these ids. */
  async latestDeployments(jobIds: readonly string[]): Promise<string[]> {
    const rows: { id: string }[] = await this.dataSource.query(
      `SELECT DISTINCT ON (namespace, job_id) id FROM deployment t
        WHERE job_id = ANY($1) AND ${withoutRemnants('deployment')} ORDER BY namespace, job_id, create_index DESC`,
      [jobIds],
    );
    return rows.map(({ id }) => id);
  }

  /** A version in our own terms, retained or not. */
  async jobVersion(key: string): Promise<{ readonly version: JobVersion; readonly registered: string } | undefined> {
    const rows: { state: string; registered: string }[] = await this.dataSource.query(
      'SELECT state, registered FROM job_version WHERE key = $1',
      [key],
    );
    return rows[0] && { version: parseExact(rows[0].state) as JobVersion, registered: rows[0].registered };
  }

  /** The versions with these keys that there are, in our own terms. */
  async jobVersions(keys: readonly string[]): Promise<JobVersion[]> {
    const rows: { state: string }[] = await this.dataSource.query('SELECT state FROM job_version WHERE key = ANY($1)', [
      keys,
    ]);
    return rows.map((row) => parseExact(row.state) as JobVersion);
  }

  /**
   * The allocations that a scheduler looks at: those that are not over for server and client alike, and all of batch jobs. Read through a cursor, so
   * that no statement takes longer with the number of those that are over.
   */
  async schedulableAllocations(): Promise<string[]> {
    const ids: string[] = [];
    await inBatches<{ id: string }>(this.dataSource, SCHEDULABLE, (rows) => {
      for (const { id } of rows) ids.push(id);
    });
    return ids;
  }

  /** Jobs that a change of a node concerns; spec/lifecycle §2.2. */
  async jobsAffectedByNode(nodeId: string): Promise<{ namespace: string; jobId: string }[]> {
    return this.dataSource.query(
      `SELECT DISTINCT a.namespace, a.job_id AS "jobId" FROM allocation a JOIN job j ON j.key = a.namespace || '/' || a.job_id
        WHERE a.node_id = $1
          AND ((j.type = 'service' AND NOT (a.desired_status <> 'run' AND a.client_status IN ('complete', 'failed', 'lost')))
            OR (j.type = 'batch' AND a.client_status NOT IN ('complete', 'failed', 'lost')))
       UNION
       SELECT namespace, job_id FROM job WHERE type = 'system' AND NOT stop`,
      [nodeId],
    );
  }

  /** Which kinds of live things a namespace has. */
  async usesOfNamespace(namespace: string): Promise<Set<NamespaceUse>> {
    const rows: { use: NamespaceUse }[] = await this.dataSource.query(
      `SELECT 'jobs' AS use WHERE EXISTS (SELECT 1 FROM job WHERE namespace = $1 AND status <> 'dead')
       UNION ALL
       SELECT 'allocations' WHERE EXISTS (SELECT 1 FROM allocation WHERE namespace = $1
          AND client_status NOT IN ('complete', 'failed', 'lost'))
       UNION ALL
       SELECT 'variables' WHERE EXISTS (SELECT 1 FROM variable WHERE namespace = $1)`,
      [namespace],
    );
    return new Set(rows.map(({ use }) => use));
  }

  /** The services of a namespace (`*`: of all), each with the tags of all its registrations. */
  async serviceNames(
    namespace: string,
  ): Promise<{ readonly namespace: string; readonly name: string; readonly tags: readonly string[] }[]> {
    return this.dataSource.query(
      `SELECT namespace, service_name AS name, coalesce(array_agg(DISTINCT tag COLLATE "C") FILTER (WHERE tag IS NOT NULL), '{}') AS tags
         FROM service t LEFT JOIN LATERAL jsonb_array_elements_text(document::jsonb -> 'Tags') AS tag ON true
        WHERE $1 IN ('*', namespace) AND ${withoutRemnants('service')} GROUP BY namespace, service_name ORDER BY namespace, service_name`,
      [namespace],
    );
  }

  /** Whether a node pool has live jobs, and whether it has nodes. */
  async usesOfNodePool(pool: string): Promise<{ readonly hasJobs: boolean; readonly hasNodes: boolean }> {
    const [row]: { jobs: boolean; nodes: boolean }[] = await this.dataSource.query(
      `SELECT EXISTS (SELECT 1 FROM job WHERE status <> 'dead' AND document::jsonb ->> 'NodePool' = $1) AS jobs,
              EXISTS (SELECT 1 FROM node WHERE node_pool = $1) AS nodes`,
      [pool],
    );
    return { hasJobs: row?.jobs ?? false, hasNodes: row?.nodes ?? false };
  }

  /** Whether allocations that are not terminal live on a node. */
  async hasLiveAllocations(nodeId: string): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(
      `SELECT 1 FROM allocation WHERE node_id = $1 AND desired_status = 'run' AND client_status NOT IN ('complete', 'failed', 'lost') LIMIT 1`,
      [nodeId],
    );
    return rows.length > 0;
  }

  /** Whether a node has ever had allocations that are still known, whatever became of them. */
  async hasAllocations(nodeId: string): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query('SELECT 1 FROM allocation WHERE node_id = $1 LIMIT 1', [
      nodeId,
    ]);
    return rows.length > 0;
  }

  /** Ids of what an agent has to look at: changed by a server after `index`, or (from 0) everything that is not over for the client. */
  async allocationsForAgent(
    nodeId: string,
    index: Index,
  ): Promise<{ readonly changed: readonly string[]; readonly removed: readonly string[] }> {
    const rows: { id: string; gone: boolean }[] = await this.dataSource.query(
      index > 0
        ? `SELECT id, false AS gone FROM allocation WHERE node_id = $1 AND alloc_modify_index > $2
           UNION ALL SELECT id, true FROM purged_allocation WHERE node_id = $1 AND modify_index > $2`
        : `SELECT id, false AS gone FROM allocation
            WHERE node_id = $1 AND client_status NOT IN ('complete', 'failed', 'lost') AND alloc_modify_index > $2`,
      [nodeId, index],
    );
    const ids = (gone: boolean): string[] => rows.filter((row) => row.gone === gone).map((row) => row.id);
    return { changed: ids(false), removed: ids(true) };
  }

  /**
   * Every allocation of a node that is kept, whatever became of it, with the index of its last change by a server; and when any of them last
   * changed so, or went.
   */
  async allocationIndexesOfNode(
    nodeId: string,
  ): Promise<{ readonly indexes: Readonly<Record<string, Index>>; readonly changedAt: Index }> {
    const rows: { id: string | null; at: string }[] = await this.dataSource.query(
      `SELECT id, alloc_modify_index AS at FROM allocation WHERE node_id = $1
       UNION ALL SELECT NULL, max(modify_index) FROM purged_allocation WHERE node_id = $1 HAVING max(modify_index) IS NOT NULL`,
      [nodeId],
    );
    const indexes = rows.flatMap(({ id, at }): [string, Index][] => (id === null ? [] : [[id, Number(at)]]));
    return {
      indexes: Object.fromEntries(indexes),
      changedAt: rows.reduce((newest, { at }) => Math.max(newest, Number(at)), 0),
    };
  }

  /** Nodes for whose agents something changed after `index`, and up to where this was seen. */
  async nodesWithNews(index: Index): Promise<{ readonly nodeIds: readonly string[]; readonly upTo: Index }> {
    const rows: { node_id: string; up_to: string }[] = await this.dataSource.query(
      `SELECT node_id, max(at) AS up_to
         FROM (SELECT node_id, alloc_modify_index AS at FROM allocation WHERE alloc_modify_index > $1
               UNION ALL SELECT node_id, modify_index FROM purged_allocation WHERE modify_index > $1) AS news
        GROUP BY node_id`,
      [index],
    );
    return { nodeIds: rows.map((row) => row.node_id), upTo: Math.max(index, ...rows.map((row) => Number(row.up_to))) };
  }
}
