import type {
  CommandContext,
  Decision,
  DomainEvent,
  EventMeta,
  Fact,
  Index,
  Rejection,
  StateView,
  StreamName,
  TimeUs,
} from '@app/kernel';
import type { Fence, RowWrite } from './port.js';

/** Something that is asked for: a pure decision, and who asks. */
export interface Command<A = undefined> {
  readonly name: string;
  /** Pure; may be called several times, each time on newer state, with the same ids. */
  decide(view: StateView, context: CommandContext): Decision<A>;
  readonly meta: EventMeta;
  /** Streams that it is known to read: loaded together, before the first decision. */
  readonly reads?: readonly StreamName[];
  readonly fence?: Fence;
  /** Refused as `outdated` if the stream has an event after this index: whoever asks has not seen it. */
  readonly seen?: { readonly stream: StreamName; readonly index: Index };
  readonly idempotency?: {
    readonly key: string;
    readonly fingerprint: string;
    /** The answer as text, for whoever repeats the key. `index` and numbers in the answer are still pending. */
    encode(answer: A, index: string): string;
  };
}

/** What the handler must know of the aggregates; given by the app. All pure. */
export interface Aggregates {
  evolve(stream: StreamName, state: unknown, event: DomainEvent, fact: Fact): unknown;
  /** The rows that follow from a stream's change; before it existed the state is undefined. */
  project(stream: StreamName, before: unknown, after: unknown): readonly RowWrite[];
  /** The schema number that events of this type are written with. */
  schemaOf(type: string): number;
}

/** What became of a command. */
export type Outcome<A> =
  /** Durable and visible. `index` is 0 if nothing had to be written. */
  | { readonly kind: 'accepted'; readonly index: Index; readonly answer: A }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** Its {@link Command.seen} is of the past; nothing was decided or written. */
  | { readonly kind: 'outdated' }
  /** Its streams moved again and again; nothing was written. */
  | { readonly kind: 'conflict'; readonly streams: readonly StreamName[] }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'duplicate'; readonly index: Index; readonly answer: string }
  | { readonly kind: 'key-reused' }
  | { readonly kind: 'overloaded'; readonly retryAfterMs: number };

/** One stream's part of a commit: the state after it. */
export interface Change {
  readonly stream: StreamName;
  readonly version: number;
  readonly state: unknown;
  readonly events: readonly DomainEvent[];
}

/** What this process has just made durable. */
export interface Commit {
  readonly index: Index;
  readonly time: TimeUs;
  readonly meta: EventMeta;
  readonly changes: readonly Change[];
}

/** Where the handler reports how it fares. Durations in milliseconds. */
export interface CommandMetrics {
  batchFlushed(commands: number, flushMs: number): void;
  conflict(command: string): void;
  overloaded(): void;
  queueLength(commands: number): void;
  /** A command has waited so long for the batch that it goes off with. */
  waited(ms: number): void;
}

/** The way of a command into the log. Times in milliseconds of the monotonic clock. */
export interface AppendedCommand {
  readonly name: string;
  /** Of its meta: only commands that have one are told of. */
  readonly traceparent: string;
  readonly index: Index;
  readonly conflicts: number;
  /** Commands of the batch that it went off with. */
  readonly batch: number;
  /** When it came, when its batch went off, and when that was durable. */
  readonly cameMs: number;
  readonly sentMs: number;
  readonly durableMs: number;
}
