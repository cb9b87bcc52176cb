import type { AggregateState, DeploymentState, EvaluationState } from '@app/domain';
import { deploymentStream, evaluationStream, ownProperty, streamKey, type Index, type StreamName } from '@app/kernel';
import type { DataSource } from 'typeorm';
import { byBytes } from '../by-bytes.js';
import { namespacesOf, type ListQuery } from '../list-query.js';
import { belongs } from '../membership.js';
import { keyOf, type DocumentRow } from '../entities.js';
import { project } from '../project.js';
import { goneTableOf } from '../projection-sql.js';
import { ownerOf, OWNERS } from '../rebuild/owners.js';
import { isHidden, type Purge } from '../remnants.js';
import { TABLES, type TableName } from '../tables.js';
import type { PastMoments } from './past-moments.js';
import type { PastRow } from './past-row.js';
import type { PastStates } from './past-states.js';

type Columns = Readonly<Record<string, unknown>>;
type Where = ListQuery['where'];

/** Streams that are folded at once: what is in memory beside the rows themselves. */
const FOLDED_AT_ONCE = 1000;
/** Columns that no query looks at, and that are long. */
const LONG: ReadonlySet<string> = new Set(['state', 'registered']);

const tableOf = (table: TableName) => TABLES.find((one) => one.table === table)!;
const columnsOf = (table: TableName): string[] =>
  Object.keys(tableOf(table).columns).filter((column) => !LONG.has(column));

/** Lists were not kept from the beginning of this log. */
export class ListsNotKept extends Error {
  override readonly name = 'ListsNotKept';
  constructor(readonly from: Index) {
    super(`lists are kept from index ${from} on`);
  }
}

/**
 * Rows of read models as they were. Those whose stream has not moved since are the rows of today. Of the others, and of those that have gone, the
 * states are folded and projected again, as the append did.
 */
export class PastRows {
  constructor(
    private readonly dataSource: DataSource,
    private readonly states: PastStates,
    private readonly moments: PastMoments,
  ) {}

  /** One row by its key. */
  async row(table: TableName, key: string, index: Index): Promise<PastRow | undefined> {
    const stream: StreamName = `${OWNERS[table].type}/${key}`;
    const past = (await this.states.at([stream], index)).get(stream);
    const row = past && rowsOf(table, stream, past.state).find((one) => one.key === key);
    return row === undefined || isHidden(table, row.columns, await this.purges(index)) ? undefined : row;
  }

  /** Rows by their keys; those that were not there are absent. */
  async rows(table: TableName, keys: readonly string[], index: Index): Promise<Map<string, PastRow>> {
    const streams = keys.map((key): StreamName => `${OWNERS[table].type}/${key}`);
    return new Map((await this.folded(table, streams, index)).map((row) => [row.key, row]));
  }

  /** All rows for which the columns are these, in no order. @throws ListsNotKept */
  async matching(table: TableName, where: Where, index: Index, prefix?: ListQuery['prefix']): Promise<PastRow[]> {
    await this.requireLists(index);
    const held = conditionsOf(where, prefix);
    const narrowed = table === 'allocation' ? await this.withJob(held, index) : held;
    if (narrowed === 'nothing') return [];
    const { standing, moved } = await this.candidates(table, narrowed, index);
    const was = await this.folded(table, moved, index);
    const all = [...standing, ...was.filter((row) => belongs(row.columns, { table, where, prefix }, row.key))];
    const purges = await this.purges(index);
    return purges.length === 0 ? all : all.filter(({ columns }) => !isHidden(table, columns, purges));
  }

  /** The states that rows were made of, as JSON text, by their keys. */
  async statesOf(table: TableName, keys: readonly string[], index: Index): Promise<Map<string, string>> {
    const { type } = OWNERS[table];
    const streams = keys.map((key): StreamName => `${type}/${key}`);
    const stored = await this.states.load(streams, index);
    return new Map(Array.from(stored, ([stream, { state }]) => [streamKey(stream), state]));
  }

  /** The last commit up to an index that had touched a table. */
  async tableIndex(table: TableName, index: Index): Promise<Index> {
    return (await this.moments.tablesAt(index)).get(table) ?? 0;
  }

  /** The namespaces that rows may have been in: some more than there were at that index. */
  async namespaces(table: TableName): Promise<string[]> {
    const [now, gone] = [
      await namespacesOf(this.dataSource, table),
      await namespacesOf(this.dataSource, goneTableOf(table)),
    ];
    return [...new Set([...now, ...gone])].sort(byBytes);
  }

  /** Purges that were under way. */
  async purges(index: Index): Promise<Purge[]> {
    return this.dataSource.query(
      `SELECT namespace, job_id AS "jobId", up_to::float8 AS "upTo" FROM job_purge WHERE up_to <= $1
       UNION ALL
       SELECT namespace, job_id, create_index::float8 FROM job_purge_gone WHERE int8range(create_index, gone_index) @> $1::bigint`,
      [index],
    );
  }

  private async requireLists(index: Index): Promise<void> {
    const rows: { from: Index }[] = await this.dataSource.query('SELECT complete_from::float8 AS from FROM past_lists');
    const from = rows[0]?.from ?? 0;
    if (index < from) throw new ListsNotKept(from);
  }

  /** Which rows there may have been: those of today that stand as they did, and the streams of all others. */
  private async candidates(
    table: TableName,
    held: readonly Condition[],
    index: Index,
  ): Promise<{ readonly standing: PastRow[]; readonly moved: StreamName[] }> {
    const { lasting = [] } = tableOf(table);
    const key = keyOf(table);
    const [lasts, changes] = [true, false].map((wanted) =>
      held.filter(({ column }) => (column === key || lasting.includes(column)) === wanted),
    ) as [Condition[], Condition[]];
    const values: unknown[] = [index];
    const columns = columnsOf(table).map((column) => `t.${column}`);
    const rows: (Columns & DocumentRow & { readonly stream: StreamName; readonly stands: boolean })[] =
      await this.dataSource.query(
        `SELECT ${columns.join(', ')}, t.${key} AS key, s.stream, s.last_index <= $1 AS stands,
            CASE WHEN s.last_index <= $1 THEN t.document END AS document
           FROM ${table} t JOIN stream s ON s.stream = ${ownerOf(table)}
          WHERE t.create_index <= $1${sql(lasts, values)} AND (s.last_index > $1 OR (true${sql(changes, values)}))`,
        values,
      );
    const lived: unknown[] = [index];
    // The keys of what has gone are in a column of this name.
    const asKept = lasts.map((one) => (one.column === key ? { ...one, column: 'key' } : one));
    const gone: { stream: StreamName }[] = await this.dataSource.query(
      `SELECT ${ownerOf(table).replaceAll(`t.${key}`, 't.key')} AS stream FROM ${goneTableOf(table)} t
        WHERE int8range(t.create_index, t.gone_index) @> $1::bigint${sql(asKept, lived)}`,
      lived,
    );
    const standing = rows
      .filter(({ stands }) => stands)
      .map((row) => ({ key: row.key, document: row.document, create_index: row.create_index, columns: row }));
    const moved = new Set([...rows.filter(({ stands }) => !stands), ...gone].map(({ stream }) => stream));
    // What has gone between the two queries is in both answers: it counts as it stood.
    for (const { stands, stream } of rows) if (stands) moved.delete(stream);
    return { standing, moved: [...moved] };
  }

  private async folded(table: TableName, streams: readonly StreamName[], index: Index): Promise<PastRow[]> {
    const rows: PastRow[] = [];
    for (let i = 0; i < streams.length; i += FOLDED_AT_ONCE) {
      const states = await this.states.at(streams.slice(i, i + FOLDED_AT_ONCE), index);
      for (const [stream, { state }] of states) rows.push(...rowsOf(table, stream, state));
    }
    return rows;
  }

  /** Allocations move from deployment to deployment and from evaluation to evaluation, but never from their job. */
  private async withJob(held: readonly Condition[], index: Index): Promise<readonly Condition[] | 'nothing'> {
    for (const { column, value } of held) {
      if (typeof value !== 'string') continue;
      const stream =
        column === 'deployment_id'
          ? deploymentStream(value)
          : column === 'eval_id'
            ? evaluationStream(value)
            : undefined;
      if (stream === undefined) continue;
      const owner = (await this.states.at([stream], index)).get(stream)?.state as Owner | undefined;
      if (owner === undefined) return 'nothing';
      const ofJob = (name: string, text: string): Condition => ({ column: name, comparison: '=', value: text });
      return [...held, ofJob('namespace', owner.namespace), ofJob('job_id', owner.jobId)];
    }
    return held;
  }
}

type Owner = DeploymentState | EvaluationState;

/** What a column must be. */
interface Condition {
  readonly column: string;
  readonly comparison: '=' | 'any' | 'begins';
  readonly value: unknown;
}

const conditionsOf = (where: Where, prefix: ListQuery['prefix']): Condition[] => [
  ...Object.entries(where).map(([column, value]): Condition => ({
    column,
    comparison: Array.isArray(value) ? 'any' : '=',
    value,
  })),
  ...(prefix === undefined ? [] : [{ column: prefix.column, comparison: 'begins', value: prefix.value } as const]),
];

/** Conditions as SQL that goes on; their values are added to the parameters. */
const sql = (conditions: readonly Condition[], values: unknown[]): string =>
  conditions
    .map(({ column, comparison, value }) => {
      const parameter = `$${values.push(value)}`;
      if (comparison === 'begins') return ` AND starts_with(t.${column}, ${parameter})`;
      return comparison === 'any' ? ` AND t.${column} = ANY(${parameter})` : ` AND t.${column} = ${parameter}`;
    })
    .join('');

/** The rows of a stream in a table, as the append would have them. */
function rowsOf(table: TableName, stream: StreamName, state: AggregateState): PastRow[] {
  // The versions of a job are rows, too, and costly ones: a job that has not changed has none that are new.
  const before = table === 'job' ? state : undefined;
  return project(stream, before, state).flatMap((row) =>
    row.table !== table || row.columns === null
      ? []
      : [
          {
            key: row.key,
            document: row.document ?? '',
            create_index: String(ownProperty(row.columns, 'create_index')),
            columns: row.columns,
          },
        ],
  );
}
