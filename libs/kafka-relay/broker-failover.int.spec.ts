import { PostgresEventStore } from '@app/event-store';
import type { RecordedEvent } from '@app/kernel';
import {
  createMigratedDatabase,
  describeWithKafkaJars,
  jobSpec,
  registered,
  startInstance,
  startKafkaCluster,
  type TestDatabase,
  type TestInstance,
  type TestKafka,
} from '@app/testing';
import type { Admin } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { KafkaSink } from './kafka/kafka-sink.js';
import { kafkaClient, topicName, type KafkaSettings } from './kafka/settings.js';
import { Relay } from './relay.js';
import { expectEqual, expectLatest } from './testing/expectations.js';
import { eventsIn, settingsFor, until } from './testing/topics.js';

jest.setTimeout(120_000);

/** It has one partition, whose leader coordinates every transaction. */
const TRANSACTIONS = '__transaction_state';
const COMMIT_EVERY_MS = 20;
const JOBS = 7;
const PAGE = 1_000;

describeWithKafkaJars('The relay on three brokers', () => {
  let cluster: readonly TestKafka[];
  let database: TestDatabase;
  let store: PostgresEventStore;
  let instance: TestInstance;
  let settings: KafkaSettings;
  let relay: Relay;

  beforeAll(async () => {
    [cluster, database] = await Promise.all([startKafkaCluster(), createMigratedDatabase()]);
    store = new PostgresEventStore({ url: database.url, poolSize: 4 });
    instance = await startInstance(store);
    const brokers = cluster.flatMap(({ brokers: [own] }) => own!);
    settings = settingsFor(brokers, { replication: cluster.length });
    relay = new Relay({
      store,
      sink: new KafkaSink(settings),
      onCommit: (wake) => instance.tail.onCommit(wake),
      metrics: { published: () => undefined, failed: () => undefined },
      onError: () => undefined,
    });
    relay.start();
    await until('Kafka has made its topics', () => relay.progress.published !== undefined);
  });
  afterAll(async () => {
    await relay.stop();
    await instance.close();
    await store.close();
    await database.drop();
    // In order they would wait for each other: most are needed to let one go.
    await Promise.all(cluster.map((broker) => broker.kill()));
    await Promise.all(cluster.map((broker) => broker.stop()));
  });

  const asAdmin = async <R>(work: (admin: Admin) => Promise<R>): Promise<R> => {
    const admin = kafkaClient(settings).admin();
    try {
      await admin.connect();
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  };
  const partitions = async () => {
    const { topics } = await asAdmin((admin) => admin.fetchTopicMetadata());
    return topics.flatMap(({ name, partitions: ofTopic }) => ofTopic.map((partition) => ({ name, ...partition })));
  };
  const wholeAgain = (): Promise<void> =>
    until('all replicas are in sync', async () =>
      (await partitions()).every(({ isr }) => isr.length === cluster.length),
    );
  /** The node id of the leader of a topic's first partition. */
  const leaderOf = async (topic: string): Promise<number> =>
    (await partitions()).find(({ name, partitionId }) => name === topic && partitionId === 0)!.leader;

  /** The partition is taken from its leader, which lives, and is given back to it as to a follower. */
  const moveFromLeader = async (topic: string): Promise<void> => {
    const leader = await leaderOf(topic);
    const others = [1, 2, 3].filter((id) => id !== leader);
    for (const replicas of [others, [...others, leader]]) {
      const topics = [{ topic, partitionAssignment: [{ partition: 0, replicas }] }];
      await asAdmin((admin) => admin.alterPartitionReassignments({ topics }));
      await until('another one leads', async () => (await leaderOf(topic)) !== leader);
    }
    await wholeAgain();
  };

  const published = (index: number): Promise<void> =>
    until(`the log is published to ${index}`, () => relay.progress.published! >= index);
  /** Waits until something is published that was not in the log yet. */
  const publishedOn = async (): Promise<void> => published((await store.readHead()).index + 1);
  const wholeLog = async (): Promise<RecordedEvent[]> => {
    const log: RecordedEvent[] = [];
    for (;;) {
      const page = await store.readAfter(log.at(-1)?.index ?? 0, PAGE);
      if (page.length === 0) return log;
      log.push(...page);
    }
  };

  /** Lets it happen while commits go on; in the end readers of committed records see the log, and the relay is at its head. */
  const whileCommitting = async (what: () => Promise<void>): Promise<void> => {
    let done = false;
    const committed = (async () => {
      for (let n = 0; !done; n++) {
        await instance.execute(registered(jobSpec({ id: `job-${n % JOBS}`, tag: String(n) })));
        await delay(COMMIT_EVERY_MS);
      }
    })();
    try {
      await publishedOn();
      await what();
      await publishedOn();
    } finally {
      done = true;
      await committed;
    }
    const log = await wholeLog();
    await published(log.at(-1)!.index);
    await until('all of it is visible', async () => (await eventsIn(settings)).length >= log.length);
    expectEqual(await eventsIn(settings), log);
    await expectLatest(settings, log);
  };

  test('loses and doubles nothing when a leader and the coordinator move away from brokers that live', () =>
    whileCommitting(async () => {
      await moveFromLeader(topicName(settings.prefix, 'events'));
      await publishedOn();
      await moveFromLeader(TRANSACTIONS);
    }));

  test('loses and doubles nothing when the coordinator is killed, and then the next one', () =>
    whileCommitting(async () => {
      const first = await leaderOf(TRANSACTIONS);
      await cluster[first - 1]!.kill();
      await publishedOn();
      await cluster[first - 1]!.restart();
      await wholeAgain();
      const second = await leaderOf(TRANSACTIONS);
      expect(second).not.toBe(first);
      await cluster[second - 1]!.kill();
    }));
});
