import { EventTracker, type NomadObject, type RollbookEvent } from '@app/consumer';
import { DEFAULT_KAFKA_SETTINGS } from '@app/kafka-relay';
import { eventsIn } from '../../libs/kafka-relay/testing/topics.js';
import type { LogFacts } from './log-facts.js';
import { getJson, until, type Stack } from './stack.js';

const CATCH_UP_BOUND_MS = 60_000;

/** What readers of committed records see of the run, against the log and against the API. */
export interface KafkaFindings {
  readonly records: number;
  readonly deployments: number;
  /** The topic is not the log, in order, without a double. */
  readonly topic: readonly string[];
  /** The table that a consumer makes of it is not what the API shows. */
  readonly table: readonly string[];
}

export async function checkKafka(stack: Stack, facts: LogFacts): Promise<KafkaFindings> {
  const settings = { ...DEFAULT_KAFKA_SETTINGS, brokers: stack.kafka!.brokers };
  let events: RollbookEvent[] = [];
  await until('the relay to catch up', CATCH_UP_BOUND_MS, async () => {
    events = await eventsIn(settings);
    return events.length >= facts.events;
  }).catch(() => undefined);

  const topic: string[] = [];
  const times = new Map<string, number>();
  for (const { index, seq } of events) times.set(`${index}/${seq}`, (times.get(`${index}/${seq}`) ?? 0) + 1);
  for (const place of facts.places) if (!times.has(place)) topic.push(`event ${place} is not in Kafka`);
  for (const [place, count] of times) {
    if (count > 1) topic.push(`event ${place} is in Kafka ${count} times`);
    if (!facts.places.has(place)) topic.push(`event ${place} is in Kafka and not in the log`);
  }

  const tracker = new EventTracker();
  const table = new Map<string, NomadObject>();
  for (const event of events) {
    const verdict = tracker.judge(event);
    if (verdict.kind !== 'new')
      topic.push(`event ${event.index}/${event.seq} of ${event.key} comes as ${verdict.kind}`);
    tracker.accept(event);
    const { Deployment: deployment, Deleted: gone } = event.payload ?? {};
    if (deployment === undefined || deployment === null) continue;
    if (gone) table.delete(String(deployment['ID']));
    else table.set(String(deployment['ID']), deployment);
  }

  const shown = await getJson<NomadObject[]>(`${stack.balancer.url}/v1/deployments`);
  const differing = shown.filter(
    (deployment) => JSON.stringify(sorted(table.get(String(deployment['ID'])))) !== JSON.stringify(sorted(deployment)),
  );
  const problems = differing.map((deployment) => `deployment ${String(deployment['ID'])} differs`);
  if (table.size !== shown.length) problems.push(`the consumer has ${table.size} deployments, the API ${shown.length}`);
  return { records: events.length, deployments: shown.length, topic, table: problems };
}

/** Members in order of their names, at every depth. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
