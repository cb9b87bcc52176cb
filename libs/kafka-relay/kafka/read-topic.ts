import type { Kafka, KafkaMessage } from 'kafkajs';
import { FetchedBatch, innerCluster, READ_COMMITTED, type InnerBroker } from './inner-kafkajs.js';
import { untilAnswered } from './passing.js';

// kafkajs reads topics for consumer groups only. A group would make a starting relay wait for its first assignment (3 s with a broker's
// default settings) and leave a group behind each time, so this uses the client's inner parts.

const NO_REPLICA = -1;
const FETCH_BYTES = 8 * 1024 * 1024;
const WAIT_MS = 500;

/** Reads a topic to its present end, committed records only. */
export async function readTopic(kafka: Kafka, topic: string, visit: (message: KafkaMessage) => void): Promise<void> {
  const cluster = innerCluster(kafka);
  try {
    await cluster.connect();
    await untilAnswered(() => cluster.addMultipleTargetTopics([topic]));
    for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) {
      const offsetAt = async (fromBeginning: boolean): Promise<bigint> => {
        const [found] = await cluster.fetchTopicsOffset([
          { topic, partitions: [{ partition: partitionId }], fromBeginning },
        ]);
        return BigInt(found?.partitions[0]?.offset ?? 0);
      };
      const end = await untilAnswered(() => offsetAt(false));
      const broker = await cluster.findBroker({ nodeId: String(leader) });
      for (let offset = await offsetAt(true); offset < end;)
        offset = await readOn(broker, topic, partitionId, offset, visit);
    }
  } finally {
    await cluster.disconnect();
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
  const batch = new FetchedBatch(topic, fetchOffset, responses[0]!.partitions[0]!);
  for (const message of batch.messages) visit(message);
  const last = batch.rawMessages.at(-1);
  const next = last === undefined ? offset : BigInt(last.offset) + 1n;
  // Compaction can leave an empty batch, which says nothing of where it ends.
  return next > offset ? next : offset + 1n;
}
