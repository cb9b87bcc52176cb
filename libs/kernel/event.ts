import type { StreamName } from './stream.js';
import type { Index, TimeUs } from './time.js';

/** What happened, as the domain says it: a type in the past tense and plain data. */
export interface DomainEvent {
  readonly type: string;
  readonly data: object;
}

/** Where and when an event was appended: the only things `evolve` may know beside the event itself. */
export interface Fact {
  readonly index: Index;
  readonly time: TimeUs;
}

/** An event that a decision wants appended to a stream. */
export interface NewEvent<E extends DomainEvent = DomainEvent> {
  readonly stream: StreamName;
  readonly event: E;
}

/** Who asked, from where and why; kept with every event of the command. */
export interface EventMeta {
  /** Accessor id of the token, `anonymous`, or the name of a reactor such as `scheduler`. */
  readonly actor: string;
  readonly remoteAddress?: string;
  /** `X-Rollbook-Reason` of the request. */
  readonly reason?: string;
  readonly requestId?: string;
  /** What made this command necessary: an evaluation id, a deployment id … */
  readonly causation?: string;
  readonly idempotencyKey?: string;
  /** The span of the request as a `traceparent` of W3C Trace Context, where requests are traced. */
  readonly traceparent?: string;
}

/** The id of the trace that a `traceparent` names. */
export const traceIdOf = (traceparent: string): string => traceparent.split('-', 2)[1] ?? '';

/** One row of the log. */
export interface RecordedEvent<E extends DomainEvent = DomainEvent> {
  readonly index: Index;
  /** Order among the events of one index, from 0. */
  readonly seq: number;
  readonly stream: StreamName;
  /** Position in the stream, from 1. */
  readonly version: number;
  readonly type: E['type'];
  readonly schema: number;
  readonly data: E['data'];
  readonly meta: EventMeta;
  readonly time: TimeUs;
  /** The hash of the log up to this commit, with its first event, where the log is read in its order. */
  readonly chain?: string | null;
}

/** Time and ids enter a decision here, and nowhere else. */
export interface CommandContext {
  readonly now: TimeUs;
  /** The next of the random UUIDs that were drawn for this command. */
  readonly newId: () => string;
}
