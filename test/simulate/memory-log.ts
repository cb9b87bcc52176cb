import { evolve, type AggregateState } from '@app/domain';
import type { Outcome } from '@app/event-store';
import type {
  CommandContext,
  Decision,
  DomainEvent,
  Index,
  NewEvent,
  StateView,
  StreamName,
  TimeUs,
} from '@app/kernel';
import { ClusterState, type Movement } from '@app/reactors';

/** One commit, as the invariants see it: what was said, and what it did. */
export interface SimulatedCommit {
  readonly name: string;
  readonly index: Index;
  readonly events: readonly NewEvent[];
  readonly movements: readonly Movement[];
}

const SIMULATED = { actor: 'simulation' };

interface Held {
  readonly version: number;
  readonly state: AggregateState | undefined;
}

/**
 * The log without a store and without its past: decide, fold, tell. One command after the other, so nothing ever conflicts. The cluster is fed
 * as the log tail feeds it.
 */
export class MemoryLog implements StateView {
  readonly cluster = new ClusterState();
  private readonly states = new Map<StreamName, Held>();
  private readonly listeners: ((commit: SimulatedCommit) => void)[] = [];
  index: Index = 0;
  events = 0;

  constructor(
    private readonly now: () => TimeUs,
    private readonly newId: () => string,
  ) {}

  read<S>(stream: StreamName): S | undefined {
    return this.states.get(stream)?.state as S | undefined;
  }

  /** Every stream of a kind that has events. */
  *streams(kind: string): IterableIterator<StreamName> {
    for (const stream of this.states.keys()) if (stream.startsWith(kind)) yield stream;
  }

  onCommit(listener: (commit: SimulatedCommit) => void): void {
    this.listeners.push(listener);
  }

  execute<A>(name: string, decide: (view: StateView, context: CommandContext) => Decision<A>): Outcome<A> {
    const time = this.now();
    const decision = decide(this, { now: time, newId: this.newId });
    if (decision.kind === 'rejected') return decision;
    const { events, answer } = decision;
    if (events.length === 0) return { kind: 'accepted', index: 0, answer };
    const index = ++this.index;
    this.events += events.length;
    const byStream = new Map<StreamName, DomainEvent[]>();
    for (const { stream, event } of events) {
      const known = byStream.get(stream);
      if (known === undefined) byStream.set(stream, [event]);
      else known.push(event);
    }
    const changes = [...byStream].map(([stream, said]) => {
      const held = this.states.get(stream);
      const version = (held?.version ?? 0) + said.length;
      const state = said.reduce<AggregateState | undefined>(
        (folded, event) => evolve(stream, folded, event, { index, time }),
        held?.state,
      );
      this.states.set(stream, { version, state });
      return { stream, version, state, events: said };
    });
    const movements = this.cluster.apply({ index, time, meta: SIMULATED, changes });
    for (const { stream, state } of changes)
      if ((state as { purged?: boolean } | undefined)?.purged) this.forget(stream);
    for (const listener of this.listeners) listener({ name, index, events, movements });
    return { kind: 'accepted', index, answer };
  }

  /** What is collected is not asked for again: a simulation of days need not remember it. Jobs and nodes may come back. */
  private forget(stream: StreamName): void {
    if (stream.startsWith('allocation/') || stream.startsWith('evaluation/') || stream.startsWith('deployment/'))
      this.states.delete(stream);
  }
}
