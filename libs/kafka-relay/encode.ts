import { createHash } from 'node:crypto';
import { CloudEvent, Kafka } from 'cloudevents';
import { publicData } from '@app/domain';
import { isoFromUs, type Json, streamKey, streamType, US_PER_MS, type RecordedEvent } from '@app/kernel';
import type { Folded } from '@app/streaming';
import { HEADER_ROOM, TEXT_LIMIT } from './limits.js';
import { isGone, orderKey, payloadText } from './payload.js';
import { LATEST_TYPES, type LatestType, type Place, type RelayRecord } from './record.js';

const EPOCH = '1970-01-01T00:00:00Z';
const NO_HEADERS: Readonly<Record<string, string>> = {};
const NOTHING_BEFORE: Place = { index: 0, seq: 0 };

/** What every record of a session says of its origin. */
export interface Origin {
  readonly storeEpoch: string;
  readonly generation: number;
  readonly maxValueBytes: number;
}

/** The hashes of the log up to the commit at hand and up to the one before, see `chain.ts` of the event store; null: not known. */
export interface Links {
  previous: string | null;
  last: string | null;
}

const linkHeaders = ({ previous, last }: Links): Readonly<Record<string, string>> =>
  last === null ? NO_HEADERS : { ce_chain: last, ...(previous !== null && { ce_previouschain: previous }) };

/** The last state of an object so far: it becomes a record only if none comes after it. */
interface Latest {
  readonly type: LatestType;
  readonly event: RecordedEvent;
  /** The object's JSON; undefined where it is gone. */
  readonly payload: string | undefined;
}

/** The records of a sequence of events, in order; of each object only its last state. Notes in `heads` what came last of each key. */
export class Encoder {
  readonly records: RelayRecord[] = [];
  readonly touched = new Map<string, Place>();
  /** About how many bytes of values so far. */
  bytes = 0;
  private readonly latest = new Map<string, Latest>();
  private readonly template: Readonly<Record<string, string>>;

  constructor(
    private readonly origin: Origin,
    private readonly heads: Map<string, Place>,
    private readonly links: Links = { previous: null, last: null },
  ) {
    this.template = templateOf(origin);
  }

  /** Returns the characters of the object's JSON. */
  add({ event, before, after }: Folded): number {
    const payload = payloadText(event.stream, before, after);
    const key = shortKey(orderKey(event.stream, after ?? before));
    const previous = this.heads.get(key) ?? NOTHING_BEFORE;
    const place = { index: event.index, seq: event.seq };
    this.heads.set(key, place);
    this.touched.set(key, place);
    if (event.seq === 0) {
      this.links.previous = this.links.last;
      this.links.last = event.chain ?? null;
    }
    const told = `"Event":{"Type":${JSON.stringify(event.type)},"Schema":${event.schema},"Data":`;
    const value = this.fitting(
      `${payload.slice(0, -1)},${told}${JSON.stringify(publicData(event.type, event.data as Json))}}}`,
      `{${told}null}}`,
    );
    this.records.push({
      topic: 'events',
      key,
      ...value,
      headers: {
        ...this.headersOf(event, `${event.index}/${event.seq}`, event.type),
        ...value.headers,
        ce_previousindex: String(previous.index),
        ce_previousseq: String(previous.seq),
        ...linkHeaders(this.links),
        ce_actor: short(event.meta.actor),
        ...(event.meta.reason ? { ce_reason: short(event.meta.reason) } : {}),
        ...(event.meta.traceparent ? { traceparent: short(event.meta.traceparent) } : {}),
      },
      timeMs: Math.floor(event.time / US_PER_MS),
    });
    this.bytes += value.value.length;
    const type = streamType(event.stream);
    if (isLatestType(type))
      this.noteLatest({ type, event, payload: after === undefined || isGone(after) ? undefined : payload });
    return payload.length;
  }

  /** Everything that is to be published: the events in order, then the latest states. */
  all(): RelayRecord[] {
    return [...this.records, ...Array.from(this.latest.values(), (latest) => this.latestRecord(latest))];
  }

  private noteLatest(latest: Latest): void {
    const { stream } = latest.event;
    this.bytes += (latest.payload?.length ?? 0) - (this.latest.get(stream)?.payload?.length ?? 0);
    this.latest.set(stream, latest);
  }

  private latestRecord({ type, event, payload }: Latest): RelayRecord {
    const value = payload === undefined ? { value: null, headers: NO_HEADERS } : this.fitting(payload, '{}');
    return {
      topic: type,
      key: shortKey(streamKey(event.stream)),
      value: value.value,
      headers: { ...this.headersOf(event, `latest/${event.index}/${event.seq}`, LATEST_EVENT[type]), ...value.headers },
      timeMs: Math.floor(event.time / US_PER_MS),
    };
  }

  /** A value that Kafka would refuse is left out; the header says so, and the API has the object. */
  private fitting(
    text: string,
    instead: string,
  ): { readonly value: string; readonly headers: Readonly<Record<string, string>> } {
    const bytes = Buffer.byteLength(text);
    if (bytes <= this.origin.maxValueBytes - HEADER_ROOM) return { value: text, headers: NO_HEADERS };
    return { value: instead, headers: { ce_oversize: String(bytes) } };
  }

  private headersOf(event: RecordedEvent, id: string, type: string): Record<string, string> {
    return {
      ...this.template,
      ce_id: id,
      ce_type: `rollbook.${type}`,
      ce_subject: short(event.stream),
      ce_time: isoFromUs(event.time) ?? EPOCH,
      ce_index: String(event.index),
      ce_seq: String(event.seq),
    };
  }
}

/**
 * The headers of a CloudEvent 1.0 in binary mode with everything that the records of a session have in common. Made and checked by the
 * package once: making an event of its class for each of millions of records takes a quarter of the time that sending it does.
 */
function templateOf({ storeEpoch, generation }: Origin): Record<string, string> {
  const event = new CloudEvent({
    id: '0/0',
    source: `/rollbook/${storeEpoch}`,
    type: 'rollbook.Event',
    subject: 'subject',
    time: EPOCH,
    datacontenttype: 'application/json',
    index: '0',
    seq: '0',
    storeepoch: storeEpoch,
    generation: String(generation),
  });
  const headers = Object.entries(Kafka.binary(event).headers);
  // The binding has the content type in a header of its own.
  return Object.fromEntries(
    headers.filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[0] !== 'ce_datacontenttype',
    ),
  );
}

const LATEST_EVENT: Readonly<Record<LatestType, string>> = {
  deployment: 'DeploymentState',
  allocation: 'AllocationState',
  evaluation: 'EvaluationState',
  job: 'JobState',
  node: 'NodeState',
};

const isLatestType = (type: string): type is LatestType => (LATEST_TYPES as readonly string[]).includes(type);

const short = (text: string): string => (text.length <= TEXT_LIMIT ? text : text.slice(0, TEXT_LIMIT));

/** Long ids cannot make a record that Kafka refuses, and do not collide either. */
const shortKey = (key: string): string =>
  key.length <= TEXT_LIMIT ? key : `${key.slice(0, TEXT_LIMIT / 2)}#${createHash('sha256').update(key).digest('hex')}`;
