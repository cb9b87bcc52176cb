import { CommandHandler, migrate, PostgresEventStore } from '@app/event-store';
import {
  DEFAULT_KAFKA_SETTINGS,
  kafkaClient,
  KafkaSink,
  Relay,
  topicName,
  type KafkaSettings,
  type RecordSink,
  type RelayOptions,
  type RelayRecord,
} from '@app/kafka-relay';
import { aggregates, MIGRATIONS, tablesOf } from '@app/read-models';
import { LogTail } from '@app/streaming';
import { jobSpec, registered, startTestKafka } from '@app/testing';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Partitioners, type Message } from 'kafkajs';
import { withBenchDatabase } from './bench-database.js';
import { platformatic, publicKafkajs } from './kafka-contenders.js';
import { fillLog, rolloutLog } from './rollout-log.js';

const JOBS = 250;
const ROUNDS = 5;
const POLL_MS = 5;
const BARE_REQUEST_BYTES = 900_000;
const PACE_PER_S = 500;
const PACED_MS = 15_000;
const WARM_UP_MS = 5_000;
const WANTED = { eventsPerS: 10_000, share: 0.6, p99Ms: 100 } as const;

const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const figure = (value: number): string => Math.round(value).toLocaleString('en');
const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;
const cpuOf = ({ user, system }: NodeJS.CpuUsage): number => user + system;
const settingsOf = (brokers: readonly string[]): KafkaSettings => ({
  ...DEFAULT_KAFKA_SETTINGS,
  brokers,
  prefix: `bench-${randomUUID()}`,
});

type Way = readonly [name: string, sinkOf: (settings: KafkaSettings) => RecordSink];
const OURS: Way = ['our producer', (settings) => new KafkaSink(settings)];
const WAYS: readonly Way[] = [OURS, ['kafkajs', publicKafkajs], ['@platformatic/kafka', platformatic]];

function relayOn(
  store: PostgresEventStore,
  sink: RecordSink,
  onCommit: RelayOptions['onCommit'],
  published: () => void = () => undefined,
): Relay {
  return new Relay({
    store,
    sink,
    onCommit,
    metrics: { published, failed: () => undefined },
    onError: (error) => print(`  (tried again: ${(error as Error).message})`),
  });
}

/** Milliseconds from the start of a relay, sessions and topics included only where `warm` does not open them before. */
async function catchUp(store: PostgresEventStore, sink: RecordSink, head: number): Promise<number> {
  await (await sink.open((await store.readHead()).storeEpoch)).close();
  const begun = performance.now();
  const relay = relayOn(store, sink, () => () => undefined);
  relay.start();
  while (relay.progress.published !== head) await delay(POLL_MS);
  const took = performance.now() - begun;
  await relay.stop();
  return took;
}

/** Notes the records on their way. */
const noting = (settings: KafkaSettings, records: RelayRecord[]): RecordSink => ({
  async open(epoch) {
    const session = await new KafkaSink(settings).open(epoch);
    return {
      position: session.position,
      heads: session.heads,
      maxValueBytes: session.maxValueBytes,
      async publish(publication) {
        records.push(...publication.records);
        await session.publish(publication);
      },
      close: () => session.close(),
    };
  },
});

/** The limit: nothing but kafkajs sending the same records, ready-made, in requests of the same size. No transactions, no position. */
async function bareLoop(settings: KafkaSettings, records: readonly RelayRecord[]): Promise<number> {
  const producer = kafkaClient(settings).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  const prepared = records.map(({ topic, key, value, headers, timeMs }) => ({
    topic: topicName(settings.prefix, topic),
    message: { key, value: value === null ? null : Buffer.from(value), headers, timestamp: String(timeMs) },
  }));
  const begun = performance.now();
  let topics = new Map<string, Message[]>();
  let size = 0;
  const send = (): Promise<unknown> =>
    producer.sendBatch({ topicMessages: Array.from(topics, ([topic, messages]) => ({ topic, messages })) });
  for (const { topic, message } of prepared) {
    const messages = topics.get(topic) ?? [];
    topics.set(topic, messages);
    messages.push(message);
    size += message.value?.length ?? 0;
    if (size < BARE_REQUEST_BYTES) continue;
    await send();
    topics = new Map();
    size = 0;
  }
  if (topics.size > 0) await send();
  const took = performance.now() - begun;
  await producer.disconnect();
  return took;
}

async function measureCatchUp(url: string, brokers: readonly string[]): Promise<void> {
  await migrate(url, MIGRATIONS);
  const log = rolloutLog(JOBS);
  await fillLog(url, log);
  const head = log.at(-1)!.index;
  const store = new PostgresEventStore({ url });
  const records: RelayRecord[] = [];
  await catchUp(store, noting(settingsOf(brokers), records), head);
  const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  print(
    `a log of ${figure(log.length)} events in ${figure(head)} commits makes ${figure(records.length)} records of ${figure(bytes / records.length)} bytes`,
  );
  const rounds: { ours: number; bare: number }[] = [];
  const cpuUs = { ours: 0, bare: 0 };
  for (let round = 1; round <= ROUNDS; round++) {
    const idle = process.cpuUsage();
    const oursMs = await catchUp(store, new KafkaSink(settingsOf(brokers)), head);
    cpuUs.ours += cpuOf(process.cpuUsage(idle));
    const bareSettings = settingsOf(brokers);
    await (await new KafkaSink(bareSettings).open(randomUUID())).close();
    const between = process.cpuUsage();
    const bareMs = await bareLoop(bareSettings, records);
    cpuUs.bare += cpuOf(process.cpuUsage(between));
    const each = { ours: (log.length / oursMs) * 1000, bare: (log.length / bareMs) * 1000 };
    rounds.push(each);
    print(`round ${round}: ${figure(each.ours)} events/s, bare kafkajs ${figure(each.bare)} events/s`);
  }
  await store.close();
  const perEvent = (us: number): string => (us / ROUNDS / log.length).toFixed(0);
  print(`this process spends ${perEvent(cpuUs.ours)} µs of CPU on an event, the bare loop ${perEvent(cpuUs.bare)} µs`);
  const ours = quantile(
    rounds.map((each) => each.ours),
    0.5,
  );
  const share = quantile(
    rounds.map((each) => each.ours / each.bare),
    0.5,
  );
  print(`catch-up: ${figure(ours)} events/s (wanted: ${figure(WANTED.eventsPerS)})`);
  print(
    `ratio:    ${(100 * share).toFixed(0)} % of a bare kafkajs loop that sends the same records (wanted: ${100 * WANTED.share} %)`,
  );
}

async function measureLatency(url: string, brokers: readonly string[], [name, sinkOf]: Way = OURS): Promise<void> {
  await migrate(url, MIGRATIONS);
  const store = new PostgresEventStore({ url });
  const nothing = (): void => undefined;
  const handler = new CommandHandler({
    store,
    aggregates,
    clock: () => Date.now() * 1000,
    metrics: { batchFlushed: nothing, conflict: nothing, overloaded: nothing, queueLength: nothing, waited: nothing },
  });
  const tail = new LogTail({ store, handler, tablesOf, onError: nothing });
  await tail.start();
  const waiting: { index: number; at: number }[] = [];
  const latencies: number[] = [];
  let counts = false;
  const relay = relayOn(
    store,
    sinkOf(settingsOf(brokers)),
    (wake) => tail.onCommit(wake),
    () => {
      const now = performance.now();
      const { published = 0 } = relay.progress;
      waiting.sort((a, b) => a.index - b.index);
      while (waiting[0] !== undefined && waiting[0].index <= published) {
        const { at } = waiting.shift()!;
        if (counts) latencies.push(now - at);
      }
    },
  );
  tail.onCommit(({ index }) => waiting.push({ index, at: performance.now() }));
  relay.start();
  while (relay.progress.published === undefined) await delay(POLL_MS);

  const running = new Set<Promise<unknown>>();
  let sent = 0;
  const begun = performance.now();
  for (let elapsed = 0; elapsed < WARM_UP_MS + PACED_MS; elapsed = performance.now() - begun) {
    counts = elapsed > WARM_UP_MS;
    for (; sent < (elapsed * PACE_PER_S) / 1000; sent++) {
      const decide = registered(jobSpec({ id: `job-${sent % JOBS}`, tag: String(sent) }));
      const done = handler
        .execute({ name: 'RegisterJob', meta: { actor: 'bench' }, decide })
        .finally(() => running.delete(done));
      running.add(done);
    }
    await delay(1);
  }
  await Promise.all(running);
  while (waiting.length > 0) await delay(POLL_MS);
  await relay.stop();
  await tail.close();
  await handler.close();
  await store.close();
  const rate = (sent / (performance.now() - begun)) * 1000;
  const [p50, p99, worst] = [quantile(latencies, 0.5), quantile(latencies, 0.99), Math.max(...latencies)];
  print(
    `latency, ${name}: commit → acknowledged by Kafka at ${figure(rate)} commands/s: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms (wanted: ${WANTED.p99Ms} ms), worst ${worst.toFixed(1)} ms`,
  );
}

/** Runs a measurement on a broker of its own: the one before would be cleaning its compacted topics. */
async function withBroker(measure: (url: string, brokers: readonly string[]) => Promise<void>): Promise<void> {
  const kafka = await startTestKafka();
  try {
    await withBenchDatabase((url) => measure(url, kafka.brokers));
  } finally {
    await kafka.stop();
  }
}

/** `BENCH_CLIENTS=true`: the relay by our own producer over kafkajs, by kafkajs's, and by @platformatic/kafka, in turns. */
async function compareClients(url: string, brokers: readonly string[]): Promise<void> {
  await migrate(url, MIGRATIONS);
  const log = rolloutLog(JOBS);
  await fillLog(url, log);
  const head = log.at(-1)!.index;
  const store = new PostgresEventStore({ url });
  const rates = new Map<string, number[]>();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [name, sinkOf] of WAYS) {
      const idle = process.cpuUsage();
      const took = await catchUp(store, sinkOf(settingsOf(brokers)), head);
      const cpu = cpuOf(process.cpuUsage(idle)) / log.length;
      const rate = (log.length / took) * 1000;
      rates.set(name, [...(rates.get(name) ?? []), rate]);
      print(`round ${round}, ${name}: ${figure(rate)} events/s, ${cpu.toFixed(0)} µs of CPU on each`);
    }
  }
  await store.close();
  for (const [name, all] of rates) print(`catch-up, ${name}: ${figure(quantile(all, 0.5))} events/s`);
}

/** How fast the relay catches up beside a bare kafkajs loop, and how soon a commit is in Kafka. */
export async function run(): Promise<void> {
  if (process.env['BENCH_CLIENTS'] === 'true') {
    await withBroker(compareClients);
    for (const way of WAYS) await withBroker((url, brokers) => measureLatency(url, brokers, way));
    return;
  }
  await withBroker(measureCatchUp);
  await withBroker(measureLatency);
}
