import { CompressionTypes, type Kafka, type Message, type Producer, type TopicMessages, Partitioners } from 'kafkajs';
import { REQUEST_BYTES, TRANSACTION_TIMEOUT_MS } from '../limits.js';
import { LATEST_TYPES, sizeOf, type Place, type Position, type RelayRecord } from '../record.js';
import type { Publication, RecordSink, SinkSession } from '../sink.js';
import { readTopic } from './read-topic.js';
import { controlTopic, kafkaClient, topicName, transactionalId, type KafkaSettings } from './settings.js';
import { ensureTopics } from './topics.js';

const HEAD = 'head/';
const COMPRESSION = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP } as const;

/** What the control topic says. */
interface Control {
  readonly position: Position | undefined;
  readonly heads: Map<string, Place>;
  /** Another store was published to these topics before. */
  readonly hasOtherEpochs: boolean;
}

/** The place of a key's latest event, and the log and generation in which that holds. */
interface StoredHead extends Place {
  readonly epoch: string;
  readonly generation: number;
}

/**
 * Kafka as a sink. The transactional id is the same for every relay: whoever opens a session makes Kafka fence all earlier ones and abort
 * what they left open, and only then reads the position, which nobody else can move any more. A session that failed is never used again:
 * whether its last transaction is visible is what the next one reads.
 */
export class KafkaSink implements RecordSink {
  private readonly kafka: Kafka;

  constructor(
    private readonly settings: KafkaSettings,
    note?: (message: string) => void,
  ) {
    this.kafka = kafkaClient(settings, note);
  }

  async open(storeEpoch: string): Promise<SinkSession> {
    const maxValueBytes = await this.withTopics();
    const producer = this.kafka.producer({
      transactionalId: transactionalId(this.settings.prefix),
      transactionTimeout: TRANSACTION_TIMEOUT_MS,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    try {
      await producer.connect();
      // kafkajs fences with its first transaction, not by connecting: an empty one, before the position is read.
      await (await producer.transaction()).abort();
      const control = await this.readControl(storeEpoch);
      const session = new KafkaSession(producer, this.settings, storeEpoch, control, maxValueBytes);
      if (control.position === undefined && control.hasOtherEpochs) await this.forgetLatest(session);
      return session;
    } catch (error) {
      await producer.disconnect().catch(() => undefined);
      throw error;
    }
  }

  private async withTopics(): Promise<number> {
    const admin = this.kafka.admin();
    try {
      await admin.connect();
      return await ensureTopics(admin, this.settings);
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  private async readControl(storeEpoch: string): Promise<Control> {
    let position: Position | undefined;
    let hasOtherEpochs = false;
    const stored = new Map<string, StoredHead>();
    await readTopic(this.kafka, controlTopic(this.settings.prefix), ({ key, value }) => {
      const name = key?.toString() ?? '';
      const content: unknown = JSON.parse(value?.toString() ?? 'null');
      if (name.startsWith(HEAD)) stored.set(name.slice(HEAD.length), content as StoredHead);
      else if (name === storeEpoch) position = content as Position;
      else hasOtherEpochs = true;
    });
    const heads = new Map<string, Place>();
    for (const [key, { epoch, generation, index, seq }] of stored) {
      if (epoch === storeEpoch && generation === position?.generation) heads.set(key, { index, seq });
    }
    return { position, heads, hasOtherEpochs };
  }

  /** Objects of the log that was here before the restore must not stay the latest ones: the new log says anew what there is. */
  private async forgetLatest(session: KafkaSession): Promise<void> {
    const records: RelayRecord[] = [];
    for (const topic of LATEST_TYPES) {
      const living = new Map<string, RelayRecord>();
      await readTopic(this.kafka, topicName(this.settings.prefix, topic), ({ key, value, timestamp }) => {
        const name = key?.toString() ?? '';
        if (value === null) living.delete(name);
        else living.set(name, { topic, key: name, value: null, headers: {}, timeMs: Number(timestamp) });
      });
      records.push(...living.values());
    }
    await session.publish({ records, position: { index: 0, generation: 1 }, heads: new Map() });
  }
}

class KafkaSession implements SinkSession {
  constructor(
    private readonly producer: Producer,
    private readonly settings: KafkaSettings,
    private readonly storeEpoch: string,
    private readonly control: Control,
    readonly maxValueBytes: number,
  ) {}

  get position(): Position | undefined {
    return this.control.position;
  }

  get heads(): ReadonlyMap<string, Place> {
    return this.control.heads;
  }

  async publish({ records, position, heads }: Publication): Promise<void> {
    const transaction = await this.producer.transaction();
    const compression = COMPRESSION[this.settings.compression];
    for (const request of this.requests(records, this.controlMessages(position, heads))) {
      await transaction.sendBatch({ topicMessages: request, compression });
    }
    await transaction.commit();
  }

  async close(): Promise<void> {
    await this.producer.disconnect().catch(() => undefined);
  }

  private controlMessages(position: Position, heads: ReadonlyMap<string, Place>): Message[] {
    const { generation } = position;
    const placed = Array.from(heads, ([key, place]): Message => {
      const head: StoredHead = { epoch: this.storeEpoch, generation, ...place };
      return { key: `${HEAD}${key}`, value: JSON.stringify(head) };
    });
    return [...placed, { key: this.storeEpoch, value: JSON.stringify(position) }];
  }

  /** Portions that a broker takes in one request each. The control records go with the first: a small transaction is one request. */
  private *requests(records: readonly RelayRecord[], control: Message[]): Generator<TopicMessages[]> {
    const { prefix } = this.settings;
    let topics = new Map<string, Message[]>([[controlTopic(prefix), control]]);
    let size = 0;
    const request = (): TopicMessages[] => Array.from(topics, ([topic, messages]) => ({ topic, messages }));
    for (const record of records) {
      const bytes = sizeOf(record);
      if (size > 0 && size + bytes > REQUEST_BYTES) {
        yield request();
        topics = new Map();
        size = 0;
      }
      size += bytes;
      const topic = topicName(prefix, record.topic);
      const message: Message = {
        key: record.key,
        value: record.value,
        headers: record.headers,
        timestamp: String(record.timeMs),
      };
      const messages = topics.get(topic);
      if (messages === undefined) topics.set(topic, [message]);
      else messages.push(message);
    }
    yield request();
  }
}
