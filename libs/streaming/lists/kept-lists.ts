import { asOf } from '@app/read-models';
import { LRUCache } from 'lru-cache';
import { KeptList, readList, type ListAt, type ListSource, type ListTools } from './kept-list.js';
import { KEPT_TABLES, TableChanges, type KeptTable } from './table-changes.js';

/** Lists that are looked after for those who wait rest this many times as long as looking took: writes come first. */
const REST = 2;
/** Fewer changes than this may stay. */
const WORTH_FORGETTING = 1_024;

interface Table {
  readonly changes: TableChanges;
  readonly lists: Map<string, KeptList>;
  sweep: NodeJS.Timeout | undefined;
  /** It has changed since the last sweep began. */
  isMoved: boolean;
  sweptMs: number;
}

/** The lists that this instance keeps, within a bound of bytes: what was longest not asked for goes first. */
export class KeptLists {
  private readonly tables: ReadonlyMap<KeptTable, Table>;
  private readonly recent: LRUCache<string, KeptList>;
  /** Lists that were read from the database, and refreshes from what had changed. */
  reads = 0;
  refreshes = 0;
  /** What the refreshes took, in milliseconds. */
  refreshMs = 0;

  constructor(
    private readonly tools: ListTools,
    maxBytes: number,
  ) {
    const { tail } = tools;
    this.tables = new Map(
      KEPT_TABLES.map((table) => [
        table,
        {
          changes: new TableChanges(table, tail.applied),
          lists: new Map(),
          sweep: undefined,
          isMoved: false,
          sweptMs: 0,
        },
      ]),
    );
    this.recent = new LRUCache({
      maxSize: maxBytes,
      disposeAfter: (list, _key, reason) => {
        if (reason === 'set') return;
        list.drop();
        this.forget(list);
      },
    });
    tail.onCommit((commit) => {
      for (const table of this.tables.values()) {
        if (table.lists.size === 0) table.changes.forgetUntil(commit.index);
        else if (table.changes.note(commit)) this.sweepSoon(table);
      }
    });
    tail.onEnding(() => {
      for (const { lists } of this.tables.values()) for (const list of lists.values()) list.wake();
    });
  }

  /** Bytes of the lists that are kept, about. */
  get bytes(): number {
    return this.recent.calculatedSize;
  }

  /** A list as of a moment after this call. What it throws is what reading or selecting threw. */
  async read(source: ListSource): Promise<ListAt> {
    // The past is neither kept here nor refreshed.
    if (asOf() !== undefined) return readList(source, this.tools.readModels);
    const list = this.listOf(source);
    try {
      return await list.read();
    } finally {
      this.forget(list);
    }
  }

  /** Calls back once when the content of a list has changed, or may have. The returned function ends it before. */
  watch(source: ListSource, wake: () => void): () => void {
    const list = this.listOf(source);
    list.watchers.add(wake);
    return () => {
      list.watchers.delete(wake);
      this.forget(list);
    };
  }

  private listOf(source: ListSource): KeptList {
    const table = this.tables.get(source.query.table)!;
    this.recent.get(source.key);
    const known = table.lists.get(source.key);
    if (known !== undefined) return known;
    const list = new KeptList(source, table.changes, this.tools, (worked, ms) => this.worked(worked, ms));
    table.lists.set(source.key, list);
    return list;
  }

  private worked(list: KeptList, refreshMs: number | undefined): void {
    if (refreshMs === undefined) this.reads++;
    else {
      this.refreshes++;
      this.refreshMs += refreshMs;
    }
    // Whoever waited for it takes it before it may have to go.
    setImmediate(() => {
      if (list.isCold) return;
      const { key, query } = list.source;
      this.recent.set(key, list, { size: Math.max(1, list.bytes) });
      // One that is larger than all that may be kept was not taken.
      if (!this.recent.has(key)) {
        list.drop();
        this.forget(list);
      }
      this.forgetChanges(query.table);
    });
  }

  /** Changes that every list has applied. A list that is being read will ask for those after now. */
  private forgetChanges(name: KeptTable): void {
    const { changes, lists } = this.tables.get(name)!;
    if (changes.size < WORTH_FORGETTING) return;
    const all = [...lists.values()];
    if (all.some((list) => list.isCold)) return;
    changes.forgetUntil(all.reduce((lowest, { at }) => Math.min(lowest, at), this.tools.tail.applied));
  }

  private forget(list: KeptList): void {
    if (!list.isCold || list.isWorking || list.watchers.size > 0) return;
    const { lists } = this.tables.get(list.source.query.table)!;
    if (lists.get(list.source.key) === list) lists.delete(list.source.key);
  }

  private sweepSoon(table: Table): void {
    table.isMoved = true;
    if (table.sweep !== undefined) return;
    table.sweep = setTimeout(() => void this.sweep(table), REST * table.sweptMs);
  }

  /** Brings the lists that somebody waits for up to date: where that changes nothing, nobody is woken. */
  private async sweep(table: Table): Promise<void> {
    const began = performance.now();
    table.isMoved = false;
    const watched = [...table.lists.values()].filter(({ watchers }) => watchers.size > 0);
    await Promise.all(
      watched.map(async (list) => {
        // What is not kept is looked at by those who wait for it.
        if (list.isCold && !list.isWorking) return list.wake();
        await list.read().catch(() => list.wake());
      }),
    );
    table.sweptMs = performance.now() - began;
    table.sweep = undefined;
    if (table.isMoved) this.sweepSoon(table);
  }
}
