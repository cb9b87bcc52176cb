import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endStrays } from '@app/agent';
import { loadKeyEncryptionKey } from '@app/keyring';
import { startTestKafka, whyNoKafka, type TestKafka } from '@app/testing';
import { freePort, repository } from '../support/server-process.js';
import { Child } from './child.js';
import { LoadBalancer } from './load-balancer.js';
import { PostgresProcess } from './postgres-process.js';
import { isAppend, isEndTxn, TcpProxy } from './tcp-proxy.js';

const SERVERS = 3;
const READY_BOUND_MS = 60_000;
const POLL_MS = 50;
/** What nodes show to the servers of a stack. */
export const JOIN_TOKEN = 'the-join-token-of-the-stack';

export interface StackOptions {
  /** Data and logs of all processes. */
  readonly directory: string;
  /** Default: free ones. */
  readonly serverPorts?: readonly number[];
  /** For client agents; default: any free ones, other ones after each start. */
  readonly rpcPorts?: readonly number[];
  readonly balancerPort?: number;
  readonly servers?: number;
  /** The repository that each server was built from, instead of `servers` of this one; they start one after the other. */
  readonly builds?: readonly string[];
  readonly agents?: number;
  /** Tasks of raw_exec go on when the stack stops, for the agents of the next start. They are ended otherwise. */
  readonly keepTasks?: boolean;
  /** Instead of an embedded one; it cannot be killed or cut off then. */
  readonly databaseUrl?: string;
  /** Starts an embedded one again when it dies, and tells this; undefined: it stays dead. */
  readonly databaseRevived?: (sentence: string) => void;
  /** Whether each server reaches Postgres through a proxy of its own, and all reach Kafka through one. */
  readonly proxies?: boolean;
  readonly kafka?: boolean;
  /** Where Kafka is reached; undefined: any free port. */
  readonly kafkaPort?: number;
  /** Kafka's data stay in the directory. They are deleted otherwise. */
  readonly keepKafka?: boolean;
  /** The file in which examples/consumer keeps its table; undefined: it does not run. Needs Kafka. */
  readonly consumerFile?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** One server of the stack. */
export interface Instance {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly child: Child;
  readonly proxy: TcpProxy | undefined;
  readonly logFile: string;
  /** Resolves when it answers and is ready. @throws Error if that takes too long. */
  readonly ready: (boundMs?: number) => Promise<void>;
}

/** Lease as the API shows it. */
export interface LeaseView {
  readonly Name: string;
  readonly Holder: string;
  readonly Epoch: number;
  readonly ThisInstance: boolean;
}

/** The whole topology as plain processes on 127.0.0.1. */
export class Stack {
  private constructor(
    readonly options: StackOptions,
    readonly postgres: PostgresProcess | undefined,
    readonly databaseUrl: () => string,
    readonly kafka: TestKafka | undefined,
    /** Through which servers and consumer reach Kafka. */
    readonly kafkaProxy: TcpProxy | undefined,
    readonly instances: readonly Instance[],
    readonly balancer: LoadBalancer,
    readonly agents: readonly Child[],
    readonly consumer: Child | undefined,
  ) {}

  static async start(options: StackOptions): Promise<Stack> {
    mkdirSync(options.directory, { recursive: true });
    // Servers on one database need one key; each would make its own.
    loadKeyEncryptionKey({ dataDir: keyDirectoryOf(options) });
    const postgres =
      options.databaseUrl === undefined
        ? await PostgresProcess.start(join(options.directory, 'database'), options.databaseRevived)
        : undefined;
    const databaseUrl = (): string => options.databaseUrl ?? postgres!.url.href;
    const { kafka, kafkaProxy, brokers } = await startKafka(options);
    const instances: Instance[] = [];
    const builds = options.builds ?? Array<string>(options.servers ?? SERVERS).fill(repository());
    for (const [i, build] of builds.entries()) {
      const port = options.serverPorts?.[i] ?? (await freePort());
      const proxy = options.proxies === true ? await TcpProxy.start(() => hostOf(databaseUrl()), isAppend) : undefined;
      instances.push(instanceOf(options, i + 1, build, port, proxy, databaseUrl, brokers));
    }
    const balancer = await LoadBalancer.start(
      options.balancerPort ?? 0,
      instances.map(({ port }) => port),
    );
    const agents = Array.from({ length: options.agents ?? 2 }, (_, i) => agentOf(options, i + 1, balancer.url));
    const consumer = consumerOf(options, brokers);
    const stack = new Stack(options, postgres, databaseUrl, kafka, kafkaProxy, instances, balancer, agents, consumer);
    try {
      for (const { child, ready } of instances) {
        child.start();
        if (options.builds !== undefined) await ready();
      }
      await Promise.all(instances.map((instance) => instance.ready()));
      for (const agent of agents) agent.start();
      consumer?.start();
      await stack.nodesReady();
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  /** Who holds a lease now, as the first instance that answers says. */
  async leader(lease = 'scheduler'): Promise<Instance | undefined> {
    const holders = await Promise.all(
      this.instances.map(async (instance) => {
        const leases = await getJson<LeaseView[]>(`${instance.url}/v1/operator/rollbook/leases`, 1_000).catch(() => []);
        return leases.some((one) => one.Name === lease && one.ThisInstance) ? instance : undefined;
      }),
    );
    return holders.find((holder) => holder !== undefined);
  }

  async nodesReady(boundMs = READY_BOUND_MS): Promise<void> {
    await until('ready nodes', boundMs, async () => {
      const nodes = await getJson<{ Status: string }[]>(`${this.balancer.url}/v1/nodes`, 2_000);
      return nodes.filter((node) => node.Status === 'ready').length >= this.agents.length;
    });
  }

  /**
   * Starts members again that end by themselves or are killed by somebody else, each after a pause that grows as long as it keeps dying.
   * @param said gets a sentence for each death and each return
   */
  watch(said: (sentence: string) => void): void {
    for (const child of this.children) revive(child, said);
    const { kafka } = this;
    if (kafka?.own !== true) return;
    kafka.onDeath = () => {
      said('Kafka has ended; starting it again on its data');
      const again = (): void =>
        void kafka.restart().then(
          () => said('Kafka was started again'),
          (error: unknown) => {
            said(`Kafka cannot be started: ${(error as Error).message.split('\n')[0]}; trying again`);
            setTimeout(again, REVIVE_MOST_MS).unref();
          },
        );
      again();
    };
  }

  /** Everything runs, whatever was done to it before. */
  async heal(): Promise<void> {
    this.postgres?.resume();
    for (const child of this.children) {
      child.signal('SIGCONT');
      child.start();
    }
    await Promise.all(this.instances.map((instance) => instance.ready()));
    await this.nodesReady();
  }

  private get children(): readonly Child[] {
    const { instances, agents, consumer } = this;
    return [...instances.map(({ child }) => child), ...agents, ...(consumer === undefined ? [] : [consumer])];
  }

  async stop(): Promise<void> {
    for (const child of this.children) child.signal('SIGCONT');
    await this.consumer?.end('SIGTERM', 5_000);
    await Promise.all(this.agents.map((agent) => agent.end('SIGTERM', 5_000)));
    if (this.options.keepTasks !== true)
      for (const { name } of this.agents) endStrays(join(this.options.directory, name), () => false);
    await Promise.all(this.instances.map(({ child }) => child.end('SIGTERM')));
    await this.balancer.close();
    for (const { proxy } of this.instances) await proxy?.close();
    await this.kafka?.stop();
    await this.kafkaProxy?.close();
    await this.postgres?.stop();
  }
}

const REVIVE_FIRST_MS = 500;
const REVIVE_MOST_MS = 30_000;
/** Who lived that long did not die of its start. */
const LIVED_MS = 60_000;

function revive(child: Child, said: (sentence: string) => void): void {
  let pauseMs = REVIVE_FIRST_MS;
  child.onDeath = (how) => {
    if (child.livedMs > LIVED_MS) pauseMs = REVIVE_FIRST_MS;
    said(`${child.name} has ended (${how}); starting it again in ${pauseMs / 1000} s (its log: ${child.logFile})`);
    setTimeout(() => {
      if (child.isEnded) return;
      child.start();
      said(`${child.name} was started again (process ${child.pid})`);
    }, pauseMs).unref();
    pauseMs = Math.min(REVIVE_MOST_MS, pauseMs * 2);
  };
}

const hostOf = (url: string): { readonly hostname: string; readonly port: number } => {
  const { hostname, port } = new URL(url);
  return { hostname, port: Number(port) };
};

/** The brokers are what clients are to be told: the proxy, where the broker is this process's own. */
async function startKafka(options: StackOptions): Promise<{
  readonly kafka: TestKafka | undefined;
  readonly kafkaProxy: TcpProxy | undefined;
  readonly brokers: string | undefined;
}> {
  if (options.kafka !== true || whyNoKafka() !== undefined)
    return { kafka: undefined, kafkaProxy: undefined, brokers: undefined };
  // Each has to know the other's port before it starts; nobody comes through the proxy earlier.
  const target = { hostname: '127.0.0.1', port: 0 };
  const proxy = options.proxies === true ? await TcpProxy.start(() => target, isEndTxn) : undefined;
  const kafka = await startTestKafka({
    ...(proxy && { proxyPort: proxy.port }),
    ...(options.kafkaPort !== undefined && { port: options.kafkaPort }),
    ...(options.keepKafka === true && { directory: join(options.directory, 'kafka') }),
  });
  if (proxy === undefined || kafka.proxiedPort === undefined) {
    await proxy?.close();
    return { kafka, kafkaProxy: undefined, brokers: kafka.brokers.join(',') };
  }
  target.port = kafka.proxiedPort;
  return { kafka, kafkaProxy: proxy, brokers: `127.0.0.1:${proxy.port}` };
}

function throughProxy(databaseUrl: string, proxy: TcpProxy): string {
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${proxy.port}`;
  return url.href;
}

function instanceOf(
  options: StackOptions,
  n: number,
  build: string,
  port: number,
  proxy: TcpProxy | undefined,
  databaseUrl: () => string,
  brokers: string | undefined,
): Instance {
  const name = `server-${n}`;
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(options.directory, `${name}.log`);
  const child = new Child(
    name,
    join(build, 'dist/apps/server/main.js'),
    {
      ROLLBOOK_HTTP_PORT: String(port),
      ROLLBOOK_RPC_PORT: String(options.rpcPorts?.[n - 1] ?? 0),
      ROLLBOOK_DATA_DIR: join(options.directory, name),
      ROLLBOOK_KEY_FILE: join(keyDirectoryOf(options), 'key-encryption.key'),
      ROLLBOOK_DEV_NODES: '0',
      ROLLBOOK_NODE_NAME: name,
      // An earlier build refuses to start with settings that it does not know.
      ...(options.builds === undefined
        ? { ROLLBOOK_JOIN_TOKEN: JOIN_TOKEN, ROLLBOOK_TRUSTED_PROXIES: 'loopback' }
        : {}),
      DATABASE_URL: proxy === undefined ? databaseUrl() : throughProxy(databaseUrl(), proxy),
      ...(brokers === undefined ? {} : { KAFKA_BROKERS: brokers }),
      ...options.env,
    },
    logFile,
  );
  const ready = (boundMs = READY_BOUND_MS): Promise<void> =>
    until(`${name} to be ready (its log: ${logFile})`, boundMs, async () => {
      if (!child.runs) child.start();
      return (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) })).ok;
    });
  return { name, port, url, child, proxy, logFile, ready };
}

/** The first server's, as stacks have it that were begun when each had a key of its own. */
const keyDirectoryOf = ({ directory }: StackOptions): string => join(directory, 'server-1');

const agentOf = (options: StackOptions, n: number, serverAddress: string): Child =>
  new Child(
    `agent-${n}`,
    join(repository(), 'dist/apps/agent/main.js'),
    {
      ROLLBOOK_ADDR: serverAddress,
      ROLLBOOK_DATA_DIR: join(options.directory, `agent-${n}`),
      ROLLBOOK_NODE_NAME: `node-${n}`,
      ROLLBOOK_JOIN_TOKEN: JOIN_TOKEN,
      ROLLBOOK_LOG_LEVEL: 'warn',
    },
    join(options.directory, `agent-${n}.log`),
  );

const consumerOf = ({ directory, consumerFile }: StackOptions, brokers: string | undefined): Child | undefined =>
  consumerFile === undefined || brokers === undefined
    ? undefined
    : new Child(
        'consumer',
        join(repository(), 'dist/examples/consumer/main.js'),
        { KAFKA_BROKERS: brokers },
        join(directory, 'consumer.log'),
        ['--file', consumerFile],
      );

export async function getJson<T>(url: string, timeoutMs = 15_000): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Waits for a condition; an attempt that fails counts as not yet. @throws Error when the time is up. */
export async function until(what: string, boundMs: number, attempt: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + boundMs;
  let last: unknown;
  for (;;) {
    const met = await attempt().catch((error: unknown) => {
      last = error;
      return false;
    });
    if (met) return;
    if (performance.now() > deadline) throw new Error(`waited ${boundMs} ms in vain for ${what}`, { cause: last });
    await delay(POLL_MS);
  }
}
