/** A record as Kafka clients hand it over; kafkajs's messages are of this shape. */
export interface KafkaRecord {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Readonly<Record<string, HeaderValue | readonly HeaderValue[] | undefined>>;
}
type HeaderValue = Buffer | string;

/** A place in the log: the index of a commit, and the event within it. */
export interface Place {
  readonly index: number;
  readonly seq: number;
}

/** The object after the event, under the name of its kind, in Nomad's JSON; and what happened. */
export interface Payload {
  readonly Deployment?: NomadObject | null;
  readonly Allocation?: NomadObject | null;
  readonly Evaluation?: NomadObject | null;
  readonly Job?: NomadObject | null;
  readonly JobSummary?: NomadObject | null;
  readonly Node?: NomadObject | null;
  /** The object is gone for good: purged, or collected as garbage. */
  readonly Deleted?: boolean;
  readonly Event: { readonly Type: string; readonly Schema: number; readonly Data: unknown };
}
export type NomadObject = Readonly<Record<string, unknown>>;

/** One event of the topic `rollbook.events.v1`. */
export interface RollbookEvent extends Place {
  /** What keeps its order: `namespace/jobID`, or a node's id. */
  readonly key: string;
  /** `DeploymentPromoted`, `AllocationReported` … */
  readonly type: string;
  /** What it happened to: `deployment/<id>`, `job/<namespace>/<id>` … */
  readonly subject: string;
  /** RFC 3339. */
  readonly time: string;
  /** The event before this one with the same key; index 0: there is none in this generation. */
  readonly previous: Place;
  /** Which log: a new one begins with every restore. */
  readonly storeEpoch: string;
  /** How often the log was published anew, counting from 1. */
  readonly generation: number;
  /** The hash of the log up to this event's commit, and up to the one before; undefined where the log has none (yet). */
  readonly chain: string | undefined;
  readonly previousChain: string | undefined;
  readonly actor: string;
  readonly reason: string | undefined;
  /** Undefined where it was too large for Kafka: the API has the object. */
  readonly payload: Payload | undefined;
}

/** A record that Rollbook did not write. */
export class NotARollbookEvent extends Error {
  override readonly name = 'NotARollbookEvent';
}

const TYPE_PREFIX = 'rollbook.';

/** Reads a record of the topic of events. @throws NotARollbookEvent */
export function readEvent(record: KafkaRecord): RollbookEvent {
  const optional = (name: string): string | undefined => {
    const value = record.headers?.[`ce_${name}`];
    const first = Array.isArray(value) ? (value[0] as HeaderValue | undefined) : (value as HeaderValue | undefined);
    return first?.toString();
  };
  const text = (name: string): string => {
    const value = optional(name);
    if (value === undefined) throw new NotARollbookEvent(`there is no header ce_${name}`);
    return value;
  };
  const count = (name: string): number => {
    const value = Number(text(name));
    if (!Number.isSafeInteger(value) || value < 0) throw new NotARollbookEvent(`the header ce_${name} is not a count`);
    return value;
  };
  const type = text('type');
  if (!type.startsWith(TYPE_PREFIX) || record.key === null || record.value === null)
    throw new NotARollbookEvent('it is no event of a Rollbook');
  return {
    index: count('index'),
    seq: count('seq'),
    key: record.key.toString(),
    type: type.slice(TYPE_PREFIX.length),
    subject: text('subject'),
    time: text('time'),
    previous: { index: count('previousindex'), seq: count('previousseq') },
    storeEpoch: text('storeepoch'),
    generation: count('generation'),
    chain: optional('chain'),
    previousChain: optional('previouschain'),
    actor: text('actor'),
    reason: optional('reason'),
    payload: optional('oversize') === undefined ? (JSON.parse(record.value.toString()) as Payload) : undefined,
  };
}
