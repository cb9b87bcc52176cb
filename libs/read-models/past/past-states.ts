import { evolve, upcast, type AggregateState } from '@app/domain';
import type { PastLog, PastStream, StoredState } from '@app/event-store';
import { parseExact, type Index, type StreamName } from '@app/kernel';

/** A state as it was. */
export interface PastState {
  readonly version: number;
  readonly lastIndex: Index;
  readonly state: AggregateState;
}

/** Folds streams up to an index, each from the last state that was kept before. */
export class PastStates {
  constructor(private readonly log: Pick<PastLog, 'loadAt'>) {}

  /** Streams that had no event by then are absent. @throws Error for an event that this release does not know. */
  async at(streams: readonly StreamName[], index: Index): Promise<Map<StreamName, PastState>> {
    const found = await this.log.loadAt(streams, index);
    return new Map(
      Array.from(found).flatMap(([stream, past]): [StreamName, PastState][] => {
        const { state, ...when } = fold(stream, past);
        return state === undefined ? [] : [[stream, { ...when, state }]];
      }),
    );
  }

  /** The same as it would be stored. */
  async load(streams: readonly StreamName[], index: Index): Promise<Map<StreamName, StoredState>> {
    const found = await this.log.loadAt(streams, index);
    return new Map(
      Array.from(found).flatMap(([stream, past]): [StreamName, StoredState][] => {
        if (past.base !== undefined && past.events.length === 0) return [[stream, past.base]];
        const { state, ...when } = fold(stream, past);
        return state === undefined ? [] : [[stream, { ...when, state: JSON.stringify(state) }]];
      }),
    );
  }
}

function fold(
  stream: StreamName,
  { base, events }: PastStream,
): { version: number; lastIndex: Index; state: AggregateState | undefined } {
  let state = base && (parseExact(base.state) as AggregateState);
  let version = base?.version ?? 0;
  let lastIndex = base?.lastIndex ?? 0;
  for (const event of events) {
    if (event.version !== version + 1)
      throw new Error(`events of ${stream} are missing between versions ${version} and ${event.version}`);
    state = evolve(stream, state, upcast(event), event);
    ({ version, index: lastIndex } = event);
  }
  return { version, lastIndex, state };
}
