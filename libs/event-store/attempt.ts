import type { CommandContext, Decision, DomainEvent, Rejection, StateView, StreamName, TimeUs } from '@app/kernel';
import type { Aggregates, Command } from './command.js';
import { pendingDigits, pendingIndex } from './pending-index.js';
import type { Append, RowWrite } from './port.js';
import { NO_EVENTS, type CachedState } from './state-cache.js';

/** One stream that a command writes: what it was, and the events that change it. */
export interface WrittenStream {
  readonly before: CachedState;
  readonly events: readonly DomainEvent[];
  readonly textLength: number;
}

/** An accepted decision, folded and ready to be appended. */
export interface Prepared {
  readonly append: Append;
  readonly written: ReadonlyMap<StreamName, WrittenStream>;
  readonly answer: unknown;
  /** Characters of JSON. */
  readonly textLength: number;
}

/** What came of deciding a command once. */
export type Attempt =
  | { readonly kind: 'append'; readonly prepared: Prepared }
  /** Nothing to write; true only if the streams still have these versions. */
  | { readonly kind: 'unchanged'; readonly answer: unknown; readonly reads: ReadonlyMap<StreamName, number> }
  | { readonly kind: 'rejected'; readonly rejection: Rejection; readonly reads: ReadonlyMap<StreamName, number> }
  /** The stream that the command is about has moved since it was seen. */
  | { readonly kind: 'outdated'; readonly reads: ReadonlyMap<StreamName, number> }
  /** These streams must be loaded first. */
  | { readonly kind: 'missing'; readonly streams: readonly StreamName[] }
  /** An earlier command of the batch has this stream: it is the next batch's turn. `touched` is what was read before that. */
  | { readonly kind: 'blocked'; readonly by: StreamName; readonly touched: readonly StreamName[] };

/** What an attempt sees of the world. */
export interface Surroundings {
  readonly aggregates: Aggregates;
  readonly known: (stream: StreamName) => CachedState | undefined;
  readonly isBlocked: (stream: StreamName) => boolean;
  readonly context: CommandContext;
}

/** Thrown through `decide`, which cannot go on: never leaves this file. */
class NotReady {
  constructor(
    readonly kind: 'missing' | 'blocked',
    readonly stream: StreamName,
  ) {}
}

/**
 * Decides a command on what is known and folds its events. @throws whatever `decide`, `evolve` or `project` throw: a bug of theirs.
 */
export function attempt(command: Command<unknown>, surroundings: Surroundings): Attempt {
  const reads = new Map<StreamName, CachedState>();
  try {
    const view = viewOf(reads, surroundings);
    if (command.seen !== undefined) {
      // Read like anything else, so the append checks that it has not moved.
      view.read(command.seen.stream);
      if (reads.get(command.seen.stream)!.lastIndex > command.seen.index)
        return { kind: 'outdated', reads: versionsOf(reads) };
    }
    const decision = command.decide(view, surroundings.context);
    if (decision.kind === 'rejected')
      return { kind: 'rejected', rejection: decision.rejection, reads: versionsOf(reads) };
    // A command with a key is appended even without events: its repetition must find the key.
    if (decision.events.length === 0 && command.idempotency === undefined)
      return { kind: 'unchanged', answer: decision.answer, reads: versionsOf(reads) };
    return prepare(command, decision, reads, surroundings);
  } catch (error) {
    if (!(error instanceof NotReady)) throw error;
    return error.kind === 'missing'
      ? { kind: 'missing', streams: [error.stream] }
      : { kind: 'blocked', by: error.stream, touched: [...reads.keys()] };
  }
}

function viewOf(reads: Map<StreamName, CachedState>, { known, isBlocked }: Surroundings): StateView {
  return {
    read<S>(stream: StreamName): S | undefined {
      let entry = reads.get(stream);
      if (entry === undefined) {
        if (isBlocked(stream)) throw new NotReady('blocked', stream);
        entry = known(stream);
        if (entry === undefined) throw new NotReady('missing', stream);
        reads.set(stream, entry);
      }
      return entry.state as S | undefined;
    },
  };
}

const versionsOf = (reads: ReadonlyMap<StreamName, CachedState>): ReadonlyMap<StreamName, number> =>
  new Map(Array.from(reads, ([stream, { version }]) => [stream, version]));

function prepare(
  command: Command<unknown>,
  decision: Extract<Decision<unknown>, { kind: 'accepted' }>,
  reads: Map<StreamName, CachedState>,
  { aggregates, known, isBlocked, context }: Surroundings,
): Attempt {
  // A stream that is written but was never read is most likely new: that is assumed, and the append checks it. Only when the events make
  // no sense on nothing is the stream loaded.
  const assumedNew: StreamName[] = [];
  const eventsOf = new Map<StreamName, DomainEvent[]>();
  for (const { stream, event } of decision.events) {
    const events = eventsOf.get(stream);
    if (events !== undefined) {
      events.push(event);
      continue;
    }
    eventsOf.set(stream, [event]);
    if (reads.has(stream)) continue;
    if (isBlocked(stream)) throw new NotReady('blocked', stream);
    const entry = known(stream);
    if (entry === undefined) assumedNew.push(stream);
    reads.set(stream, entry ?? NO_EVENTS);
  }

  const written = new Map<StreamName, WrittenStream>();
  const snapshots: { stream: StreamName; state: string }[] = [];
  const rows: RowWrite[] = [];
  let textLength = 0;
  try {
    for (const [stream, events] of eventsOf) {
      const before = reads.get(stream) ?? NO_EVENTS;
      const after = fold(aggregates, stream, before.state, events, pendingIndex, context.now);
      const state = JSON.stringify(after);
      snapshots.push({ stream, state });
      written.set(stream, { before, events, textLength: state.length });
      textLength += state.length;
      for (const row of aggregates.project(stream, before.state, after)) {
        rows.push(row);
        textLength += row.document?.length ?? 0;
      }
    }
  } catch (error) {
    if (assumedNew.length === 0) throw error;
    return { kind: 'missing', streams: assumedNew };
  }

  const events = decision.events.map(({ stream, event }) => {
    const data = JSON.stringify(event.data);
    textLength += data.length;
    return { stream, type: event.type, schema: aggregates.schemaOf(event.type), data };
  });
  const { meta, fence, idempotency } = command;
  const append: Append = {
    expect: versionsOf(reads),
    events,
    snapshots,
    rows,
    meta: idempotency === undefined ? meta : { ...meta, idempotencyKey: idempotency.key },
    time: context.now,
    ...(fence && { fence }),
    ...(idempotency && {
      idempotency: {
        key: idempotency.key,
        fingerprint: idempotency.fingerprint,
        answer: idempotency.encode(decision.answer, pendingDigits),
      },
    }),
  };
  return { kind: 'append', prepared: { append, written, answer: decision.answer, textLength } };
}

/** The state of a stream after some more events, all of one commit. */
export function fold(
  aggregates: Aggregates,
  stream: StreamName,
  before: unknown,
  events: readonly DomainEvent[],
  index: number,
  time: TimeUs,
): unknown {
  const fact = { index, time };
  return events.reduce<unknown>((state, event) => aggregates.evolve(stream, state, event, fact), before);
}
