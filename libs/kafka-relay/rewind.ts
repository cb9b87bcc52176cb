import type { EventStore } from '@app/event-store';
import type { Index } from '@app/kernel';
import type { Position } from './record.js';
import type { RecordSink } from './sink.js';

/**
 * Makes the relay publish again from an index on. The running relay is fenced by it and continues there by itself, within seconds.
 *
 * What was published stays where it is; what comes again has the same index and seq, and a generation that is one higher. Each key's chain
 * of previous events begins anew with the generation. The latest-state topics go through the older states again, up to the present ones.
 * @throws RangeError for an index that was not published yet.
 */
export async function rewindRelay(
  sink: RecordSink,
  store: Pick<EventStore, 'readHead'>,
  toIndex: Index,
): Promise<Position> {
  const session = await sink.open((await store.readHead()).storeEpoch);
  try {
    const { position } = session;
    if (position === undefined) throw new RangeError('nothing of this log was published yet');
    if (!Number.isInteger(toIndex) || toIndex < 1 || toIndex > position.index + 1)
      throw new RangeError(
        `the log is published up to index ${position.index}: it can be rewound to 1 … ${position.index + 1}, not to ${toIndex}`,
      );
    const rewound: Position = { index: toIndex - 1, generation: position.generation + 1 };
    await session.publish({ records: [], position: rewound, heads: new Map() });
    return rewound;
  } finally {
    await session.close();
  }
}
