import type { Kafka } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { BATCH_BYTES, CLOSE_BOUND_MS, REQUEST_BYTES, REQUEST_TIMEOUT_MS, TRANSACTION_TIMEOUT_MS } from '../limits.js';
import { sizeOf } from '../record.js';
import {
  innerCluster,
  sendProduce,
  TRANSACTION_COORDINATOR,
  type InnerBroker,
  type InnerCluster,
} from './inner-kafkajs.js';
import { partitionOf } from './partition.js';
import { COMPLETING, untilAnswered } from './passing.js';
import { ProtocolBytes } from './protocol-bytes.js';
import { writeBatch, type BatchRecord } from './record-batch.js';
import type { KafkaSettings } from './settings.js';

/** After the highest sequence comes 0. */
const SEQUENCES = 2 ** 31;
const ALL_REPLICAS = -1;

export interface ProducerOptions {
  readonly transactionalId: string;
  /** Every topic that it may write to. */
  readonly topics: readonly string[];
  readonly compression: KafkaSettings['compression'];
}

interface Partition {
  readonly topic: string;
  readonly partition: number;
  /** The id of the broker that leads it. */
  readonly leader: number;
  /** Of the next record. */
  sequence: number;
}

/** Records that go to a partition as one batch. */
interface Portion {
  readonly records: BatchRecord[];
  bytes: number;
}
type Request = ReadonlyMap<Partition, Portion>;

/** As the coordinator handed it out. */
interface Identity {
  readonly transactionalId: string;
  readonly producerId: string;
  readonly producerEpoch: number;
}

/**
 * Transactions over kafkajs's connections, in three steps: tell the coordinator the partitions, send the records, commit. (kafkajs's own
 * producer asks who the coordinator is before each step, and for the metadata of all topics each time that it is too early for a step.)
 *
 * After an error it is of no more use: opening another one ends what this one left open.
 */
export class TransactionalProducer {
  /** The request for each leader. Only one is on its way at a time, so that each can be written over the one before. */
  private readonly bodies = new Map<number, ProtocolBytes>();

  private constructor(
    private readonly cluster: InnerCluster,
    private readonly coordinator: InnerBroker,
    private readonly identity: Identity,
    private readonly partitions: ReadonlyMap<string, readonly Partition[]>,
    private readonly compression: KafkaSettings['compression'],
  ) {}

  /** Fences every earlier producer with this id, and aborts what it left open. */
  static async open(
    kafka: Kafka,
    { transactionalId, topics, compression }: ProducerOptions,
  ): Promise<TransactionalProducer> {
    const cluster = innerCluster(kafka);
    try {
      await cluster.connect();
      await untilAnswered(() => cluster.addMultipleTargetTopics(topics));
      await untilAnswered(() => confirmLeaders(cluster, topics));
      const { coordinator, producerId, producerEpoch } = await untilAnswered(async () => {
        const found = await cluster.findGroupCoordinator({
          groupId: transactionalId,
          coordinatorType: TRANSACTION_COORDINATOR,
        });
        const identity = await found.initProducerId({ transactionalId, transactionTimeout: TRANSACTION_TIMEOUT_MS });
        return { coordinator: found, ...identity };
      });
      const partitions = new Map(topics.map((topic) => [topic, partitionsOf(cluster, topic)]));
      const identity = { transactionalId, producerId, producerEpoch };
      return new TransactionalProducer(cluster, coordinator, identity, partitions, compression);
    } catch (error) {
      await cluster.disconnect().catch(() => undefined);
      throw error;
    }
  }

  /** Makes records visible, all at once; those of a topic in their order. @throws Error if they did not become so, or if that is not known. */
  async transact(records: ReadonlyMap<string, readonly BatchRecord[]>): Promise<void> {
    const requests = this.requests(records);
    await this.begin(new Set(requests.flatMap((request) => [...request.keys()])));
    for (const request of requests) await this.send(request);
    await this.coordinator.endTxn({ ...this.identity, transactionResult: true });
  }

  close(): Promise<void> {
    const closed = this.cluster.disconnect().catch(() => undefined);
    return Promise.race([closed, delay(CLOSE_BOUND_MS, undefined, { ref: false })]);
  }

  /** Portions that a broker takes in one request each; one, but for very large transactions. */
  private requests(records: ReadonlyMap<string, readonly BatchRecord[]>): Request[] {
    const requests: Map<Partition, Portion>[] = [];
    let bytesLeft = 0;
    for (const [topic, ofTopic] of records) {
      const partitions = this.partitions.get(topic)!;
      for (const record of ofTopic) {
        const partition = partitions[partitionOf(record.key, partitions.length)]!;
        const bytes = sizeOf(record);
        let portion = requests.at(-1)?.get(partition);
        if (bytes > bytesLeft || (portion !== undefined && portion.bytes + bytes > BATCH_BYTES)) {
          requests.push(new Map());
          bytesLeft = REQUEST_BYTES;
          portion = undefined;
        }
        if (portion === undefined) requests.at(-1)!.set(partition, (portion = { records: [], bytes: 0 }));
        portion.records.push(record);
        portion.bytes += bytes;
        bytesLeft -= bytes;
      }
    }
    return requests;
  }

  /** Waits until the transaction before is completed, too. */
  private async begin(partitions: ReadonlySet<Partition>): Promise<void> {
    const byTopic = Map.groupBy(partitions, ({ topic }) => topic);
    const topics = Array.from(byTopic, ([topic, of]) => ({ topic, partitions: of.map(({ partition }) => partition) }));
    await untilAnswered(() => this.coordinator.addPartitionsToTxn({ ...this.identity, topics }), COMPLETING);
  }

  private async send(request: Request): Promise<void> {
    const byLeader = Map.groupBy(request, ([{ leader }]) => leader);
    await Promise.all(
      Array.from(byLeader, async ([leader, portions]) => {
        const body = this.bodies.get(leader) ?? new ProtocolBytes();
        this.bodies.set(leader, body);
        await this.write(body, portions);
        const broker = await this.cluster.findBroker({ nodeId: String(leader) });
        await sendProduce(broker, body.written());
      }),
    );
  }

  /** The body of a produce request, in the form that it has from version 3 (which brought transactions) to 8; kafkajs knows up to 7. */
  private async write(body: ProtocolBytes, portions: readonly [Partition, Portion][]): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = this.identity;
    body.cut(0);
    body.string(transactionalId);
    body.int16(ALL_REPLICAS);
    body.int32(REQUEST_TIMEOUT_MS);
    body.int32(portions.length);
    for (const [to, { records }] of portions) {
      body.string(to.topic);
      body.int32(1);
      body.int32(to.partition);
      const sizeAt = body.length;
      body.int32(0);
      const producer = { id: BigInt(producerId), epoch: producerEpoch, sequence: to.sequence };
      to.sequence = (to.sequence + records.length) % SEQUENCES;
      await writeBatch(body, records, producer, this.compression);
      const batch = body.written(sizeAt);
      batch.writeInt32BE(batch.length - Int32Array.BYTES_PER_ELEMENT);
    }
  }
}

/** Has every partition's leader say that it leads it: a new topic's does not know at once, and a leader that has moved is found. */
async function confirmLeaders(cluster: InnerCluster, topics: readonly string[]): Promise<void> {
  await cluster.refreshMetadata();
  const asked = topics.map((topic) => ({
    topic,
    partitions: cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId })),
    fromBeginning: false,
  }));
  await cluster.fetchTopicsOffset(asked);
}

function partitionsOf(cluster: InnerCluster, topic: string): Partition[] {
  const found = cluster.findTopicPartitionMetadata(topic);
  return found
    .map(({ partitionId, leader }) => ({ topic, partition: partitionId, leader, sequence: 0 }))
    .toSorted((a, b) => a.partition - b.partition);
}
