import { createRequire } from 'node:module';
import type { Kafka, KafkaMessage } from 'kafkajs';
import { REQUEST_TIMEOUT_MS } from '../limits.js';

// What the relay uses of kafkajs beside its public face, all of it named here; docs/adr/0019 says why. The version of kafkajs is pinned, and
// the tests of the relay fail if these parts change.

const require = createRequire(__filename);
const CREATE_CLUSTER = 'private:Kafka:createCluster';
/** The isolation level of what is read. */
export const READ_COMMITTED = 1;

/** Of `FindCoordinator`: the one of a transactional id. */
export const TRANSACTION_COORDINATOR = 1;

interface ProtocolEncoder {
  writeInt16(value: number): this;
  writeInt32(value: number): this;
  writeString(value: string): this;
  writeBytes(value: Buffer): this;
}
const ProtocolEncoder = require('kafkajs/src/protocol/encoder') as new (size: number) => ProtocolEncoder;

/** A request as the client sends it; `encode` gives what comes after its header. */
interface ProtocolRequest {
  readonly request: { readonly encode: () => Promise<ProtocolEncoder> };
  readonly response: object;
}

export interface InnerBroker {
  fetch(request: object): Promise<{ readonly responses: readonly { readonly partitions: readonly object[] }[] }>;
  initProducerId(request: {
    readonly transactionalId: string;
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(request: object): Promise<unknown>;
  endTxn(request: object): Promise<unknown>;
  lookupRequest(apiKey: number, definitions: object): (request: object) => ProtocolRequest;
  readonly connectionPool: { send(request: ProtocolRequest): Promise<unknown> };
}

export interface InnerCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
  findBroker(which: { readonly nodeId: string }): Promise<InnerBroker>;
  findGroupCoordinator(which: { readonly groupId: string; readonly coordinatorType: number }): Promise<InnerBroker>;
  fetchTopicsOffset(
    topics: readonly { topic: string; partitions: readonly { partition: number }[]; fromBeginning: boolean }[],
  ): Promise<readonly { readonly partitions: readonly { readonly offset: string }[] }[]>;
}

/** The client's own connections, with its settings: addresses, TLS, SASL, time-outs, metadata. Answers of fetches are committed records. */
export function innerCluster(kafka: Kafka): InnerCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER);
  const create = symbol && (kafka as unknown as Record<symbol, (options: object) => InnerCluster>)[symbol];
  if (create === undefined) throw new Error('this version of kafkajs has other inner parts');
  return create({
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
    maxInFlightRequests: null,
    metadataMaxAge: REQUEST_TIMEOUT_MS,
  });
}

/** What a fetch returned, without aborted transactions and control records. */
export interface FetchedBatch {
  readonly messages: readonly KafkaMessage[];
  readonly rawMessages: readonly { readonly offset: string }[];
}
export const FetchedBatch = require('kafkajs/src/consumer/batch') as new (
  topic: string,
  fetchedOffset: string,
  partition: object,
) => FetchedBatch;

/** CRC-32C of bytes. */
export const crc32c = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Uint8Array) => number;

const { Produce: PRODUCE_KEY } = require('kafkajs/src/protocol/requests/apiKeys') as { readonly Produce: number };
const { requests } = require('kafkajs/src/protocol/requests') as { readonly requests: { readonly Produce: object } };
const ALL_REPLICAS = -1;
/** Of the bytes around a batch: enough that the encoder need not grow. */
const ABOUT_NAMES = 512;

/** A batch of records as Kafka stores it, and where it goes. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly batch: Buffer;
}

/** Sends batches in one request, and returns when all in-sync replicas have them. @throws what kafkajs throws, also for an error of one partition. */
export async function produce(
  broker: InnerBroker,
  transactionalId: string,
  timeoutMs: number,
  batches: readonly PartitionBatch[],
): Promise<void> {
  const { request, response } = broker.lookupRequest(
    PRODUCE_KEY,
    requests.Produce,
  )({ acks: ALL_REPLICAS, topicData: [] });
  // From version 3, which transactions came with, to version 8 the body has this form; kafkajs knows up to 7.
  const size = batches.reduce((sum, { batch }) => sum + batch.length + ABOUT_NAMES, ABOUT_NAMES);
  const body = new ProtocolEncoder(size).writeString(transactionalId).writeInt16(ALL_REPLICAS).writeInt32(timeoutMs);
  body.writeInt32(batches.length);
  for (const { topic, partition, batch } of batches)
    body.writeString(topic).writeInt32(1).writeInt32(partition).writeBytes(batch);
  await broker.connectionPool.send({ request: { ...request, encode: async () => body }, response });
}
