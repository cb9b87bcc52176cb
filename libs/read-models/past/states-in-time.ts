import type { EventStore, StoredState } from '@app/event-store';
import type { RecordedEvent, StreamName } from '@app/kernel';
import { asOf } from './as-of.js';
import type { PastStates } from './past-states.js';

/** States and events of streams, as of the index that is being read; as things are now where none is. */
export class StatesInTime implements Pick<EventStore, 'load' | 'readStream'> {
  constructor(
    private readonly present: Pick<EventStore, 'load' | 'readStream'>,
    private readonly past: PastStates,
  ) {}

  load(streams: readonly StreamName[]): Promise<Map<StreamName, StoredState>> {
    const index = asOf();
    return index === undefined ? this.present.load(streams) : this.past.load(streams, index);
  }

  async readStream(stream: StreamName, fromVersion: number): Promise<RecordedEvent[]> {
    const index = asOf();
    const events = await this.present.readStream(stream, fromVersion);
    return index === undefined ? events : events.filter((event) => event.index <= index);
  }
}
