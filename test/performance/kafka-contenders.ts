import { Producer, stringSerializers } from '@platformatic/kafka';
import {
  controlTopic,
  kafkaClient,
  KafkaSink,
  topicName,
  transactionalId,
  type KafkaSettings,
  type Publication,
  type RecordSink,
} from '@app/kafka-relay';

/** As many bytes of values go in one request. */
const REQUEST_BYTES = 900_000;

interface Message {
  readonly topic: string;
  readonly key: string;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeMs: number;
}

/** One way to send what a transaction consists of. */
interface Contender {
  transact(requests: readonly (readonly Message[])[]): Promise<void>;
  close(): Promise<void>;
}

/** What the relay publishes, and where it is, in requests. */
function requestsOf({ records, position, heads }: Publication, prefix: string): Message[][] {
  const control = (key: string, content: object): Message => ({
    topic: controlTopic(prefix),
    key,
    value: JSON.stringify(content),
    headers: {},
    timeMs: Date.now(),
  });
  const requests: Message[][] = [[]];
  let bytes = 0;
  for (const message of [
    ...records.map((record) => ({ ...record, topic: topicName(prefix, record.topic) })),
    ...Array.from(heads, ([key, place]) => control(`head/${key}`, place)),
    control('position', position),
  ]) {
    if (bytes > REQUEST_BYTES) {
      requests.push([]);
      bytes = 0;
    }
    requests.at(-1)!.push(message);
    bytes += message.value?.length ?? 0;
  }
  return requests;
}

/** A sink that makes topics as the relay's does, and sends by another client's public face. */
const sinkOf = (settings: KafkaSettings, open: () => Promise<Contender>): RecordSink => ({
  async open(storeEpoch) {
    const prepared = await new KafkaSink(settings).open(storeEpoch);
    const { position, heads, maxValueBytes } = prepared;
    await prepared.close();
    const contender = await open();
    return {
      position,
      heads,
      maxValueBytes,
      publish: (publication) => contender.transact(requestsOf(publication, settings.prefix)),
      close: () => contender.close(),
    };
  },
});

/** kafkajs as its documentation has it. */
export const publicKafkajs = (settings: KafkaSettings): RecordSink =>
  sinkOf(settings, async () => {
    const producer = kafkaClient(settings).producer({
      transactionalId: transactionalId(settings.prefix),
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    return {
      async transact(requests) {
        const transaction = await producer.transaction();
        for (const messages of requests) {
          const topicMessages = Array.from(
            Map.groupBy(messages, ({ topic }) => topic),
            ([topic, ofTopic]) => ({
              topic,
              messages: ofTopic.map(({ key, value, headers, timeMs }) => ({
                key,
                value,
                headers: { ...headers },
                timestamp: String(timeMs),
              })),
            }),
          );
          await transaction.sendBatch({ topicMessages });
        }
        await transaction.commit();
      },
      close: () => producer.disconnect(),
    };
  });

/** @platformatic/kafka as its documentation has it. */
export const platformatic = (settings: KafkaSettings): RecordSink =>
  sinkOf(settings, async () => {
    const producer = new Producer({
      clientId: settings.clientId,
      bootstrapBrokers: [...settings.brokers],
      transactionalId: transactionalId(settings.prefix),
      idempotent: true,
      serializers: stringSerializers,
    });
    // Unless told that there was no producer before, it asks as if it were one that Kafka knows, and is refused.
    const first = await producer.beginTransaction({ producerId: -1n, producerEpoch: -1 });
    await first.cancel();
    return {
      async transact(requests) {
        const transaction = await producer.beginTransaction();
        for (const messages of requests) {
          await transaction.send({
            messages: messages.map(({ topic, key, value, headers, timeMs }) => ({
              topic,
              key,
              ...(value === null ? {} : { value }),
              headers: { ...headers },
              timestamp: BigInt(timeMs),
            })),
          });
        }
        await transaction.commit();
      },
      close: () => producer.close(true),
    };
  });
