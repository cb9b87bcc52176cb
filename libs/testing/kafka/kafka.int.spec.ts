import { Kafka, logLevel } from 'kafkajs';
import type { TestKafka } from './broker.js';
import { describeWithKafka, startTestKafka } from './test-kafka.js';

jest.setTimeout(120_000);

describeWithKafka('a Kafka for tests', () => {
  let kafka: TestKafka;
  beforeAll(async () => {
    kafka = await startTestKafka();
  });
  afterAll(() => kafka.stop());

  test('keeps its data over a kill', async () => {
    if (!kafka.own) return;
    const admin = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'kept' }] });
    await kafka.kill();
    await kafka.restart();
    expect(await admin.listTopics()).toContain('kept');
    await admin.disconnect();
  });
});
