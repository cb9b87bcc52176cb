import { isDeepStrictEqual } from 'node:util';
import { comesAfter, EventTracker, type Place, type RollbookEvent } from '@app/consumer';
import { DEFAULT_KAFKA_SETTINGS, type KafkaSettings } from '@app/kafka-relay';
import { eventsIn, LATEST_TYPES, messagesOf } from '../../libs/kafka-relay/testing/topics.js';
import { LogFacts } from './log-facts.js';
import { until, type Stack } from './stack.js';

const CATCH_UP_BOUND_MS = 60_000;

/** What readers of committed records see of the run, against the log. */
export interface KafkaFindings {
  readonly records: number;
  /** The topic of events is not the log, in order, without a double. */
  readonly events: readonly string[];
  readonly objects: number;
  /** The latest-state topics do not end with the last state of every object. */
  readonly latest: readonly string[];
}

/** The log may grow meanwhile: what it had before must be in Kafka, and what is in Kafka must be in the log afterwards. */
export async function checkKafka(stack: Stack): Promise<KafkaFindings> {
  const settings = { ...DEFAULT_KAFKA_SETTINGS, brokers: stack.kafka!.brokers };
  const before = await LogFacts.read(stack.databaseUrl());
  let events: RollbookEvent[] = [];
  await until('the relay to catch up', CATCH_UP_BOUND_MS, async () => {
    events = await eventsIn(settings);
    return events.length >= before.events;
  }).catch(() => undefined);
  const latest = await latestOf(settings);
  const after = await LogFacts.read(stack.databaseUrl());
  const published = [...before.last].filter(([stream]) => isPublishedAlone(stream));
  return {
    records: events.length,
    events: [...unlike(events, before, after), ...outOfOrder(events, settings.partitions)],
    objects: published.length,
    latest: published
      // What was written since is as good.
      .filter(([stream, place]) => latest.get(stream) !== place && latest.get(stream) !== after.last.get(stream))
      .map(([stream, place]) => `the latest record of ${stream} is ${latest.get(stream) ?? 'missing'}, not ${place}`),
  };
}

function unlike(events: readonly RollbookEvent[], before: LogFacts, after: LogFacts): string[] {
  const problems: string[] = [];
  const times = new Map<string, number>();
  for (const event of events) {
    const place = `${event.index}/${event.seq}`;
    times.set(place, (times.get(place) ?? 0) + 1);
    const logged = after.places.get(place);
    if (logged === undefined) problems.push(`event ${place} is in Kafka and not in the log`);
    else if (!isDeepStrictEqual(logged, { stream: event.subject, type: event.type, data: event.payload?.Event.Data }))
      problems.push(`event ${place} is another one in Kafka: ${event.type} of ${event.subject}`);
  }
  for (const place of before.places.keys()) if (!times.has(place)) problems.push(`event ${place} is not in Kafka`);
  for (const [place, count] of times) if (count > 1) problems.push(`event ${place} is in Kafka ${count} times`);
  return problems;
}

/** Events come one partition after the other: in each they ascend, and those of each key are a chain. */
function outOfOrder(events: readonly RollbookEvent[], partitions: number): string[] {
  const problems: string[] = [];
  const tracker = new EventTracker();
  let begun = 1;
  let previous: Place = { index: 0, seq: 0 };
  for (const event of events) {
    if (!comesAfter(event, previous)) begun++;
    previous = event;
    const verdict = tracker.judge(event);
    if (verdict.kind !== 'new')
      problems.push(`event ${event.index}/${event.seq} of ${event.key} comes as ${verdict.kind}`);
    tracker.accept(event);
  }
  if (begun > partitions) problems.push(`events go back ${begun - partitions} times within partitions`);
  return problems;
}

const isPublishedAlone = (stream: string): boolean => LATEST_TYPES.some((type) => stream.startsWith(`${type}/`));

/** `index/seq` of the last record of each object. */
async function latestOf(settings: KafkaSettings): Promise<Map<string, string>> {
  const latest = new Map<string, string>();
  for (const type of LATEST_TYPES) {
    for (const { headers } of await messagesOf(settings, type)) {
      const header = (name: string): string => String(headers?.[name]);
      latest.set(header('ce_subject'), `${header('ce_index')}/${header('ce_seq')}`);
    }
  }
  return latest;
}
