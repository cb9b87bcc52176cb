import type { AggregateState } from '@app/domain';
import { project, type TableName } from '@app/read-models';
import { streamKey, type Index, type StreamName } from '@app/kernel';
import type { LogCommit } from '../log-tail.js';

/** Tables whose rows are named as the streams that they are made of. */
export const KEPT_TABLES = ['allocation', 'deployment', 'evaluation', 'node'] as const;
export type KeptTable = (typeof KEPT_TABLES)[number] & TableName;

/** Changes that are remembered of a table, at most: a list that is further behind is read anew. */
const MAX_CHANGES = 8_192;

/** A row as a change left it; `columns` undefined: it has gone. */
export interface ProjectedRow {
  readonly columns: Readonly<Record<string, unknown>> | undefined;
  readonly document: Buffer;
}

const GONE: ProjectedRow = { columns: undefined, document: Buffer.alloc(0) };

/** The last change of a stream. */
export class Change {
  private row: ProjectedRow | undefined;

  constructor(
    readonly table: KeptTable,
    readonly stream: StreamName,
    readonly index: Index,
    /** Known at once where this process made the change. */
    public state: AggregateState | undefined,
  ) {}

  get key(): string {
    return streamKey(this.stream);
  }

  /** Made once for all the lists that show it. */
  get projected(): ProjectedRow {
    return (this.row ??= this.project());
  }

  private project(): ProjectedRow {
    if (this.state === undefined) throw new Error(`the state of ${this.stream} has not been read`);
    const written = project(this.stream, undefined, this.state).find(({ table }) => table === this.table);
    if (written === undefined || written.columns === null) return GONE;
    return { columns: written.columns, document: Buffer.from(written.document ?? '') };
  }
}

/** What has lately changed in a table: of each row the last change, in the order of the log. */
export class TableChanges {
  private readonly changes = new Map<string, Change>();
  /** Everything after this is here. */
  private since: Index;

  constructor(
    private readonly table: KeptTable,
    since: Index,
  ) {
    this.since = since;
  }

  get size(): number {
    return this.changes.size;
  }

  /** Takes what a commit changed. Whether that was anything of the table. */
  note({ index, changes }: LogCommit): boolean {
    let isTouched = false;
    for (const { stream, state, events } of changes) {
      if (stream.startsWith('job-purge/') && events.some(({ type }) => type === 'JobPurgeBegun')) {
        // Rows are hidden that do not change: whoever has a list reads it anew.
        this.changes.clear();
        this.since = index;
        isTouched = true;
      }
      if (!stream.startsWith(`${this.table}/`)) continue;
      isTouched = true;
      this.changes.delete(stream);
      this.changes.set(stream, new Change(this.table, stream, index, state as AggregateState | undefined));
    }
    if (this.changes.size > MAX_CHANGES) this.forget(this.changes.size - MAX_CHANGES);
    return isTouched;
  }

  /** The last change of each row that has changed after an index; undefined: not known any more. */
  after(index: Index): readonly Change[] | undefined {
    if (index < this.since) return undefined;
    const found: Change[] = [];
    // From the newest on: most of what is remembered is older.
    for (const change of [...this.changes.values()].reverse()) {
      if (change.index <= index) break;
      found.push(change);
    }
    return found.reverse();
  }

  /** Whether this is still the last change of its row. */
  isLast(change: Change): boolean {
    return this.changes.get(change.stream) === change;
  }

  /** Nobody needs what is not after an index. */
  forgetUntil(index: Index): void {
    let count = 0;
    for (const change of this.changes.values()) {
      if (change.index > index) break;
      count++;
    }
    this.forget(count);
    this.since = Math.max(this.since, index);
  }

  private forget(count: number): void {
    let left = count;
    for (const [stream, { index }] of this.changes) {
      if (left-- <= 0) break;
      this.changes.delete(stream);
      this.since = Math.max(this.since, index);
    }
  }
}
