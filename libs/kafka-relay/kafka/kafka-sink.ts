import type { Kafka } from 'kafkajs';
import { LATEST_TYPES, type Place, type Position, type RecordTopic, type RelayRecord } from '../record.js';
import type { Publication, RecordSink, SinkSession } from '../sink.js';
import { readTopic } from './read-topic.js';
import type { BatchRecord } from './record-batch.js';
import { controlTopic, kafkaClient, topicName, transactionalId, type KafkaSettings } from './settings.js';
import { ensureTopics } from './topics.js';
import { TransactionalProducer } from './transactional-producer.js';

const HEAD = 'head/';
const TOPICS: readonly RecordTopic[] = ['events', ...LATEST_TYPES];

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
    const { prefix, compression } = this.settings;
    const producer = await TransactionalProducer.open(this.kafka, {
      transactionalId: transactionalId(prefix),
      topics: [controlTopic(prefix), ...TOPICS.map((topic) => topicName(prefix, topic))],
      compression,
    });
    try {
      const control = await this.readControl(storeEpoch);
      const session = new KafkaSession(producer, this.settings, storeEpoch, control, maxValueBytes);
      if (control.position === undefined && control.hasOtherEpochs) await this.forgetLatest(session);
      return session;
    } catch (error) {
      await producer.close();
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
    private readonly producer: TransactionalProducer,
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

  publish({ records, position, heads }: Publication): Promise<void> {
    const { prefix } = this.settings;
    const byTopic = Map.groupBy(records, ({ topic }) => topic);
    return this.producer.transact(
      new Map<string, readonly BatchRecord[]>([
        ...Array.from(byTopic, ([topic, ofTopic]) => [topicName(prefix, topic), ofTopic] as const),
        [controlTopic(prefix), this.controlRecords(position, heads)],
      ]),
    );
  }

  close(): Promise<void> {
    return this.producer.close();
  }

  private controlRecords(position: Position, heads: ReadonlyMap<string, Place>): BatchRecord[] {
    const { generation } = position;
    const timeMs = Date.now();
    const record = (key: string, content: Position | StoredHead): BatchRecord => ({
      key,
      value: JSON.stringify(content),
      headers: {},
      timeMs,
    });
    const placed = Array.from(heads, ([key, place]) =>
      record(`${HEAD}${key}`, { epoch: this.storeEpoch, generation, ...place }),
    );
    return [...placed, record(this.storeEpoch, position)];
  }
}
