import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endStrays } from '@app/agent';

const START_MS = 60_000;

/** The repository, whether this file runs compiled or not. */
export function repository(from = __dirname): string {
  return existsSync(join(from, 'package.json')) ? from : repository(dirname(from));
}

/** A server of its own for a benchmark or a suite: its own port, data directory and embedded Postgres. */
export interface ServerProcess {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly process: ChildProcess;
  /** Ends it as a crash would; its data stay. */
  readonly kill: () => Promise<void>;
  /** Ends it in good order, and the tasks that its nodes have left running; removes its data. */
  readonly stop: () => Promise<void>;
}

export interface ServerProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Of a server that ran before. */
  readonly dataDir?: string;
  readonly port?: number;
  /** The checkout whose build runs; this one unless it is said. */
  readonly checkout?: string;
  /** Gets its log and whatever else it says, by its standard output and error; without it, errors are shown. */
  readonly onLog?: (text: string) => void;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** Starts `apps/server` and waits until its dev node is ready; with ACLs, or without a node, until it answers. */
export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const port = options.port ?? (await freePort());
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'rollbook-server-')));
  const child = spawn(process.execPath, [join(options.checkout ?? repository(), 'dist/apps/server/main.js')], {
    stdio: ['ignore', options.onLog ? 'pipe' : 'ignore', options.onLog ? 'pipe' : 'inherit'],
    env: {
      ...process.env,
      ROLLBOOK_HTTP_PORT: String(port),
      ROLLBOOK_RPC_PORT: '0',
      ROLLBOOK_DATA_DIR: dataDir,
      ROLLBOOK_DEV_NODES: '1',
      ROLLBOOK_LOG_LEVEL: 'warn',
      ...options.env,
    },
  });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', options.onLog!);
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + START_MS;
  // With ACLs nobody sees nodes before the first token is made.
  const seesNode = options.env?.['ROLLBOOK_DEV_NODES'] !== '0' && options.env?.['ROLLBOOK_ACL'] !== 'true';
  const isReady = seesNode ? hasNode : answers;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('the server did not start');
    await delay(100);
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill(signal)) await ended;
  };
  return {
    url,
    port,
    dataDir,
    process: child,
    kill: () => end('SIGKILL'),
    async stop() {
      await end('SIGINT');
      endTasks(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A node leaves its tasks running when it ends, for the next one on its directory. Here there is none. */
function endTasks(dataDir: string): void {
  const nodes = join(dataDir, 'nodes');
  if (!existsSync(nodes)) return;
  for (const node of readdirSync(nodes)) endStrays(join(nodes, node), () => false);
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}

async function hasNode(url: string): Promise<boolean> {
  try {
    const nodes = (await (await fetch(`${url}/v1/nodes`)).json()) as { Status: string }[];
    return nodes.some((node) => node.Status === 'ready');
  } catch {
    return false;
  }
}

/** Milliseconds of processor time that a process has used; Linux only, 0 elsewhere. */
export function cpuMs(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

/** Milliseconds of processor time that the children of a process had used that have ended. */
export function reapedMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** The same for the embedded Postgres of a server, all its processes together. */
export function postgresCpuMs(dataDir: string): number {
  const postmaster = Number(readFileSync(join(dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  const children = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]) === postmaster;
    } catch {
      return false;
    }
  });
  return [postmaster, ...children.map(Number)].reduce((sum, pid) => sum + cpuMs(pid), reapedMs(postmaster));
}
