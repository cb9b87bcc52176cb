import type { JobStatus } from '@app/domain';
import type { Index } from '@app/kernel';
import type { DataSource } from 'typeorm';
import { byBytes } from '../by-bytes.js';
import type { DocumentRow } from '../entities.js';
import type { ListQuery } from '../list-query.js';
import type { Snapshot, SnapshotQuery, SnapshotRow } from '../list-snapshot.js';
import { ReadModels, type JobRow } from '../read-models.js';
import type { TableName } from '../tables.js';
import { Variables, type VariableRow } from '../variables.js';
import { asOf } from './as-of.js';
import { inOrder } from './order.js';
import { numberIn, textIn, type PastRow } from './past-row.js';
import type { PastRows } from './past-rows.js';

/**
 * The look-ups that answers are made of, as of the index that is being read; as things are now where none is. What only commands ask is always of
 * now.
 */
export class ReadModelsInTime extends ReadModels {
  constructor(
    dataSource: DataSource,
    private readonly past: PastRows,
  ) {
    super(dataSource);
  }

  override async list(query: ListQuery): Promise<DocumentRow[]> {
    const index = asOf();
    if (index === undefined) return super.list(query);
    return inOrder(await this.past.matching(query.table, query.where, index, query.prefix), query);
  }

  override async listSnapshot(
    query: SnapshotQuery,
    onRows: (rows: readonly SnapshotRow[]) => void | Promise<void>,
  ): Promise<Snapshot> {
    const at = asOf();
    if (at === undefined) return super.listSnapshot(query, onRows);
    const { table, where, prefix, sees, withStates } = query;
    const all = inOrder(await this.past.matching(table, where, at, prefix), query);
    const rows = sees === undefined ? all : all.filter((row) => sees(textIn(row, 'namespace')));
    for (let i = 0; i < rows.length; i += BATCH) {
      const batch = rows.slice(i, i + BATCH);
      const keys = batch.map(({ key }) => key);
      const states = withStates ? await this.past.statesOf(table, keys, at) : undefined;
      await onRows(batch.map((row) => withState(row, states?.get(row.key))));
    }
    return { at, tableIndex: await this.past.tableIndex(table, at), purges: await this.past.purges(at) };
  }

  override async namespacesOf(table: TableName): Promise<string[]> {
    return asOf() === undefined ? super.namespacesOf(table) : this.past.namespaces(table);
  }

  override async keys(table: TableName, where: ListQuery['where'], limit?: number): Promise<string[]> {
    const index = asOf();
    if (index === undefined) return super.keys(table, where, limit);
    const keys = (await this.past.matching(table, where, index)).map(({ key }) => key);
    return keys.sort(byBytes).slice(0, limit);
  }

  override async isRemnant(one: Parameters<ReadModels['isRemnant']>[0]): Promise<boolean> {
    const index = asOf();
    if (index === undefined) return super.isRemnant(one);
    return (await this.past.purges(index)).some(
      ({ namespace, jobId, upTo }) => namespace === one.namespace && jobId === one.jobId && upTo >= one.createIndex,
    );
  }

  override async document(
    table: TableName,
    key: string,
  ): Promise<{ readonly document: string; readonly index: Index; readonly namespace: string } | undefined> {
    const index = asOf();
    if (index === undefined) return super.document(table, key);
    const row = await this.past.row(table, key, index);
    return row && { document: row.document, index: numberIn(row, 'modify_index'), namespace: textIn(row, 'namespace') };
  }

  override async named(
    table: 'namespace' | 'node_pool',
    name: string,
  ): Promise<{ readonly document: string; readonly index: Index } | undefined> {
    const index = asOf();
    if (index === undefined) return super.named(table, name);
    const row = await this.past.row(table, name, index);
    return row && { document: row.document, index: numberIn(row, 'modify_index') };
  }

  override async jobSummaries(keys: readonly string[]): Promise<Map<string, string>> {
    const index = asOf();
    if (index === undefined) return super.jobSummaries(keys);
    const rows = await this.past.rows('job_summary', keys, index);
    return new Map(Array.from(rows, ([key, { document }]) => [key, document]));
  }

  override async jobsByModification(query: Parameters<ReadModels['jobsByModification']>[0]): Promise<JobRow[]> {
    const index = asOf();
    if (index === undefined) return super.jobsByModification(query);
    const { namespace, keys, withChildren, newestFirst } = query;
    const where = { ...(namespace === '*' ? {} : { namespace }), ...(keys === undefined ? {} : { key: keys }) };
    const rows = (await this.past.matching('job', where, index))
      .filter((row) => withChildren || textIn(row, 'parent_id') === '')
      .map((row) => ({
        key: row.key,
        namespace: textIn(row, 'namespace'),
        id: textIn(row, 'job_id'),
        modifyIndex: numberIn(row, 'modify_index'),
      }))
      .sort((a, b) => a.modifyIndex - b.modifyIndex || byBytes(a.namespace, b.namespace) || byBytes(a.id, b.id));
    return newestFirst ? rows.reverse() : rows;
  }

  override async childJobs(
    parentIds: readonly string[],
  ): Promise<{ readonly parentKey: string; readonly status: JobStatus; readonly modifyIndex: Index }[]> {
    const index = asOf();
    if (index === undefined) return super.childJobs(parentIds);
    const children = (await this.past.matching('job', { parent_id: parentIds }, index)).filter(
      (row) => textIn(row, 'parent_id') !== '',
    );
    return children
      .sort((a, b) => Number(a.create_index) - Number(b.create_index) || byBytes(a.key, b.key))
      .map((row) => ({
        parentKey: `${textIn(row, 'namespace')}/${textIn(row, 'parent_id')}`,
        status: textIn(row, 'status') as JobStatus,
        modifyIndex: numberIn(row, 'modify_index'),
      }));
  }

  override async latestDeployments(jobIds: readonly string[]): Promise<string[]> {
    const index = asOf();
    if (index === undefined) return super.latestDeployments(jobIds);
    const rows = await this.past.matching('deployment', { job_id: jobIds }, index);
    const latest = new Map<string, PastRow>();
    for (const row of rows) {
      const job = `${textIn(row, 'namespace')}/${textIn(row, 'job_id')}`;
      const known = latest.get(job);
      if (known === undefined || Number(row.create_index) > Number(known.create_index)) latest.set(job, row);
    }
    return [...latest.values()].map(({ key }) => key);
  }

  override async serviceNames(
    namespace: string,
  ): Promise<{ readonly namespace: string; readonly name: string; readonly tags: readonly string[] }[]> {
    const index = asOf();
    if (index === undefined) return super.serviceNames(namespace);
    const rows = await this.past.matching('service', namespace === '*' ? {} : { namespace }, index);
    const tags = new Map<string, { namespace: string; name: string; tags: Set<string> }>();
    for (const row of rows) {
      const name = textIn(row, 'service_name');
      const of = textIn(row, 'namespace');
      const key = `${of}\0${name}`;
      const known = tags.get(key) ?? { namespace: of, name, tags: new Set<string>() };
      tags.set(key, known);
      for (const tag of (JSON.parse(row.document) as { readonly Tags: readonly string[] | null }).Tags ?? [])
        known.tags.add(tag);
    }
    return [...tags.values()]
      .sort((a, b) => byBytes(a.namespace, b.namespace) || byBytes(a.name, b.name))
      .map((service) => ({ ...service, tags: [...service.tags].sort(byBytes) }));
  }
}

/** The same for variables. */
export class VariablesInTime extends Variables {
  constructor(
    dataSource: DataSource,
    private readonly past: PastRows,
  ) {
    super(dataSource);
  }

  override async list(query: Parameters<Variables['list']>[0]): Promise<VariableRow[]> {
    const index = asOf();
    if (index === undefined) return super.list(query);
    const { namespace, prefix, from, limit } = query;
    const prefixed = prefix === '' ? undefined : { column: 'path', value: prefix };
    const rows = (await this.past.matching('variable', namespace === '*' ? {} : { namespace }, index, prefixed))
      .map((row) => ({ ...row, namespace: textIn(row, 'namespace'), path: textIn(row, 'path') }))
      .sort((a, b) => byBytes(a.namespace, b.namespace) || byBytes(a.path, b.path))
      .filter(
        (row) => from === undefined || (byBytes(row.namespace, from.namespace) || byBytes(row.path, from.path)) >= 0,
      );
    return rows.slice(0, limit);
  }
}

/** Rows that are shown, and held as states, at a time. */
const BATCH = 500;

const withState = ({ key, create_index, document }: PastRow, state: string | undefined): SnapshotRow => ({
  ...{ key, create_index, document },
  ...(state !== undefined && { state }),
});
