import { evolve, publicData, renderDeployment, upcast, type DeploymentState } from '@app/domain';
import type { EventMeta, Json, StreamName } from '@app/kernel';
import { Client } from 'pg';
import { digestOf } from './client.js';

const PAGE = 5_000;

/** A deployment after one commit. */
export interface DeploymentVersion {
  readonly index: number;
  readonly status: string;
  /** Of what the API shows of it. */
  readonly digest: string;
}

/** What the log and Kafka both say of an event. */
export interface LoggedEvent {
  readonly stream: string;
  readonly type: string;
  readonly data: unknown;
}

interface Row {
  readonly index: string;
  readonly seq: number;
  readonly stream: StreamName;
  readonly version: number;
  readonly type: string;
  readonly schema: number;
  readonly data: object;
  readonly meta: EventMeta;
  readonly time: string;
}

/** What the log says, read straight from its table. */
export class LogFacts {
  readonly problems: string[] = [];
  /** Every event by its `index/seq`. */
  readonly places = new Map<string, LoggedEvent>();
  /** `index/seq` of the last event of every stream. */
  readonly last = new Map<string, string>();
  /** When nodes were held for dead, by their streams, in sentences. */
  readonly downs = new Map<string, string[]>();
  /** Who made each commit, by its index. */
  readonly commits: string[] = [];
  head = 0;
  events = 0;
  private readonly indexes = new Map<string, number[]>();
  private readonly versions = new Map<string, DeploymentVersion[]>();
  private readonly states = new Map<string, DeploymentState>();
  private readonly streams = new Map<StreamName, number>();
  private seq = 0;

  static async read(url: string): Promise<LogFacts> {
    const facts = new LogFacts();
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      for (let after = { index: 0, seq: 0 }; ;) {
        const { rows } = await client.query<Row>(
          `SELECT index, seq, stream, version, type, schema, data, meta, (extract(epoch FROM recorded_at) * 1000000)::bigint AS time
           FROM event WHERE (index, seq) > ($1, $2) ORDER BY index, seq LIMIT ${PAGE}`,
          [after.index, after.seq],
        );
        for (const row of rows) facts.take(row);
        const last = rows.at(-1);
        if (last === undefined) break;
        after = { index: Number(last.index), seq: last.seq };
      }
      const { rows: heads } = await client.query<{ index: string }>('SELECT index FROM log_head');
      if (Number(heads[0]?.index) !== facts.head)
        facts.problems.push(`log_head says ${heads[0]?.index}, the last event has ${facts.head}`);
      return facts;
    } finally {
      await client.end();
    }
  }

  /** Indexes of the commits that a request made. */
  indexesOf(requestId: string): readonly number[] {
    return this.indexes.get(requestId) ?? [];
  }

  /** All requests that made commits. */
  get requests(): IterableIterator<[string, readonly number[]]> {
    return this.indexes.entries();
  }

  versionsOf(deployment: string): readonly DeploymentVersion[] {
    return this.versions.get(deployment) ?? [];
  }

  versionAt(deployment: string, index: number): DeploymentVersion | undefined {
    return this.versionsOf(deployment).find((version) => version.index === index);
  }

  private take({ index: text, seq, stream, version, type, schema, data, meta, time }: Row): void {
    const index = Number(text);
    this.events++;
    // The log alone holds what is secret.
    this.places.set(`${index}/${seq}`, { stream, type, data: publicData(type, data as Json) });
    this.last.set(stream, `${index}/${seq}`);
    this.commits[index] = meta.actor;
    if (index !== this.head) {
      if (index !== this.head + 1) this.problems.push(`the index has a hole: ${index} follows ${this.head}`);
      if (meta.requestId !== undefined) this.indexes.set(meta.requestId, [...this.indexesOf(meta.requestId), index]);
    } else if (seq !== this.seq + 1) this.problems.push(`commit ${index} has a hole: event ${seq} follows ${this.seq}`);
    this.head = index;
    this.seq = seq;
    if (version !== (this.streams.get(stream) ?? 0) + 1)
      this.problems.push(`${stream} has a hole before version ${version}`);
    this.streams.set(stream, version);
    if (type === 'NodeStatusChanged' && isDown(data))
      this.downs.set(stream, [...(this.downs.get(stream) ?? []), `${stream} was held for dead at index ${index}`]);
    if (!stream.startsWith('deployment/')) return;
    const id = stream.slice('deployment/'.length);
    const state = evolve(stream, this.states.get(id), upcast({ type, schema, data }), {
      index,
      time: Number(time),
    }) as DeploymentState;
    this.states.set(id, state);
    const versions = this.versions.get(id) ?? [];
    if (versions.at(-1)?.index === index) versions.pop();
    versions.push({ index, status: state.status, digest: digestOf(JSON.stringify(renderDeployment(state))) });
    this.versions.set(id, versions);
  }
}

const isDown = (data: object): boolean =>
  'status' in data && (data.status === 'down' || data.status === 'disconnected');
