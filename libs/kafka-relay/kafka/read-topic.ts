import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { REQUEST_TIMEOUT_MS } from '../limits.js';

// kafkajs reads topics for consumer groups only. A group would make a starting relay wait for its first assignment (3 s with a broker's
// default settings) and leave a group behind each time, so this uses the client's inner parts. The version of kafkajs is pinned, and the tests of
// the relay fail if they change.

const READ_COMMITTED = 1;
const NO_REPLICA = -1;
const FETCH_BYTES = 8 * 1024 * 1024;
const WAIT_MS = 500;
/** A topic that was made a moment ago may have no leader yet. */
const LEADER_TRIES = 50;
const LEADER_PAUSE_MS = 50;
const CREATE_CLUSTER = 'private:Kafka:createCluster';

/** What a fetch returned, without aborted transactions and control records. */
interface Batch {
  readonly messages: readonly KafkaMessage[];
  readonly rawMessages: readonly { readonly offset: string }[];
}
const Batch = createRequire(__filename)('kafkajs/src/consumer/batch') as new (
  topic: string,
  fetchedOffset: string,
  partition: object,
) => Batch;

interface InnerBroker {
  fetch(request: object): Promise<{ readonly responses: readonly { readonly partitions: readonly object[] }[] }>;
}

interface InnerCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
  findBroker(which: { readonly nodeId: string }): Promise<InnerBroker>;
  fetchTopicsOffset(
    topics: readonly { topic: string; partitions: readonly { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<readonly { readonly partitions: readonly { readonly offset: string }[] }[]>;
}

function innerCluster(kafka: Kafka): InnerCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER);
  const create = symbol && (kafka as unknown as Record<symbol, (options: object) => InnerCluster>)[symbol];
  if (create === undefined) throw new Error('this version of kafkajs cannot be read with');
  return create({
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
    maxInFlightRequests: null,
    metadataMaxAge: REQUEST_TIMEOUT_MS,
  });
}

/** Reads a topic to its present end, committed records only. */
export async function readTopic(kafka: Kafka, topic: string, visit: (message: KafkaMessage) => void): Promise<void> {
  const cluster = innerCluster(kafka);
  try {
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) {
      const offsetAt = async (fromBeginning: boolean): Promise<bigint> => {
        const [found] = await cluster.fetchTopicsOffset([
          { topic, partitions: [{ partition: partitionId }], fromBeginning },
        ]);
        return BigInt(found?.partitions[0]?.offset ?? 0);
      };
      const end = await onceLed(() => offsetAt(false));
      const broker = await cluster.findBroker({ nodeId: String(leader) });
      for (let offset = await offsetAt(true); offset < end;)
        offset = await readOn(broker, topic, partitionId, offset, visit);
    }
  } finally {
    await cluster.disconnect();
  }
}

async function onceLed<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if ((error as { type?: string }).type !== 'NOT_LEADER_FOR_PARTITION' || tries === LEADER_TRIES) throw error;
      await delay(LEADER_PAUSE_MS);
    }
  }
}

/** Visits what one fetch brings and returns the offset after it. */
async function readOn(
  broker: InnerBroker,
  topic: string,
  partition: number,
  offset: bigint,
  visit: (message: KafkaMessage) => void,
): Promise<bigint> {
  const fetchOffset = String(offset);
  const { responses } = await broker.fetch({
    replicaId: NO_REPLICA,
    isolationLevel: READ_COMMITTED,
    maxWaitTime: WAIT_MS,
    minBytes: 1,
    maxBytes: FETCH_BYTES,
    topics: [{ topic, partitions: [{ partition, fetchOffset, maxBytes: FETCH_BYTES }] }],
  });
  const batch = new Batch(topic, fetchOffset, responses[0]!.partitions[0]!);
  for (const message of batch.messages) visit(message);
  const last = batch.rawMessages.at(-1);
  const next = last === undefined ? offset : BigInt(last.offset) + 1n;
  // Compaction can leave an empty batch, which says nothing of where it ends.
  return next > offset ? next : offset + 1n;
}
