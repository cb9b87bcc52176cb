import { docker, noteContainer } from '../docker/docker.js';
import { brokerPorts, brokerSettings, untilAnswering, type TestKafka } from './broker.js';

export const KAFKA_IMAGE = 'apache/kafka:4.1.0';

/** The image's own way of writing settings. */
const asEnvironment = (settings: Readonly<Record<string, string | number>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, String(value)]),
  );

/**
 * Apache Kafka in a container. Its ports are the same inside and outside: so it can be reached by what it advertises, and again after a restart.
 * The end of the test run removes it, unless it was stopped before.
 */
export async function startKafkaContainer(proxyPort: number | undefined, runDirectory: string): Promise<TestKafka> {
  const ports = await brokerPorts(proxyPort);
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime;
  const settings = brokerSettings({ listen: '0.0.0.0', advertised: host }, ports, '/var/lib/kafka/data');
  const started = await new GenericContainer(KAFKA_IMAGE)
    .withEnvironment({ ...asEnvironment(settings), KAFKA_HEAP_OPTS: '-Xms256m -Xmx512m' })
    .withExposedPorts(...[ports.direct, ports.proxied].map((port) => ({ container: port, host: port })))
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start();
  const id = started.getId();
  noteContainer(runDirectory, id);
  const broker = `${host}:${ports.direct}`;
  const answers = (): Promise<void> => untilAnswering(broker, () => false);
  await answers();
  return {
    brokers: [broker],
    proxiedPort: ports.proxied,
    own: true,
    stop: async () => docker('rm', '--force', '--volumes', id),
    kill: async () => docker('kill', id),
    restart: () => {
      docker('start', id);
      return answers();
    },
    pause: () => docker('pause', id),
    resume: () => docker('unpause', id),
  };
}
