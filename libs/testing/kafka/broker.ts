import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { calmKafkajs } from '@app/consumer';
import { Kafka, logLevel } from 'kafkajs';

const START_BOUND_MS = 60_000;
const POLL_MS = 50;

/** A Kafka for tests. */
export interface TestKafka {
  readonly brokers: readonly string[];
  /** Where the proxy finds the broker, if there is one. */
  readonly proxiedPort: number | undefined;
  /** Whether it is this process's own: only then can it be killed, paused and started again. */
  readonly own: boolean;
  /** Ends it in order and removes its data. */
  readonly stop: () => Promise<void>;
  /** Ends it at once; the data stays. */
  readonly kill: () => Promise<void>;
  /** Starts it again on the same data and ports; resolves when it answers. */
  readonly restart: () => Promise<void>;
  /** Stops it without ending it (SIGSTOP): connections stay open and nothing answers. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Told when it ends by itself or is killed by somebody else; only where it is a process of this one. */
  onDeath?: () => void;
}

/** What the broker listens on, for itself and directly, and for those who come through a proxy; and that proxy's own. */
export interface BrokerPorts {
  readonly direct: number;
  readonly controller: number;
  readonly proxied: number;
  readonly proxy: number;
}

/** Where the broker listens, and by which name it is reached. */
export interface BrokerHosts {
  readonly listen: string;
  readonly advertised: string;
}

/** One of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Free ones; without a proxy its listener is reached directly. */
export async function brokerPorts(proxyPort: number | undefined): Promise<BrokerPorts> {
  const [direct, controller, proxied] = [await freePort(), await freePort(), await freePort()];
  return { direct, controller, proxied, proxy: proxyPort ?? proxied };
}

/**
 * The settings of a broker that is alone, or that is one of a cluster: each is a controller as well and has everything, and most must have a
 * record before it counts. Whoever comes through the proxy is told its address, by a listener of its own: brokers talk to themselves directly. Index files are mapped: the kernel fills them with zeros as soon as a new partition gets its first records, so they are small.
 */
export const brokerSettings = (
  hosts: BrokerHosts,
  ports: BrokerPorts,
  dataDirectory: string,
  cluster: readonly BrokerPorts[] = [ports],
): Readonly<Record<string, string | number>> => ({
  'process.roles': 'broker,controller',
  'node.id': nodeId(cluster, ports),
  'controller.quorum.voters': cluster.map((of) => `${nodeId(cluster, of)}@127.0.0.1:${of.controller}`).join(','),
  listeners: `PLAINTEXT://${hosts.listen}:${ports.direct},PROXIED://${hosts.listen}:${ports.proxied},CONTROLLER://127.0.0.1:${ports.controller}`,
  'advertised.listeners': `PLAINTEXT://${hosts.advertised}:${ports.direct},PROXIED://127.0.0.1:${ports.proxy}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'log.dirs': dataDirectory,
  'num.partitions': 1,
  'auto.create.topics.enable': 'false',
  'log.index.size.max.bytes': 1_048_576,
  'min.insync.replicas': majority(cluster),
  'offsets.topic.replication.factor': cluster.length,
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.replication.factor': cluster.length,
  'transaction.state.log.min.isr': majority(cluster),
  'transaction.state.log.num.partitions': 1,
  'group.initial.rebalance.delay.ms': 0,
  'broker.heartbeat.interval.ms': 500,
  'broker.session.timeout.ms': 4000,
});

const nodeId = (cluster: readonly BrokerPorts[], broker: BrokerPorts): number => cluster.indexOf(broker) + 1;
const majority = ({ length }: readonly BrokerPorts[]): number => Math.floor(length / 2) + 1;

/** Resolves when the broker answers. @throws Error if `hasEnded` says so, or if it does not answer in time. */
export async function untilAnswering(broker: string, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + START_BOUND_MS;
  calmKafkajs();
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  for (;;) {
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.listTopics();
      return;
    } catch (error) {
      if (hasEnded()) throw new Error('Kafka has ended', { cause: error });
      if (Date.now() > deadline) throw new Error(`Kafka does not answer after ${START_BOUND_MS} ms`, { cause: error });
      await delay(POLL_MS);
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}
