import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { ISocketFactory, Kafka, KafkaMessage } from 'kafkajs';
import { CONNECT_TIMEOUT_MS, REQUEST_TIMEOUT_MS } from '../limits.js';
import { ProtocolBytes } from './protocol-bytes.js';

// What the relay uses of kafkajs beside its public face, all of it named here; docs/adr/0019 says why. The version of kafkajs is pinned, and
// the tests of the relay fail if these parts change.

const require = createRequire(__filename);
const CREATE_CLUSTER = 'private:Kafka:createCluster';
/** The isolation level of what is read. */
export const READ_COMMITTED = 1;

/** Of `FindCoordinator`: the one of a transactional id. */
export const TRANSACTION_COORDINATOR = 1;

interface ProtocolRequest {
  readonly request: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string };
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<{ readonly clientSideThrottleTime?: number }>;
    readonly parse: (decoded: object) => Promise<object>;
  };
}

interface InnerConnection {
  readonly clientId: string;
  readonly socket: Pick<Socket, 'cork' | 'write' | 'uncork'>;
  readonly requestQueue: {
    push(request: object): void;
    maybeThrottle(ms: number | null): void;
  };
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  failIfNotConnected(): void;
  nextCorrelationId(): number;
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
  readonly connectionPool: { getConnection(): Promise<InnerConnection> };
}

export interface InnerCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
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

const socketFactory = (require('kafkajs/src/network/socketFactory') as () => ISocketFactory)();

/**
 * Sockets on which the first answer, too, must come in time; `failed` is told of those that come to nothing. A kernel accepts connections for a
 * broker that hangs, and kafkajs would ask that one again and again, for minutes; of one that it cannot connect to, it lets go.
 */
export const impatientSockets =
  (failed: () => void): ISocketFactory =>
  (to) => {
    const socket = socketFactory(to);
    socket.once('error', failed);
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      failed();
      socket.destroy();
    });
    socket.once('data', () => socket.setTimeout(0));
    return socket;
  };

/** CRC-32C of bytes. */
export const crc32c = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Uint8Array) => number;

const { Produce: PRODUCE_KEY } = require('kafkajs/src/protocol/requests/apiKeys') as { readonly Produce: number };
const { requests } = require('kafkajs/src/protocol/requests') as { readonly requests: { readonly Produce: object } };
/** The sizes of what stands before a request's client id: its length, what it is, and which one. */
const LENGTH_BYTES = 4;
const FIXED_HEADER_BYTES = 10;

/**
 * Sends a produce request whose body is ready, and returns when it is answered. The body must not change until then. (kafkajs's own way copies it
 * into two more buffers of up to twice its size.) @throws what kafkajs throws, also for an error of one partition.
 */
export async function sendProduce(broker: InnerBroker, body: Buffer): Promise<void> {
  const { request, response } = broker.lookupRequest(PRODUCE_KEY, requests.Produce)({ topicData: [] });
  const connection = await broker.connectionPool.getConnection();
  if (!connection.isAuthenticated()) await connection.authenticate();
  // What is sent to a connection that is gone would never be answered.
  connection.failIfNotConnected();
  const { apiKey, apiName, apiVersion } = request;
  const { clientId, requestQueue, socket } = connection;
  const correlationId = connection.nextCorrelationId();
  const header = new ProtocolBytes(LENGTH_BYTES + FIXED_HEADER_BYTES + Buffer.byteLength(clientId));
  header.int32(FIXED_HEADER_BYTES + Buffer.byteLength(clientId) + body.length);
  header.int16(apiKey);
  header.int16(apiVersion);
  header.int32(correlationId);
  header.string(clientId);
  const sendRequest = (): void => {
    socket.cork();
    socket.write(header.written());
    socket.write(body);
    socket.uncork();
  };
  const { payload } = await new Promise<{ readonly payload: Buffer }>((resolve, reject) => {
    const entry = { apiKey, apiName, apiVersion, correlationId, resolve, reject };
    requestQueue.push({ entry, expectResponse: true, requestTimeout: null, sendRequest });
  });
  const answer = await response.decode(payload);
  requestQueue.maybeThrottle(answer.clientSideThrottleTime ?? null);
  await response.parse(answer);
}
