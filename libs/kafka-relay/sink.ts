import type { Place, Position, RelayRecord } from './record.js';

/** What becomes visible at once, or not at all. */
export interface Publication {
  readonly records: readonly RelayRecord[];
  /** Where the next publication continues. */
  readonly position: Position;
  /** The place of the latest event of each key that the records hold. */
  readonly heads: ReadonlyMap<string, Place>;
}

/** The right to publish, until somebody else opens the sink. */
export interface SinkSession {
  /** How far this store was published; undefined: not at all. */
  readonly position: Position | undefined;
  /** The latest event of each key within the position's generation. */
  readonly heads: ReadonlyMap<string, Place>;
  /** The largest value that is taken. */
  readonly maxValueBytes: number;
  /** @throws Error if it did not become visible, or if that is not known: the session is over then. */
  publish(publication: Publication): Promise<void>;
  close(): Promise<void>;
}

/** Where records go. Kafka, in all but tests. */
export interface RecordSink {
  /** Ends the session of whoever had it before, with everything that was not completed, and then reads how far it came. */
  open(storeEpoch: string): Promise<SinkSession>;
}
