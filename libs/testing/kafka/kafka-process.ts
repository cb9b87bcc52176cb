import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brokerPorts, brokerSettings, freePort, untilAnswering, type BrokerPorts, type TestKafka } from './broker.js';
import { secureListener, userArguments, withSecuredListener, type SecuredListener } from './secured-listener.js';

const HOST = '127.0.0.1';
const STOP_BOUND_MS = 10_000;
const CLUSTER_ID_BYTES = 16;
/** As long as Kafka's own ids. */
const CLUSTER_ID_LENGTH = 22;
/** The shell ends the broker, and removes its data unless they are kept, when this process is gone, whatever ended it: its standard input closes then. */
const GUARDED =
  'exec 3<&0; "$@" </dev/null 3<&- & kafka=$!; echo $kafka >"$DIRECTORY/pid"; ' +
  '{ read -r _ <&3; trap "" TERM; kill -9 $kafka; test -n "$KEPT" || rm -rf "$DIRECTORY"; } 2>/dev/null & watch=$!; wait $kafka; kill $watch';

const run = promisify(execFile);

const asProperties = (settings: Readonly<Record<string, string | number>>): string =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

// Not in base64url, which may begin with a hyphen: the tool would take the id for an option.
const newClusterId = (): string => randomBytes(CLUSTER_ID_BYTES).toString('hex').slice(0, CLUSTER_ID_LENGTH);

/** What a broker is to be beside alone and reached directly. */
export interface KafkaProcessOptions {
  /** Port of 127.0.0.1 of the proxy through which it is reached. */
  readonly proxyPort?: number | undefined;
  readonly isSecured?: boolean;
  /** Where its data are kept and found again; undefined: they end with it. */
  readonly directory?: string | undefined;
  /** Where it is reached; undefined: any free port. */
  readonly port?: number | undefined;
  /** The brokers that it is one of. */
  readonly cluster?: { readonly id: string; readonly all: readonly BrokerPorts[]; readonly own: BrokerPorts };
}

/** Apache Kafka as a process of its own, which ends with this one. */
export class KafkaProcess implements TestKafka {
  readonly own = true;
  onDeath?: () => void;
  readonly brokers: readonly string[];
  private guard: ChildProcess | undefined;
  private pid = 0;

  private constructor(
    private readonly directory: string,
    private readonly classpath: string,
    port: number,
    readonly proxiedPort: number,
    /** The listener that wants TLS and a login, if it was asked for. */
    readonly secured: SecuredListener | undefined,
    private readonly isKept: boolean,
  ) {
    this.brokers = [`${HOST}:${port}`];
  }

  /** Starts brokers that replicate everything to each other; their node ids are 1, 2 … */
  static async startCluster(jars: string, size: number): Promise<KafkaProcess[]> {
    const all: BrokerPorts[] = [];
    while (all.length < size) all.push(await brokerPorts(undefined));
    const id = newClusterId();
    return Promise.all(all.map((own) => KafkaProcess.start(jars, { cluster: { id, all, own } })));
  }

  static async start(
    jars: string,
    { proxyPort, isSecured = false, cluster, directory: kept, port }: KafkaProcessOptions,
  ): Promise<KafkaProcess> {
    if (kept !== undefined) await mkdir(kept, { recursive: true });
    const directory = kept ?? (await mkdtemp(join(tmpdir(), 'rollbook-kafka-')));
    const configuration = join(directory, 'server.properties');
    const found = cluster?.own ?? (await brokerPorts(proxyPort));
    const ports = { ...found, direct: port ?? found.direct };
    const settings = brokerSettings({ listen: HOST, advertised: HOST }, ports, join(directory, 'data'), cluster?.all);
    const secured = isSecured ? await secureListener(directory, await freePort()) : undefined;
    const all = secured === undefined ? settings : withSecuredListener(settings, directory, secured);
    await writeFile(configuration, asProperties(all));
    const kafka = new KafkaProcess(
      directory,
      join(jars, '*'),
      ports.direct,
      ports.proxied,
      secured,
      kept !== undefined,
    );
    const isFormatted = await access(join(directory, 'data', 'meta.properties')).then(
      () => true,
      () => false,
    );
    if (!isFormatted) await kafka.format(cluster?.id ?? newClusterId(), configuration);
    await kafka.restart();
    return kafka;
  }

  private async format(clusterId: string, configuration: string): Promise<void> {
    await run('java', [
      '-cp',
      this.classpath,
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      configuration,
      ...(this.secured === undefined ? [] : userArguments(this.secured)),
    ]);
  }

  readonly restart = async (): Promise<void> => {
    // It lives for minutes: Java's second compiler would take a third of its CPU all that time, and never be done.
    const jvm = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const java = ['java', ...jvm, '-cp', this.classpath];
    const command = [...java, 'kafka.Kafka', join(this.directory, 'server.properties')];
    const output = await open(join(this.directory, 'output'), 'a');
    this.guard = spawn('sh', ['-c', GUARDED, 'sh', ...command], {
      stdio: ['pipe', output.fd, output.fd],
      // Ctrl-C in a terminal is for the one who started it.
      detached: true,
      env: { ...process.env, DIRECTORY: this.directory, KEPT: this.isKept ? 'yes' : '' },
    });
    await output.close();
    const { guard } = this;
    guard.once('exit', () => {
      if (this.guard === guard) this.onDeath?.();
    });
    await untilAnswering(this.brokers[0]!, () => guard.exitCode !== null).catch(async (error: unknown) => {
      throw new Error(`Kafka did not start: ${await readFile(join(this.directory, 'output'), 'utf8')}`, {
        cause: error,
      });
    });
    this.pid = Number(await readFile(join(this.directory, 'pid'), 'utf8'));
  };

  readonly kill = (): Promise<void> => this.end('SIGKILL');

  readonly stop = async (): Promise<void> => {
    await this.end('SIGTERM');
    if (!this.isKept) await rm(this.directory, { recursive: true, force: true });
  };

  readonly pause = (): void => void process.kill(this.pid, 'SIGSTOP');
  readonly resume = (): void => void process.kill(this.pid, 'SIGCONT');

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { guard, pid } = this;
    this.guard = undefined;
    if (guard === undefined || guard.exitCode !== null || guard.signalCode !== null) return;
    const ended = once(guard, 'exit');
    sendIfAlive(pid, signal);
    const timer = setTimeout(() => sendIfAlive(pid, 'SIGKILL'), STOP_BOUND_MS);
    await ended;
    clearTimeout(timer);
    guard.stdin?.destroy();
  }
}

/** A broker that cannot go on ends itself. */
function sendIfAlive(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
