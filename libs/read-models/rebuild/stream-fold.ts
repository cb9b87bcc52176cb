import { upcast } from '@app/domain';
import type { Aggregates } from '@app/event-store';
import { ownProperty, type Index, type StreamName } from '@app/kernel';
import { FROZEN_COLUMNS } from '../tables.js';
import type { LogEvent } from './log.sql.js';

/** A row as the log says it. */
export interface FoldedRow {
  readonly columns: Readonly<Record<string, unknown>>;
  readonly document: string;
}

/** One stream folded from its first event on: its state, and the rows it has put into the tables. The append does the same, commit by commit. */
export class StreamFold {
  version = 0;
  lastIndex: Index = 0;
  state: unknown = undefined;
  /** table → key → row */
  readonly rows = new Map<string, Map<string, FoldedRow>>();
  /** The last commit of this stream that wrote to each table. */
  readonly tableIndexes = new Map<string, Index>();
  private before: unknown = undefined;
  private projected: Index = 0;

  constructor(
    readonly stream: StreamName,
    private readonly aggregates: Aggregates,
  ) {}

  /** Takes the next event. @throws Error when it is not the next one; whatever `evolve` or `project` throw. */
  add(event: LogEvent): void {
    if (event.version !== this.version + 1) throw new Error(`version ${event.version} follows ${this.version}`);
    if (event.index !== this.lastIndex) {
      this.settle();
      this.before = this.state;
    }
    this.state = this.aggregates.evolve(this.stream, this.state, upcast(event), event);
    this.version = event.version;
    this.lastIndex = event.index;
  }

  /** Puts the last commit into the rows, once all of its events are there. */
  settle(): void {
    if (this.projected === this.lastIndex) return;
    this.projected = this.lastIndex;
    for (const { table, key, columns, document } of this.aggregates.project(this.stream, this.before, this.state)) {
      this.tableIndexes.set(table, this.lastIndex);
      const rows = this.rows.get(table) ?? new Map<string, FoldedRow>();
      this.rows.set(table, rows);
      if (columns === null) rows.delete(key);
      else rows.set(key, { columns: withFrozen(table, rows.get(key), columns), document: document ?? '' });
    }
  }
}

/** Some columns keep the value of the row's first write. */
function withFrozen(table: string, first: FoldedRow | undefined, columns: FoldedRow['columns']): FoldedRow['columns'] {
  const frozen = FROZEN_COLUMNS.get(table) ?? [];
  if (first === undefined || frozen.length === 0) return columns;
  return { ...columns, ...Object.fromEntries(frozen.map((name) => [name, ownProperty(first.columns, name)])) };
}
