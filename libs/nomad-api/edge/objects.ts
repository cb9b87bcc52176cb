import {
  currentVersion,
  renderAllocation,
  type AggregateState,
  type AllocationState,
  type JobState,
  type JobVersion,
} from '@app/domain';
import type { EventStore } from '@app/event-store';
import { allocationStream, jobStream, parseExact, type Index, type StreamName } from '@app/kernel';
import { ReadModels, versionKey, type DocumentRow, type ListQuery, type TableName } from '@app/read-models';
import type { Answer, KeptLists, ListSource, Moment, Query as DataQuery, Topic } from '@app/streaming';
import { LRUCache } from 'lru-cache';
import { jsonAnswer, notFound } from './reads.js';

const MAX_JOB_TEXTS_BYTES = 32 * 1024 * 1024;
const MAX_JOB_OBJECTS = 200;
const LOAD_CHUNK = 1000;

/** An object as text, its index, and its namespace where it is found without one. */
export interface Rendered {
  readonly text: string;
  readonly index: Index;
  readonly namespace?: string;
}

const namespaceIn = (document: string): string | undefined =>
  (JSON.parse(document) as { readonly Namespace?: string }).Namespace;

/** What hides an object without moving it. */
const hiddenBy = (table: TableName): readonly Topic[] =>
  table === 'allocation' || table === 'deployment' ? ['table:job_purge'] : [];

const versionOf = (alloc: AllocationState): string =>
  versionKey(alloc.namespace, alloc.jobId, alloc.jobCreateIndex, alloc.jobVersion);

/** Looks single objects and unpaged lists up. Everything returned is a query for the answer cache. */
export class Objects {
  /** Registered job documents never change: what allocations embed. */
  private readonly jobTexts = new LRUCache<string, string>({
    maxSize: MAX_JOB_TEXTS_BYTES,
    sizeCalculation: (text) => text.length + 100,
  });

  /** The same, parsed. */
  private readonly jobObjects = new LRUCache<string, object>({ max: MAX_JOB_OBJECTS });

  constructor(
    private readonly readModels: ReadModels,
    private readonly store: Pick<EventStore, 'load'>,
    private readonly lists: KeptLists,
  ) {}

  /** An object whose row holds the complete document. Its index is its own; the table's when it is missing. */
  row(table: 'deployment' | 'evaluation', id: string, missing: string): DataQuery {
    return {
      key: `${table}/${id}`,
      topics: [`${table}/${id}`, ...hiddenBy(table)],
      missTopics: [`table:${table}`],
      load: async (moment) => {
        const row = await this.readModels.document(table, id);
        if (row === undefined) return notFound(missing, moment.tableIndex(table));
        return jsonAnswer(row.document, row.index, undefined, row.namespace);
      },
    };
  }

  /**
   * An object that is rendered from its state. `render` undefined: there is no such object. What it reads beside the state may be newer than that: an
   * index that comes of both is bounded by the moment's.
   */
  rendered(
    stream: StreamName,
    table: TableName,
    missing: { readonly text: string; readonly status?: number },
    render: (state: AggregateState, moment: Moment) => Promise<Rendered | undefined>,
    variant = '',
  ): DataQuery {
    return {
      key: `${stream}?${variant}`,
      topics: [stream, ...hiddenBy(table)],
      missTopics: [`table:${table}`],
      load: async (moment) => {
        const [state] = await this.states([stream]);
        const found = state === undefined ? undefined : await render(state, moment);
        if (found !== undefined) return jsonAnswer(found.text, found.index, undefined, found.namespace);
        return { ...notFound(missing.text, moment.tableIndex(table)), status: missing.status ?? 404 };
      },
    };
  }

  /** An object that is rendered from its state alone, with its own index; a purged one is missing. */
  one<S extends AggregateState & { readonly purged: boolean; readonly modifyIndex: Index }>(
    stream: StreamName,
    table: TableName,
    missing: string,
    render: (state: S) => object,
  ): DataQuery {
    return this.rendered(stream, table, { text: missing }, (state) => {
      const { purged, modifyIndex } = state as S;
      return Promise.resolve(purged ? undefined : { text: JSON.stringify(render(state as S)), index: modifyIndex });
    });
  }

  /** Every matching row of a table, in order of the key; the index is the table's. They are all of one namespace. */
  rows(table: 'allocation' | 'deployment' | 'evaluation', where: ListQuery['where']): DataQuery {
    const key = JSON.stringify([table, where]);
    const source: ListSource = { key, query: { table, where, order: 'key' }, needsStates: false };
    const read = async (): Promise<Answer> => {
      const { rows, tableIndex } = await this.lists.read(source);
      const { first } = rows;
      const namespace = first === undefined ? undefined : namespaceIn(first);
      return { status: 200, index: tableIndex, body: rows.body(), ...(namespace !== undefined && { namespace }) };
    };
    const kept = { read, watch: (wake: () => void) => this.lists.watch(source, wake) };
    return { key, topics: [`table:${table}`], load: read, kept };
  }

  /** The matching rows as text, for an answer that depends on more than them. */
  async texts(
    table: TableName,
    where: ListQuery['where'],
    moment: Moment,
  ): Promise<{ readonly text: string; readonly index: Index }> {
    const rows = await this.readModels.list({ table, where, order: 'key' });
    const text = `[${rows.map((row) => row.document).join(',')}]`;
    return { text, index: moment.tableIndex(table) };
  }

  /** The states of streams as stored now, undefined where there is none. */
  async states<S extends AggregateState>(streams: readonly StreamName[]): Promise<(S | undefined)[]> {
    const found: (S | undefined)[] = [];
    for (let i = 0; i < streams.length; i += LOAD_CHUNK) {
      const chunk = streams.slice(i, i + LOAD_CHUNK);
      const stored = await this.store.load(chunk);
      for (const stream of chunk) {
        const one = stored.get(stream);
        found.push(one === undefined ? undefined : (parseExact(one.state) as S));
      }
    }
    return found;
  }

  async job(namespace: string, id: string): Promise<JobState | undefined> {
    const [state] = await this.states<JobState>([jobStream(namespace, id)]);
    return state?.purged ? undefined : state;
  }

  /** Whether readers may see an allocation: it is there, and not left over from a purged job. */
  async isSeen(alloc: AllocationState): Promise<boolean> {
    return !alloc.purged && !(await this.readModels.isRemnant(alloc));
  }

  /** In the order of the ids; those that are gone are left out: never to be paired with anything by position. */
  async allocations(ids: readonly string[]): Promise<AllocationState[]> {
    const states = await this.states<AllocationState>(ids.map(allocationStream));
    return states.filter((state) => state !== undefined && !state.purged) as AllocationState[];
  }

  /** What is made of the present version of each job that still exists, by the keys of the rows. */
  jobs<T>(rows: readonly DocumentRow[], render: (version: JobVersion) => T): Promise<Map<string, T>> {
    return this.byKey<JobState, T>(
      rows,
      (key) => `job/${key}`,
      (state) => {
        const current = currentVersion(state);
        return current && render(current);
      },
    );
  }

  private async byKey<S extends AggregateState, T>(
    rows: readonly DocumentRow[],
    streamOf: (key: string) => StreamName,
    render: (state: S) => T | undefined,
  ): Promise<Map<string, T>> {
    const states = await this.states<S>(rows.map(({ key }) => streamOf(key)));
    return new Map(
      rows.flatMap(({ key }, i) => {
        const state = states[i];
        const rendered = state === undefined ? undefined : render(state);
        return rendered === undefined ? [] : [[key, rendered] as const];
      }),
    );
  }

  /** The complete allocation with the job as it was placed with. */
  async allocationText(alloc: AllocationState): Promise<string> {
    const text = JSON.stringify(renderAllocation(alloc));
    return `${text.slice(0, -1)},"Job":${await this.jobText(alloc)}}`;
  }

  /** The same as an object, for a filter to look at. */
  async allocationObject(alloc: AllocationState): Promise<object> {
    const key = versionOf(alloc);
    const known = this.jobObjects.get(key);
    const job = known ?? (JSON.parse(await this.jobText(alloc)) as object | null);
    if (known === undefined && job !== null) this.jobObjects.set(key, job);
    return { ...(JSON.parse(JSON.stringify(renderAllocation(alloc))) as object), Job: job };
  }

  /** The driver of a task of an allocation; undefined: there is no such task. */
  async driverOf(alloc: AllocationState, task: string): Promise<string | undefined> {
    const spec = (await this.readModels.jobVersion(versionOf(alloc)))?.version.spec;
    const group = spec?.TaskGroups.find(({ Name }) => Name === alloc.taskGroup);
    return group?.Tasks.find(({ Name }) => Name === task)?.Driver;
  }

  private async jobText(alloc: AllocationState): Promise<string> {
    const key = versionOf(alloc);
    const kept = this.jobTexts.get(key);
    if (kept !== undefined) return kept;
    const text = (await this.readModels.jobVersion(key))?.registered;
    if (text !== undefined) this.jobTexts.set(key, text);
    return text ?? 'null';
  }
}
