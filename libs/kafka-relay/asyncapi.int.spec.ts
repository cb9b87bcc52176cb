import { CloudEvent, Kafka, type KafkaMessage } from 'cloudevents';
import { describeWithKafka, readHistory, startTestKafka, type TestKafka } from '@app/testing';
import { KafkaSink } from './kafka/kafka-sink.js';
import { topicName, type KafkaSettings } from './kafka/settings.js';
import { LATEST_TYPES } from './record.js';
import { Relay } from './relay.js';
import { readAsyncApi } from './testing/asyncapi.js';
import { messagesOf, settingsFor, until } from './testing/topics.js';
import { WorldLog } from './testing/world-log.js';

jest.setTimeout(120_000);

describe('The AsyncAPI document', () => {
  test('names the topics that there are', () => {
    const { document } = readAsyncApi();
    expect(document.asyncapi).toBe('3.0.0');
    expect(Object.values(document.channels).map(({ address }) => address)).toEqual(
      (['events', ...LATEST_TYPES] as const).map((topic) => topicName('rollbook', topic)),
    );
    expect(Object.values(document.operations).map(({ channel }) => channel.$ref)).toEqual(
      Object.keys(document.channels).map((name) => `#/channels/${name}`),
    );
  });
});

describeWithKafka('Records in Kafka', () => {
  let kafka: TestKafka;
  let settings: KafkaSettings;
  const log = new WorldLog();

  beforeAll(async () => {
    kafka = await startTestKafka();
    settings = settingsFor(kafka.brokers);
    log.world.log.push(...readHistory('0001'));
    log.world.index = log.world.log.at(-1)!.index;
    const relay = new Relay({
      store: log,
      sink: new KafkaSink(settings),
      onCommit: log.onCommit,
      metrics: { published: () => undefined, failed: () => undefined },
      onError: () => undefined,
    });
    relay.start();
    await until('a recorded history is published', () => relay.progress.published === log.world.index);
    await until('it is visible', async () => (await messagesOf(settings, 'events')).length === log.log.length);
    await relay.stop();
  });
  afterAll(() => kafka.stop());

  test.each(['events', ...LATEST_TYPES] as const)(
    'those of the topic of %s are as the AsyncAPI document says',
    async (topic) => {
      const { problemsOf } = readAsyncApi();
      const messages = await messagesOf(settings, topic);
      expect(messages.length).toBeGreaterThan(0);
      for (const message of messages) {
        expect({
          key: message.key?.toString(),
          problems: problemsOf(topicName('rollbook', topic), message),
        }).toMatchObject({ problems: [] });
      }
    },
  );

  test('are CloudEvents in binary mode to those who read them as such', async () => {
    for (const { key, value, headers, timestamp } of await messagesOf(settings, 'events')) {
      const text = Object.fromEntries(Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)]));
      const message: KafkaMessage = {
        key: String(key),
        value: value!.toString(),
        headers: text,
        timestamp,
        body: value!.toString(),
      };
      expect(Kafka.isEvent(message)).toBe(true);
      const event = Kafka.toEvent(message) as CloudEvent<object>;
      expect(event.validate()).toBe(true);
      expect(event).toMatchObject({
        specversion: '1.0',
        id: `${text['ce_index']}/${text['ce_seq']}`,
        datacontenttype: 'application/json',
      });
    }
  });
});
