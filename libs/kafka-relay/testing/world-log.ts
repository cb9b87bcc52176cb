import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import type { EventStore, StoredState } from '@app/event-store';
import type { RecordedEvent, StreamName } from '@app/kernel';
import { moves, play, World, type Decide } from '@app/testing';
import type { CommitSeen, RelayOptions } from '../relay.js';

/** A log that tests write by stories, and that a relay can read. */
export class WorldLog implements Pick<EventStore, 'readHead' | 'readAfter' | 'readBeginnings' | 'load'> {
  world = new World();
  storeEpoch: string = randomUUID();
  /** Reads throw as long as it is true. */
  away = false;
  /** Streams that were read from their beginning. */
  readonly folded: StreamName[] = [];
  private readonly wakes = new Set<(commit: CommitSeen) => void>();

  get log(): readonly RecordedEvent[] {
    return this.world.log;
  }

  /** Plays a random story of so many moves, and wakes readers after each commit. */
  tell(seed: number, length: number): void {
    const [story] = fc.sample(
      moves(length).filter((drawn) => drawn.length >= length / 2),
      { seed, numRuns: 1 },
    );
    play(this.world, story!, () => this.wake());
  }

  run(decide: Decide): void {
    const decision = this.world.run(decide);
    if (decision.kind === 'rejected') throw new Error(`the story goes another way: ${decision.rejection.code}`);
    this.wake();
  }

  /** Another log takes its place, as after a restore. */
  restore(): void {
    this.world = new World();
    this.storeEpoch = randomUUID();
  }

  readonly onCommit: RelayOptions['onCommit'] = (wake) => {
    this.wakes.add(wake);
    return () => this.wakes.delete(wake);
  };

  /** The world's events are in no chain. */
  async readChain(): Promise<{ from: number; previous: null; commits: never[] }> {
    return { from: 1, previous: null, commits: [] };
  }

  async readHead(): Promise<{ index: number; chain: string; storeEpoch: string }> {
    this.check();
    return { index: this.world.index, chain: '0'.repeat(64), storeEpoch: this.storeEpoch };
  }

  async readAfter(index: number, limit: number): Promise<RecordedEvent[]> {
    this.check();
    const start = this.log.findIndex((event) => event.index > index);
    if (start < 0) return [];
    const last = this.log[Math.min(start + limit, this.log.length) - 1]!.index;
    return this.log.slice(start).filter((event) => event.index <= last);
  }

  async readBeginnings(
    parts: ReadonlyMap<StreamName, { readonly from: number; readonly below: number }>,
  ): Promise<RecordedEvent[]> {
    this.check();
    this.folded.push(...parts.keys());
    return this.log.filter(({ stream, version }) => {
      const part = parts.get(stream);
      return part !== undefined && version >= part.from && version < part.below;
    });
  }

  async load(streams: readonly StreamName[]): Promise<Map<StreamName, StoredState>> {
    this.check();
    return new Map(
      streams.flatMap((stream): [StreamName, StoredState][] => {
        const last = this.log.findLast((event) => event.stream === stream);
        if (last === undefined) return [];
        return [
          [stream, { version: last.version, lastIndex: last.index, state: JSON.stringify(this.world.read(stream)) }],
        ];
      }),
    );
  }

  private wake(): void {
    const last = this.log.at(-1);
    if (last !== undefined) for (const wake of this.wakes) wake({ index: last.index, time: last.time });
  }

  private check(): void {
    if (this.away) throw new Error('the store does not answer');
  }
}
