import type { EventStore } from '@app/event-store';
import { isoFromUs, type Index, type StreamName } from '@app/kernel';

/** At most so many of the events that somebody has not seen are told, the newest ones. */
const MAX_EVENTS = 100;

/** What is answered to an action upon an object that has changed since it was seen: 412 and JSON. */
export class SeenIsPast extends Error {
  constructor(readonly body: object) {
    super('the object has changed since it was seen');
  }
}

/** Tells what happened to an object after an index. */
export class Since {
  constructor(private readonly store: Pick<EventStore, 'versions' | 'readBeginnings'>) {}

  async refusal({ stream, index }: { readonly stream: StreamName; readonly index: Index }): Promise<SeenIsPast> {
    const version = (await this.store.versions([stream])).get(stream) ?? 0;
    const newest = await this.store.readBeginnings(
      new Map([[stream, { from: Math.max(1, version - MAX_EVENTS + 1), below: version + 1 }]]),
    );
    const since = newest.filter((event) => event.index > index);
    return new SeenIsPast({
      Error: `the object has changed since index ${index}`,
      SeenIndex: index,
      Index: since.at(-1)?.index ?? index,
      Since: since.map(({ index: at, time, type, meta }) => ({
        Index: at,
        Time: isoFromUs(time),
        Type: type,
        Actor: meta.actor,
        Reason: meta.reason ?? '',
      })),
      // Nothing of what is told was seen: there may be more before it.
      Complete: since.length < newest.length || version <= MAX_EVENTS,
    });
  }
}
