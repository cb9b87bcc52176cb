import { evolve, upcast, type AggregateState, type JobPurgeState } from '@app/domain';
import type { EventStore, RowWrite } from '@app/event-store';
import { streamType, type Index, type StreamName } from '@app/kernel';
import { project } from '@app/read-models';
import type { ListSource } from '@app/streaming';

/** A list as somebody was given it. */
export interface Seen {
  readonly source: ListSource;
  readonly at: Index;
  readonly tableIndex: Index;
  readonly text: string;
}

type Row = RowWrite & { readonly state: AggregateState };

/** The tables as the log makes them, commit by commit: what a list must be at each index, by the plainest means. */
export class Oracle {
  private readonly states = new Map<StreamName, AggregateState | undefined>();
  private readonly tables = new Map<string, Map<string, Row>>();
  private readonly indexes = new Map<string, Index>();

  /** Lists that were not what they should have been at their index. */
  static async faults(
    store: EventStore,
    seen: readonly Seen[],
  ): Promise<{ seen: Seen; wanted: Omit<Seen, 'source'> }[]> {
    const oracle = new Oracle();
    const byIndex = Map.groupBy(seen, ({ at }) => at);
    const faults: { seen: Seen; wanted: Omit<Seen, 'source'> }[] = [];
    const check = async (at: Index): Promise<void> => {
      for (const one of byIndex.get(at) ?? []) {
        const wanted = { at, ...(await oracle.list(one.source)) };
        if (wanted.text !== one.text || wanted.tableIndex !== one.tableIndex) faults.push({ seen: one, wanted });
      }
    };
    await check(0);
    const events = await store.readAfter(0, Number.MAX_SAFE_INTEGER);
    for (const [i, event] of events.entries()) {
      oracle.add(event);
      if (events[i + 1]?.index !== event.index) await check(event.index);
    }
    return faults;
  }

  private add(event: Awaited<ReturnType<EventStore['readAfter']>>[number]): void {
    const { stream } = event;
    const before = this.states.get(stream);
    const after = evolve(stream, before, upcast(event), event);
    this.states.set(stream, after);
    for (const row of project(stream, before, after)) {
      const rows = this.tables.get(row.table) ?? new Map<string, Row>();
      this.tables.set(row.table, rows);
      if (row.columns === null) rows.delete(row.key);
      else rows.set(row.key, { ...row, state: after! });
    }
    this.indexes.set(streamType(stream), event.index);
    // What it hides is hidden in these.
    if (streamType(stream) === 'job-purge')
      for (const table of ['allocation', 'deployment']) this.indexes.set(table, event.index);
  }

  private isHidden(table: string, row: Record<string, unknown>): boolean {
    const purge = this.tables.get('job_purge')?.get(`${String(row['namespace'])}/${String(row['job_id'])}`)?.state;
    return (
      (table === 'allocation' || table === 'deployment') &&
      purge !== undefined &&
      Number(row['create_index']) <= (purge as JobPurgeState).upTo
    );
  }

  private async list({ query, show, select }: ListSource): Promise<{ text: string; tableIndex: Index }> {
    const rows = [...(this.tables.get(query.table)?.values() ?? [])].filter(({ key, columns }) => {
      const all: Record<string, unknown> = { ...columns, id: key };
      if (this.isHidden(query.table, all)) return false;
      const fits = Object.entries(query.where).every(([column, value]) =>
        [value].flat().includes(all[column] as string),
      );
      const hasPrefix = query.prefix === undefined || String(all[query.prefix.column]).startsWith(query.prefix.value);
      return fits && hasPrefix && (query.sees === undefined || query.sees(String(all['namespace'])));
    });
    const created = (row: Row): number => (query.order === 'created' ? Number(row.columns!['create_index']) : 0);
    rows.sort((a, b) => created(a) - created(b) || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    if (query.reverse) rows.reverse();
    const isSelected = select?.();
    const texts: string[] = [];
    for (const { document, state } of rows) {
      if (isSelected !== undefined && !(await isSelected({ document: document!, state }))) continue;
      texts.push(show === undefined ? document! : show(state));
    }
    return { text: `[${texts.join(',')}]`, tableIndex: this.indexes.get(query.table) ?? 0 };
  }
}
