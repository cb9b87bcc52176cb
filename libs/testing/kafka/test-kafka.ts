import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerHasImage } from '../docker/docker.js';
import type { TestKafka } from './broker.js';
import { KAFKA_IMAGE, startKafkaContainer } from './kafka-container.js';
import { kafkaJars } from './kafka-jars.js';
import { KafkaProcess } from './kafka-process.js';
import type { SecuredListener } from './secured-listener.js';

export interface TestKafkaOptions {
  /** Port of 127.0.0.1 of a proxy, to which the broker sends back whoever comes through it. */
  readonly proxyPort?: number;
  /** Of a broker from jars: where its data are kept and found again. */
  readonly directory?: string;
  /** Of a broker from jars: where it is reached. */
  readonly port?: number;
}

/** A Kafka with a listener, too, that wants TLS and a login. */
export interface SecuredKafka extends Pick<TestKafka, 'brokers' | 'stop'> {
  readonly secured: SecuredListener;
}

type Source =
  | { readonly kind: 'given'; readonly brokers: readonly string[] }
  | { readonly kind: 'container'; readonly runDirectory: string }
  | { readonly kind: 'jars'; readonly directory: string }
  | { readonly kind: 'none'; readonly reason: string };

let source: Source | undefined;

/**
 * The brokers of `KAFKA_BROKERS` if given, else a container if Docker runs and has the image, else Apache Kafka from its jars, else the reason why
 * there is none. Containers are for test runs only, whose end removes them; the stack and the fault suite are made of processes.
 */
function findSource(): Source {
  const given = process.env['KAFKA_BROKERS'];
  if (given) return { kind: 'given', brokers: given.split(',') };
  const runDirectory = process.env['TEST_RUN_DIR'];
  return runDirectory && dockerHasImage(KAFKA_IMAGE) ? { kind: 'container', runDirectory } : kafkaJars();
}

const kafkaSource = (): Source => (source ??= findSource());

/** Why there is no Kafka for tests; undefined: there is one. Fetches it when it is asked for the first time. */
export function whyNoKafka(): string | undefined {
  const found = kafkaSource();
  return found.kind === 'none' ? found.reason : undefined;
}

/** `describe` for tests that need a Kafka. Where there is none they count as skipped, and the reason is said. */
export const describeWithKafka = (name: string, suite: () => void): void => describeUnless(whyNoKafka(), name, suite);

/** The same for tests of a {@link startSecuredKafka} or a {@link startKafkaCluster}. */
export function describeWithKafkaJars(name: string, suite: () => void): void {
  const found = kafkaJars();
  describeUnless(found.kind === 'none' ? found.reason : undefined, name, suite);
}

function describeUnless(reason: string | undefined, name: string, suite: () => void): void {
  if (reason === undefined) return describe(name, suite);
  process.stderr.write(`\nskipped, since ${reason}: ${name}\n`);
  describe.skip(`${name} (skipped: ${reason})`, suite);
}

const notOurs = (): never => {
  throw new Error('a given Kafka is not killed, paused or started by tests');
};

const givenKafka = (brokers: readonly string[]): TestKafka => ({
  brokers,
  proxiedPort: undefined,
  own: false,
  stop: async () => undefined,
  kill: notOurs,
  restart: notOurs,
  pause: notOurs,
  resume: notOurs,
});

/** The end of the test run says which one it was. */
function say(provider: string): void {
  const directory = process.env['TEST_RUN_DIR'];
  if (directory) writeFileSync(join(directory, 'kafka'), provider);
}

/** Starts a Kafka (three to ten seconds), or takes the given one. @throws Error where there is none; see {@link whyNoKafka}. */
export async function startTestKafka(options: TestKafkaOptions = {}): Promise<TestKafka> {
  const found = kafkaSource();
  switch (found.kind) {
    case 'given':
      say('the one of KAFKA_BROKERS');
      return givenKafka(found.brokers);
    case 'container':
      try {
        const kafka = await startKafkaContainer(options.proxyPort, found.runDirectory);
        say(`a container of ${KAFKA_IMAGE}`);
        return kafka;
      } catch (error) {
        process.stderr.write(`\nKafka not from Docker: ${String(error)}\n`);
        source = kafkaJars();
        return startTestKafka(options);
      }
    case 'jars':
      say('a process from its jars');
      return KafkaProcess.start(found.directory, options);
    case 'none':
      throw new Error(`no Kafka for tests: ${found.reason}`);
  }
}

/** Starts such a Kafka from its jars. @throws Error where there are none. */
export async function startSecuredKafka(): Promise<SecuredKafka> {
  const { brokers, secured, stop } = await KafkaProcess.start(jarsDirectory(), { isSecured: true });
  return { brokers, secured: secured!, stop };
}

/**
 * Starts three brokers from their jars that replicate everything to each other, each a controller as well; the first one's node id is 1. A
 * record counts when two have it. @throws Error where there are no jars.
 */
export const startKafkaCluster = (): Promise<readonly TestKafka[]> => KafkaProcess.startCluster(jarsDirectory(), 3);

function jarsDirectory(): string {
  const found = kafkaJars();
  if (found.kind === 'none') throw new Error(`no Kafka for tests: ${found.reason}`);
  return found.directory;
}
