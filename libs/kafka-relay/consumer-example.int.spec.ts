import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { renderDeployment, type DeploymentState } from '@app/domain';
import { streamType } from '@app/kernel';
import { describeWithKafka, startTestKafka, type TestKafka } from '@app/testing';
import { KafkaSink } from './kafka/kafka-sink.js';
import { kafkaClient, type KafkaSettings } from './kafka/settings.js';
import { Relay } from './relay.js';
import { ConsumerExample } from './testing/consumer-example.js';
import { eventsIn, messagesOf, settingsFor, until } from './testing/topics.js';
import { WorldLog } from './testing/world-log.js';

jest.setTimeout(180_000);

const KILLS = 4;

describeWithKafka('The example of a consumer', () => {
  let kafka: TestKafka;
  let settings: KafkaSettings;
  let example: ConsumerExample;
  const log = new WorldLog();

  beforeAll(async () => {
    kafka = await startTestKafka();
    settings = settingsFor(kafka.brokers);
    example = new ConsumerExample();
  });
  afterAll(async () => {
    await kafka.stop();
    example.remove();
  });

  const relayOf = (): Relay =>
    new Relay({
      store: log,
      sink: new KafkaSink(settings),
      onCommit: log.onCommit,
      metrics: { published: () => undefined, failed: () => undefined },
      onError: () => undefined,
    });
  const run = (...args: string[]): ChildProcess =>
    example.run({ KAFKA_BROKERS: kafka.brokers.join(','), ROLLBOOK_KAFKA_PREFIX: settings.prefix }, ...args);

  test('ends with the table that the log has, though it is killed again and again while the log grows', async () => {
    const relay = relayOf();
    relay.start();
    log.tell(99, 100);
    await until('there are topics', () => relay.progress.published === log.world.index);
    for (let kill = 0; kill < KILLS; kill++) {
      const process = run();
      const ended = once(process, 'exit');
      log.tell(100 + kill, 60);
      await Promise.race([once(process.stdout!, 'data'), ended]);
      process.kill('SIGKILL');
      await ended;
    }
    await until('all is published', () => relay.progress.published === log.world.index);
    await until('all is visible', async () => (await messagesOf(settings, 'events')).length === log.log.length);
    await relay.stop();
    await expectTheTable();
  });

  test('goes on with its table when Kafka has lost its data and the log was published anew, and counts nothing twice', async () => {
    const before = await eventsIn(settings);
    expect(before.length).toBe(log.log.length);
    const admin = kafkaClient(settings).admin();
    await admin.connect();
    const own = (await admin.listTopics()).filter((topic) => topic.startsWith(settings.prefix));
    await admin.deleteTopics({ topics: own });
    await until('the topics are gone', async () =>
      (await admin.listTopics()).every((topic) => !topic.startsWith(settings.prefix)),
    );
    await admin.disconnect();
    // In far fewer transactions than at first, so that the topic ends before what the table was made of.
    log.tell(200, 20);
    const relay = relayOf();
    relay.start();
    await until('all is published', () => relay.progress.published === log.world.index);
    await until('all is visible', async () => (await messagesOf(settings, 'events')).length === log.log.length);
    await relay.stop();
    await expectTheTable();
  });

  async function expectTheTable(): Promise<void> {
    const [code] = (await once(run('--once'), 'exit')) as [number];
    expect(code).toBe(0);
    const living = log.world
      .streams()
      .filter((stream) => streamType(stream) === 'deployment')
      .map((stream) => log.world.read<DeploymentState>(stream)!)
      .filter((state) => state !== undefined && !state.purged);
    expect(living.length).toBeGreaterThan(0);
    expect(example.stored()?.events).toBe(log.log.length);
    expect(example.stored()?.deployments).toEqual(
      JSON.parse(JSON.stringify(Object.fromEntries(living.map((state) => [state.id, renderDeployment(state)])))),
    );
  }
});
