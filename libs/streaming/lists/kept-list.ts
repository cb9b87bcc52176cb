import type { AggregateState } from '@app/domain';
import type { EventStore } from '@app/event-store';
import { parseExact, type Index } from '@app/kernel';
import { belongs, isHidden, type Purge, type ReadModels, type SnapshotQuery, type SnapshotRow } from '@app/read-models';
import type { LogTail } from '../log-tail.js';
import { EncodedRows, type ListOrder, type RowChange } from './encoded-rows.js';
import type { Change, KeptTable, TableChanges } from './table-changes.js';

/** More states than this are not read one by one to catch up with other instances: the list is read anew. */
const MAX_STATES_READ = 1_000;
/** How often states may move while they are read, before the list is read anew. */
const MAX_TRIES = 5;

/** What a list is of. Equal keys: equal lists. */
export interface ListSource {
  readonly key: string;
  readonly query: SnapshotQuery & { readonly table: KeptTable; readonly order: ListOrder };
  /** How a state is shown, where not by the document of its row. */
  readonly show?: ((state: AggregateState) => string) | undefined;
  /** Made anew for every look at the list: whether a row belongs to it. What it throws is the answer. */
  readonly select?: (() => Select) | undefined;
  /** Whether `show` or `select` look at states. */
  readonly needsStates: boolean;
}

export type Select = (row: {
  readonly document: string;
  readonly state: AggregateState | undefined;
}) => boolean | Promise<boolean>;

/** A list at one index of the log. `rows` change with the next refresh: take what is needed of them at once. */
export interface ListAt {
  /** The list is what it was when this had been committed, exactly. */
  readonly at: Index;
  /** The last commit that had touched the table. */
  readonly tableIndex: Index;
  readonly rows: EncodedRows;
  /** Purges that hide rows. When another one begins, the list is read anew. */
  readonly purges: readonly Purge[];
}

/** What lists are made with. */
export interface ListTools {
  readonly tail: LogTail;
  readonly readModels: Pick<ReadModels, 'listSnapshot'>;
  readonly store: Pick<EventStore, 'load'>;
}

/**
 * A list that is kept. It is read once, as of one index; from then on the changes of its table are applied to it, those of this process from the
 * states in memory, those of others from the store. One refresh at a time, whoever asks.
 *
 *   cold ──read──► at n ──changes after n──► at m ──► …
 *     ▲                │ too many, or forgotten
 *     └────────────────┘
 */
export class KeptList {
  private content: ListAt | undefined;
  private working: Promise<void> | undefined;
  private tries = 0;
  /** Woken, once, when the content has changed. */
  readonly watchers = new Set<() => void>();

  constructor(
    readonly source: ListSource,
    private readonly changes: TableChanges,
    private readonly tools: ListTools,
    /** `refreshMs`: what it took to apply what had changed; undefined: the list was read. */
    private readonly onWorked: (list: KeptList, refreshMs: number | undefined) => void,
  ) {}

  get isCold(): boolean {
    return this.content === undefined;
  }

  get isWorking(): boolean {
    return this.working !== undefined;
  }

  /** Changes up to here are not needed any more. */
  get at(): Index {
    return this.content?.at ?? 0;
  }

  get bytes(): number {
    return this.content?.rows.bytes ?? 0;
  }

  /** The list as of a moment after this call. */
  async read(): Promise<ListAt> {
    const wanted = this.tools.tail.applied;
    for (;;) {
      if (this.content !== undefined && this.content.at >= wanted) return this.content;
      await (this.working ??= this.work());
    }
  }

  /** Forgets the content. */
  drop(): void {
    this.content = undefined;
  }

  wake(): void {
    const woken = [...this.watchers];
    this.watchers.clear();
    for (const wake of woken) wake();
  }

  private async work(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      // What it would be is not known: whoever asks next begins anew.
      this.drop();
      throw error;
    } finally {
      this.working = undefined;
    }
  }

  private async refresh(): Promise<void> {
    const began = performance.now();
    const { tail } = this.tools;
    const { content } = this;
    const changes = content && this.changes.after(content.at);
    if (content === undefined || changes === undefined || this.tries > MAX_TRIES) return this.readAnew();
    const [at, tableIndex] = [tail.applied, tail.tableIndex(this.source.query.table)];
    const unknown = changes.filter(({ state }) => state === undefined);
    if (unknown.length > MAX_STATES_READ) return this.readAnew();
    if (unknown.length > 0 && !(await this.learn(unknown))) {
      this.tries++;
      return;
    }
    const rowChanges = await this.rowChanges(changes, content);
    // It may have been dropped meanwhile.
    if (this.content !== content) return;
    this.tries = 0;
    const isChanged = content.rows.apply(rowChanges);
    this.become({ ...content, at, tableIndex }, isChanged, performance.now() - began);
  }

  private become(content: ListAt, isChanged: boolean, refreshMs: number | undefined): void {
    this.content = content;
    this.onWorked(this, refreshMs);
    if (isChanged) this.wake();
  }

  private async readAnew(): Promise<void> {
    this.tries = 0;
    this.drop();
    const content = await readList(this.source, this.tools.readModels);
    await this.tools.tail.reached(content.at);
    this.become(content, true, undefined);
  }

  /** Reads the states that changes of other instances have led to. False: some have changed again meanwhile. */
  private async learn(changes: readonly Change[]): Promise<boolean> {
    const { store, tail } = this.tools;
    const stored = await store.load(changes.map(({ stream }) => stream));
    // What the store has shown is not beyond this.
    await tail.readIndex();
    let isComplete = true;
    for (const change of changes) {
      const found = stored.get(change.stream);
      if (found !== undefined && this.changes.isLast(change)) change.state = parseExact(found.state) as AggregateState;
      else isComplete = false;
    }
    return isComplete;
  }

  private async rowChanges(changes: readonly Change[], { rows, purges }: ListAt): Promise<RowChange[]> {
    const { select, show, query } = this.source;
    const ours = changes.filter(
      (change) => rows.has(change.key) || belongs(change.projected.columns, query, change.key),
    );
    const isSelected = ours.length > 0 ? select?.() : undefined;
    const found: RowChange[] = [];
    for (const { key, state, projected } of inOrder(ours, query)) {
      const { columns, document } = projected;
      const createIndex = Number(columns?.['create_index'] ?? 0);
      const isHere =
        belongs(columns, query, key) &&
        !isHidden(query.table, columns!, purges) &&
        (isSelected === undefined || (await isSelected({ document: document.toString(), state })));
      const text = isHere ? (show === undefined ? document : Buffer.from(show(state!))) : undefined;
      found.push({ key, createIndex, text });
    }
    return found;
  }
}

/** Reads a whole list as of one index. */
export async function readList(
  { query, select, show, needsStates }: ListSource,
  readModels: ListTools['readModels'],
): Promise<ListAt> {
  const rows = new EncodedRows(query.order, query.reverse === true);
  const isSelected = select?.();
  const textOf = async ({ key, create_index: createIndex, document, state: json }: SnapshotRow) => {
    const state = json === undefined ? undefined : (parseExact(json) as AggregateState);
    if (isSelected !== undefined && !(await isSelected({ document, state }))) return [];
    const text = show === undefined || state === undefined ? document : show(state);
    return [{ key, createIndex: Number(createIndex), text: Buffer.from(text) }];
  };
  const { at, tableIndex, purges } = await readModels.listSnapshot(
    { ...query, withStates: needsStates },
    async (batch) => {
      const found = [];
      // One after the other: what is wrong with the first of them is the answer.
      for (const row of batch) found.push(...(await textOf(row)));
      if (found.length > 0) rows.append(found);
    },
  );
  return { at, tableIndex, rows, purges };
}

/** As the list has them: of several that cannot be looked at the first is the one that is told of. */
function inOrder(changes: readonly Change[], { order, reverse }: ListSource['query']): readonly Change[] {
  const indexOf = ({ projected }: Change): number =>
    order === 'created' ? Number(projected.columns?.['create_index'] ?? 0) : 0;
  const direction = reverse ? -1 : 1;
  return changes.toSorted((a, b) => direction * (indexOf(a) - indexOf(b) || (a.key < b.key ? -1 : 1)));
}
