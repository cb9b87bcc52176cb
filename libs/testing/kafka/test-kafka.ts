import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaJars } from './kafka-jars.js';
import { securedProperties, secureListener, userArguments, type SecuredListener } from './secured-listener.js';

const START_BOUND_MS = 60_000;
const STOP_BOUND_MS = 10_000;
const POLL_MS = 50;
const CLUSTER_ID_BYTES = 16;
/** As long as Kafka's own ids. */
const CLUSTER_ID_LENGTH = 22;
/** The shell ends the broker when this process is gone, whatever ended it: its standard input closes then. */
const GUARDED =
  'exec 3<&0; "$@" </dev/null 3<&- & kafka=$!; echo $kafka >"$PID_FILE"; ' +
  '{ read -r _ <&3; kill -9 $kafka; } 2>/dev/null & watch=$!; wait $kafka; kill $watch';

const run = promisify(execFile);

export interface TestKafkaOptions {
  /** Port of 127.0.0.1 of a proxy, to which the broker sends back whoever comes through it. */
  readonly proxyPort?: number;
  /** Whether it is to have a listener, too, that wants TLS and a login. */
  readonly secured?: boolean;
}

/** A Kafka for tests. */
export interface TestKafka {
  readonly brokers: readonly string[];
  /** Where the proxy finds the broker, if there is one. */
  readonly proxiedPort: number | undefined;
  /** The listener that wants TLS and a login, if it was asked for. */
  readonly secured: SecuredListener | undefined;
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
}

type Source =
  | { readonly kind: 'given'; readonly brokers: readonly string[] }
  | { readonly kind: 'jars'; readonly directory: string }
  | { readonly kind: 'none'; readonly reason: string };

let source: Source | undefined;

/** The brokers of `KAFKA_BROKERS` if given, else Apache Kafka from its jars, else the reason why there is none. */
function kafkaSource(): Source {
  const given = process.env['KAFKA_BROKERS'];
  return (source ??= given ? { kind: 'given', brokers: given.split(',') } : kafkaJars());
}

/** Why there is no Kafka for tests; undefined: there is one. Fetches it when it is asked for the first time. */
export function whyNoKafka(): string | undefined {
  const found = kafkaSource();
  return found.kind === 'none' ? found.reason : undefined;
}

/** `describe` for tests that need a Kafka. Where there is none they count as skipped, and the reason is said. */
export const describeWithKafka = (name: string, suite: () => void): void => describeUnless(whyNoKafka(), name, suite);

/** The same for tests of a Kafka that is set up in their own way. */
export const describeWithOwnKafka = (name: string, suite: () => void): void =>
  describeUnless(kafkaSource().kind === 'given' ? 'the Kafka is a given one' : whyNoKafka(), name, suite);

function describeUnless(reason: string | undefined, name: string, suite: () => void): void {
  if (reason === undefined) return describe(name, suite);
  process.stderr.write(`\nskipped, since ${reason}: ${name}\n`);
  describe.skip(`${name} (skipped: ${reason})`, suite);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

interface Ports {
  readonly direct: number;
  readonly controller: number;
  /** What the broker listens on for a proxy, and the proxy's own. */
  readonly proxied: number;
  readonly proxy: number;
}

/**
 * Whoever comes through the proxy is told its address, by a listener of its own: the broker talks to itself directly. Index files are mapped: the
 * kernel fills them with zeros as soon as a new partition gets its first records, so they are small here.
 */
const properties = (
  directory: string,
  { direct, controller, proxied, proxy }: Ports,
  secured: SecuredListener | undefined,
): string => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${direct},PROXIED://127.0.0.1:${proxied},CONTROLLER://127.0.0.1:${controller}${secured ? `,SECURED://${secured.brokers[0]}` : ''}
advertised.listeners=PLAINTEXT://127.0.0.1:${direct},PROXIED://127.0.0.1:${proxy}${secured ? `,SECURED://${secured.brokers[0]}` : ''}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=${join(directory, 'data')}
num.partitions=1
auto.create.topics.enable=false
offsets.topic.replication.factor=1
log.index.size.max.bytes=1048576
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=4000
${secured ? securedProperties(directory, secured) : ''}`;

/** Resolves when the broker answers. @throws Error if it ends or does not answer in time. */
async function untilAnswering(broker: string, process: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_BOUND_MS;
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  for (;;) {
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.listTopics();
      return;
    } catch (error) {
      if (process.exitCode !== null) throw new Error(`Kafka ended with ${process.exitCode}`, { cause: error });
      if (Date.now() > deadline) throw new Error(`Kafka does not answer after ${START_BOUND_MS} ms`, { cause: error });
      await delay(POLL_MS);
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}

class OwnKafka implements TestKafka {
  readonly own = true;
  readonly brokers: readonly string[];
  private guard: ChildProcess | undefined;
  private pid = 0;

  private constructor(
    private readonly directory: string,
    private readonly classpath: string,
    port: number,
    readonly proxiedPort: number,
    readonly secured: SecuredListener | undefined,
  ) {
    this.brokers = [`127.0.0.1:${port}`];
  }

  static async start(jars: string, options: TestKafkaOptions): Promise<OwnKafka> {
    const directory = await mkdtemp(join(tmpdir(), 'rollbook-kafka-'));
    const [direct, controller, proxied] = [await freePort(), await freePort(), await freePort()];
    const configuration = join(directory, 'server.properties');
    const ports = { direct, controller, proxied, proxy: options.proxyPort ?? proxied };
    const secured = options.secured ? await secureListener(directory, await freePort()) : undefined;
    await writeFile(configuration, properties(directory, ports, secured));
    const kafka = new OwnKafka(directory, join(jars, '*'), direct, proxied, secured);
    // Not in base64url, which may begin with a hyphen: the tool would take the id for an option.
    const clusterId = randomBytes(CLUSTER_ID_BYTES).toString('hex').slice(0, CLUSTER_ID_LENGTH);
    await run('java', [
      '-cp',
      kafka.classpath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      configuration,
      ...(secured ? userArguments(secured) : []),
    ]);
    await kafka.restart();
    return kafka;
  }

  readonly restart = async (): Promise<void> => {
    const pidFile = join(this.directory, 'pid');
    // It lives for minutes: Java's second compiler would take a third of its CPU all that time, and never be done.
    const jvm = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const java = ['java', ...jvm, '-cp', this.classpath];
    const command = [...java, 'kafka.Kafka', join(this.directory, 'server.properties')];
    const output = await open(join(this.directory, 'output'), 'a');
    this.guard = spawn('sh', ['-c', GUARDED, 'sh', ...command], {
      stdio: ['pipe', output.fd, output.fd],
      env: { ...process.env, PID_FILE: pidFile },
    });
    await output.close();
    await untilAnswering(this.brokers[0]!, this.guard).catch(async (error: unknown) => {
      throw new Error(`Kafka did not start: ${await readFile(join(this.directory, 'output'), 'utf8')}`, {
        cause: error,
      });
    });
    this.pid = Number(await readFile(pidFile, 'utf8'));
  };

  readonly kill = (): Promise<void> => this.end('SIGKILL');

  readonly stop = async (): Promise<void> => {
    await this.end('SIGTERM');
    await rm(this.directory, { recursive: true, force: true });
  };

  readonly pause = (): void => void process.kill(this.pid, 'SIGSTOP');
  readonly resume = (): void => void process.kill(this.pid, 'SIGCONT');

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { guard, pid } = this;
    if (guard === undefined) return;
    this.guard = undefined;
    const ended = once(guard, 'exit');
    process.kill(pid, signal);
    const timer = setTimeout(() => process.kill(pid, 'SIGKILL'), STOP_BOUND_MS);
    await ended;
    clearTimeout(timer);
    guard.stdin?.destroy();
  }
}

const notOurs = (): never => {
  throw new Error('a given Kafka is not killed, paused or started by tests');
};

/** Starts a Kafka (three to five seconds), or takes the given one. @throws Error where there is none; see {@link whyNoKafka}. */
export async function startTestKafka(options: TestKafkaOptions = {}): Promise<TestKafka> {
  const found = kafkaSource();
  if (found.kind === 'none') throw new Error(`no Kafka for tests: ${found.reason}`);
  if (found.kind === 'jars') return OwnKafka.start(found.directory, options);
  return {
    brokers: found.brokers,
    proxiedPort: undefined,
    secured: undefined,
    own: false,
    stop: async () => undefined,
    kill: notOurs,
    restart: notOurs,
    pause: notOurs,
    resume: notOurs,
  };
}
