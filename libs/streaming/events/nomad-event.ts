import type { AggregateState, AllocationServices, EvaluationState, JobState, RegisteredService } from '@app/domain';
import { currentVersion } from '@app/domain';
import { streamType, type EventMeta, type Index, type StreamName, type TimeUs } from '@app/kernel';
import type { Folded } from '../stream-folder.js';
import { commitKind } from './commit-kind.js';
import { SERVICE, TOPICS, type TopicRow } from './topics.js';

/** An event as Nomad's event stream has it. It is rendered once, for whoever asks first. */
export class NomadEvent {
  private full: string | undefined;
  private short: string | undefined;

  constructor(
    readonly type: string,
    readonly index: Index,
    private readonly row: TopicRow<AggregateState>,
    private readonly state: AggregateState,
    private readonly isGone: boolean,
  ) {}

  get topic(): string {
    return this.row.topic;
  }

  get key(): string {
    return this.row.key(this.state);
  }

  /** Empty: it is in none. */
  get namespace(): string {
    return this.row.namespace?.(this.state) ?? '';
  }

  get filterKeys(): readonly string[] | null {
    return this.row.filterKeys?.(this.state) ?? null;
  }

  /** Its JSON, with the complete object or its short form in `Payload`. */
  text(asStub: boolean): string {
    return asStub
      ? (this.short ??= this.render(this.row.stub ?? this.row.object))
      : (this.full ??= this.render(this.row.object));
  }

  private render(object: (state: AggregateState) => object | undefined): string {
    const { type, topic, key, namespace, filterKeys, index, row } = this;
    return JSON.stringify({
      Topic: topic,
      Type: type,
      Key: key,
      Namespace: namespace,
      FilterKeys: filterKeys,
      Index: index,
      Payload: { [row.member ?? topic]: object(this.state), ...row.beside?.(this.isGone) },
    });
  }
}

/** One commit of the log as subscribers see it; without events it moves them on all the same. */
export interface EventCommit {
  readonly index: Index;
  readonly time: TimeUs;
  readonly meta: EventMeta;
  /** The hash of the log up to it; undefined: it is not chained. */
  readonly chain: string | undefined;
  readonly events: readonly NomadEvent[];
  /** What is sent of it, by filter: made for the first subscriber of a filter, and the same for all of them. Null: nothing. */
  readonly frames: Map<string, Buffer | null>;
}

interface Moved {
  readonly stream: StreamName;
  readonly before: AggregateState | undefined;
  after: AggregateState | undefined;
}

/** The folded events of one commit as Nomad would tell of it: one event for each object, as it is after the commit. */
export function eventCommit(folded: readonly Folded[]): EventCommit {
  const { index, time, meta, chain } = folded[0]!.event;
  const { type, isPlan } = commitKind(new Set(folded.map(({ event }) => event.type)));
  const moved = new Map<StreamName, Moved>();
  for (const { event, before, after } of folded) {
    const known = moved.get(event.stream);
    if (known === undefined) moved.set(event.stream, { stream: event.stream, before, after });
    else known.after = after;
  }
  const events = [...moved.values()].flatMap((one) => {
    if (streamType(one.stream) === 'services') return serviceEvents(one, index);
    return type === undefined ? [] : eventsOf(one, type, isPlan, index);
  });
  return { index, time, meta, chain: chain ?? undefined, events, frames: new Map() };
}

function eventsOf({ stream, before, after }: Moved, type: string, isPlan: boolean, index: Index): NomadEvent[] {
  const row = TOPICS[streamType(stream)];
  if (row === null || after === undefined) return [];
  const isGone = (after as { readonly purged?: boolean }).purged === true;
  if (isGone && row.atEnd === 'nothing') return [];
  const state = isGone && row.atEnd === 'before' ? before : after;
  if (state === undefined || row.object(state) === undefined) return [];
  const event = (of: string, shown: AggregateState): NomadEvent => new NomadEvent(of, index, row, shown, isGone);
  if (!isPlan) return [event(type, state)];
  const between = beforeTheEnd(stream, before, after, index);
  if (between === 'all at the end') return [event('EvaluationUpdated', state)];
  return between === undefined ? [event(type, state)] : [event(type, between), event('EvaluationUpdated', state)];
}

/** Nomad commits registrations by themselves, whatever else was said at the same time; one that has gone is shown as it was. */
function serviceEvents({ before, after }: Moved, index: Index): NomadEvent[] {
  const [was, is] = [before as AllocationServices | undefined, after as AllocationServices | undefined];
  const event = (type: string, owner: AllocationServices, service: RegisteredService): NomadEvent =>
    new NomadEvent(type, index, SERVICE, { owner, service } as never, false);
  const kept = new Set(is?.services.map(({ id }) => id));
  const gone = was?.services.filter(({ id }) => !kept.has(id)) ?? [];
  const told = is?.services.filter(({ modifyIndex }) => modifyIndex === index) ?? [];
  return [
    ...told.map((service) => event('ServiceRegistration', is!, service)),
    ...gone.map((service) => event('ServiceDeregistration', was!, service)),
  ];
}

/**
 * Nomad commits the plan first and the end of its evaluation then; here both are one commit. What the object was in between: undefined where its
 * evaluation's end does not touch it.
 */
function beforeTheEnd(
  stream: StreamName,
  before: AggregateState | undefined,
  after: AggregateState,
  index: Index,
): AggregateState | 'all at the end' | undefined {
  const type = streamType(stream);
  if (type === 'evaluation') {
    const [was, is] = [before as EvaluationState | undefined, after as EvaluationState];
    if (was === undefined || was.status === is.status) return 'all at the end';
    return is.status === 'complete' || is.status === 'failed' ? { ...was, modifyIndex: index } : 'all at the end';
  }
  if (type !== 'job') return undefined;
  const [was, is] = [currentVersion(before as JobState | undefined), currentVersion(after as JobState)];
  return was !== undefined && was.status !== 'dead' && is?.status === 'dead' ? before : undefined;
}
