import { ownProperty, type Index, type StreamType } from '@app/kernel';

/** The kinds of object that have a topic with their latest states. */
export const LATEST_TYPES = [
  'deployment',
  'allocation',
  'evaluation',
  'job',
  'node',
] as const satisfies readonly StreamType[];
export type LatestType = (typeof LATEST_TYPES)[number];

/** Which topic a record is for: the ordered one of all events, or the compacted one of a type. */
export type RecordTopic = 'events' | LatestType;

/** One record as it goes to Kafka. */
export interface RelayRecord {
  readonly topic: RecordTopic;
  readonly key: string;
  /** JSON text; null takes the object out of a compacted topic. */
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeMs: number;
}

/** An event's place in the log. */
export interface Place {
  readonly index: Index;
  readonly seq: number;
}

/** How far the log is published. */
export interface Position {
  /** Everything up to this index is in Kafka. */
  readonly index: Index;
  /** Counts from 1; one more after every rewind. */
  readonly generation: number;
}

/** The most bytes that a record takes in Kafka. */
export function sizeOf({ key, value, headers }: Omit<RelayRecord, 'topic'>): number {
  let units = key.length;
  for (const name in headers) units += name.length + ownProperty(headers, name)!.length + LENGTHS;
  return UTF8_PER_UNIT * units + (value === null ? 0 : Buffer.byteLength(value)) + FRAMING;
}
const UTF8_PER_UNIT = 3;
const LENGTHS = 2;
const FRAMING = 40;
