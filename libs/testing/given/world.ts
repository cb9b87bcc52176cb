import { evolve, type AggregateState } from '@app/domain';
import type {
  CommandContext,
  Decision,
  DomainEvent,
  Index,
  NewEvent,
  RecordedEvent,
  StateView,
  StreamName,
  TimeUs,
} from '@app/kernel';

/** A decision that waits for a state of the world to be made on. */
export type Decide<A = unknown> = (view: StateView, context: CommandContext) => Decision<A>;

/** 2026-01-01, the first moment of every world. */
export const START: TimeUs = 1_767_225_600_000_000;
/** Between two commits, unless a test moves the clock. */
const TICK_US = 1_000_000;

/** The id that is drawn as the n-th; counts from 1. */
export const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** The log and what it folds to, without a store: for decisions that are looked at by themselves. */
export class World implements StateView {
  readonly log: RecordedEvent[] = [];
  now: TimeUs = START;
  private readonly states = new Map<StreamName, { version: number; state: AggregateState | undefined }>();
  private ids = 0;

  /** The index of the last commit. */
  index: Index = 0;

  read<S>(stream: StreamName): S | undefined {
    return this.states.get(stream)?.state as S | undefined;
  }

  /** Every stream with events. */
  streams(): StreamName[] {
    return [...this.states.keys()];
  }

  newId(): string {
    return idOf(++this.ids);
  }

  /** Makes a decision on the present state, and appends nothing. */
  decide<A>(decide: Decide<A>): Decision<A> {
    return decide(this, { now: this.now, newId: () => this.newId() });
  }

  /** Appends events as one commit, and lets a second pass. */
  commit(events: readonly NewEvent[]): Index {
    if (events.length === 0) return this.index;
    this.index++;
    for (const [seq, { stream, event }] of events.entries()) {
      const held = this.states.get(stream);
      const version = (held?.version ?? 0) + 1;
      const fact = { index: this.index, time: this.now };
      this.states.set(stream, { version, state: evolve(stream, held?.state, event, fact) });
      this.log.push(recorded(stream, version, event, seq, fact));
    }
    this.now += TICK_US;
    return this.index;
  }

  /** Decides and, if accepted, commits. */
  run<A>(decide: Decide<A>): Decision<A> {
    const decision = this.decide(decide);
    if (decision.kind === 'accepted') this.commit(decision.events);
    return decision;
  }
}

const recorded = (
  stream: StreamName,
  version: number,
  { type, data }: DomainEvent,
  seq: number,
  fact: { readonly index: Index; readonly time: TimeUs },
): RecordedEvent => ({ stream, version, type, data, seq, schema: 1, meta: { actor: 'test' }, ...fact });
