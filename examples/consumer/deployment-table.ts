import { open, readFile, rename } from 'node:fs/promises';
import { EventTracker, type NomadObject, type RollbookEvent, type TrackerState } from '@app/consumer';

/** The file: the table, and how far in Kafka it was made. They change together. */
interface Stored {
  /** How many events were applied: one that counted twice would show. */
  readonly events: number;
  /** The next offset of each partition. */
  readonly offsets: Readonly<Record<string, string>>;
  readonly tracker: TrackerState | undefined;
  readonly deployments: Readonly<Record<string, NomadObject>>;
}

/** Deployments by their id, as they are now, in a file. */
export class DeploymentTable {
  private readonly tracker: EventTracker;
  private readonly offsets: Map<string, string>;
  private readonly deployments: Map<string, NomadObject>;
  private events: number;

  private constructor(
    private readonly file: string,
    stored: Stored | undefined,
  ) {
    this.events = stored?.events ?? 0;
    this.tracker = new EventTracker(stored?.tracker);
    this.offsets = new Map(Object.entries(stored?.offsets ?? {}));
    this.deployments = new Map(Object.entries(stored?.deployments ?? {}));
  }

  /** The table as it was stored last, or an empty one. */
  static async open(file: string): Promise<DeploymentTable> {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return new DeploymentTable(file, text === undefined ? undefined : (JSON.parse(text) as Stored));
  }

  offsetOf(partition: number): bigint {
    return BigInt(this.offsets.get(String(partition)) ?? 0);
  }

  /**
   * Begins again at the beginning of a topic that ends before what the table was made of: Kafka has lost its data, and the relay has published
   * the log anew. What was applied before is known by its index, so that nothing counts twice. `ends`: the next offset of each partition.
   * @returns whether it did
   */
  followTopic(ends: ReadonlyMap<number, bigint>): boolean {
    const isAhead = [...this.offsets].some(
      ([partition, offset]) => BigInt(offset) > (ends.get(Number(partition)) ?? 0n),
    );
    if (isAhead) this.offsets.clear();
    return isAhead;
  }

  /** @throws Error when events are missing: going on would make a table that is wrong. */
  apply(event: RollbookEvent): void {
    const verdict = this.tracker.judge(event);
    switch (verdict.kind) {
      case 'duplicate':
        return;
      case 'gap':
        throw new Error(
          `events of ${event.key} are missing up to index ${verdict.missing.index}: the topic has lost them. Delete the topic, have the log ` +
            'published once more (npm run ops relay rewind -- --to 1), and start this again: it goes on from what it has.',
        );
      case 'new-epoch':
        this.deployments.clear();
        this.events = 0;
        break;
      case 'new':
        break;
    }
    this.tracker.accept(event);
    this.events++;
    if (!event.subject.startsWith('deployment/')) return;
    const id = event.subject.slice('deployment/'.length);
    const { payload } = event;
    // A deployment that was too large for Kafka cannot be shown; it is none, in practice.
    if (payload?.Deployment && !payload.Deleted) this.deployments.set(id, payload.Deployment);
    else this.deployments.delete(id);
  }

  /** Stores the table with the next offset of a partition. Written beside and renamed: the file is always a whole one. */
  async store(partition: number, next: bigint): Promise<void> {
    this.offsets.set(String(partition), String(next));
    const stored: Stored = {
      events: this.events,
      offsets: Object.fromEntries(this.offsets),
      tracker: this.tracker.state(),
      deployments: Object.fromEntries(this.deployments),
    };
    const fresh = await open(`${this.file}.new`, 'w');
    await fresh.writeFile(JSON.stringify(stored));
    await fresh.sync();
    await fresh.close();
    await rename(`${this.file}.new`, this.file);
  }

  describe(): string {
    return `${this.deployments.size} deployments from ${this.events} events, offsets ${Array.from(this.offsets, ([partition, offset]) => `${partition}:${offset}`).join(' ')}`;
  }

  /** A line for each deployment. */
  render(): string {
    const lines = Array.from(this.deployments.values(), (one) =>
      [
        one['ID'],
        one['Namespace'],
        one['JobID'],
        `v${String(one['JobVersion'])}`,
        one['Status'],
        `index ${String(one['ModifyIndex'])}`,
      ].join('  '),
    );
    return lines.toSorted().join('\n');
  }
}
