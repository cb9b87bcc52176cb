import { startAgent } from '@app/agent';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, startServerProcess } from '../support/server-process.js';
import { mockService } from './mock-service.js';
import { send } from './rollouts.js';
import { run as pure } from './schedule-pure.bench.js';

const JOBS = 20;
const COUNT = 500;
const MIN_HEALTHY_MS = 1_000;
const HEALTH = {
  check: 'task_states',
  minHealthyMs: MIN_HEALTHY_MS,
  healthyDeadlineMs: 300_000,
  progressDeadlineMs: 600_000,
} as const;
const TARGET_SECONDS = 20;
const POLL_MS = 100;
const PATIENCE_MS = 600_000;
/** Room for every allocation at its smallest ask. */
const ROOM = { cpuShares: 100_000, memoryMb: 200_000, diskMb: 400_000 };

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

/**
 * 20 jobs of 500 mock_driver allocations, over HTTP, from the first registration until every deployment is successful; then the scheduler by
 * itself. The server is a process of its own with embedded Postgres; the node is an agent in this process, with more room than the machine has.
 */
export async function run(): Promise<void> {
  const port = await freePort();
  const dataDir = await mkdtemp(join(tmpdir(), 'rollbook-bench-node-'));
  const quiet = (): void => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const agent = await startAgent({
    serverAddress: `http://127.0.0.1:${port}`,
    dataDir,
    nodeName: 'bench',
    datacenter: 'dc1',
    resources: ROOM,
    log,
  });
  const server = await startServerProcess({ port, env: { ROLLBOOK_DEV_NODES: '0' } });
  try {
    await measure(server.url, server.process.pid!);
  } finally {
    await agent.stop({ tasks: 'kill' });
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
  print('');
  await pure();
}

async function measure(url: string, pid: number): Promise<void> {
  const cpuBefore = { server: await cpuSeconds(pid), database: await databaseSeconds(pid), agent: process.cpuUsage() };
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const ids = Array.from({ length: JOBS }, (_, i) => `bench-${i}`);
  await Promise.all(ids.map((id) => send(url, 'PUT', '/v1/jobs', { Job: mockService(id, COUNT, HEALTH) })));
  const reached: Record<string, number> = { registered: seconds() };
  const note = (phase: string, isReached: boolean): void => {
    if (isReached) reached[phase] ??= seconds();
  };
  while (reached['successful'] === undefined) {
    if (seconds() * 1000 > PATIENCE_MS) throw new Error('the deployments were not successful in time');
    await delay(POLL_MS);
    const summaries = ((await send(url, 'GET', '/v1/jobs?prefix=bench-')) as JobStub[]).map(
      ({ JobSummary }) => JobSummary?.Summary['web'],
    );
    const sum = (count: (group: GroupCounts) => number): number =>
      summaries.reduce((total, group) => total + (group === undefined ? 0 : count(group)), 0);
    note('placed', sum((group) => group.Starting + group.Running) === JOBS * COUNT);
    note('running', sum((group) => group.Running) === JOBS * COUNT);
    const deployments = (await send(url, 'GET', '/v1/deployments')) as { Status: string }[];
    note('successful', deployments.length === JOBS && deployments.every(({ Status }) => Status === 'successful'));
  }
  const total = reached['successful'];
  print(`${JOBS} jobs of ${COUNT} allocations, min_healthy_time ${MIN_HEALTHY_MS / 1000} s:`);
  for (const [phase, at] of Object.entries(reached)) print(`  all ${phase.padEnd(10)} after ${at.toFixed(2)} s`);
  print(
    `  ${Math.round((JOBS * COUNT) / total).toLocaleString('en')} allocations/s end to end; wanted: ${TARGET_SECONDS} s, ${total <= TARGET_SECONDS ? 'kept' : 'missed'}`,
  );
  const agentCpu = process.cpuUsage(cpuBefore.agent);
  const server = (await cpuSeconds(pid)) - cpuBefore.server;
  const database = (await databaseSeconds(pid)) - cpuBefore.database;
  const agent = (agentCpu.user + agentCpu.system) / 1e6;
  print(
    `  processor time: server ${server.toFixed(1)} s, Postgres ${database.toFixed(1)} s, agent ${agent.toFixed(1)} s`,
  );
  const busiest = [
    ['the server', server] as const,
    ['Postgres', database] as const,
    ['the agent', agent] as const,
  ].sort((a, b) => b[1] - a[1])[0]!;
  print(`  what bounds it: ${busiest[0]}, busy ${((100 * busiest[1]) / total).toFixed(0)} % of the time`);
}

interface GroupCounts {
  readonly Starting: number;
  readonly Running: number;
}
interface JobStub {
  readonly JobSummary: { readonly Summary: Readonly<Record<string, GroupCounts>> } | null;
}

/** Processor time of a process so far; 0 where there is no /proc. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' ? 0 : (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Of the processes below the server: its Postgres. */
async function databaseSeconds(pid: number): Promise<number> {
  let sum = 0;
  for (const child of descendants(pid)) sum += await cpuSeconds(child);
  return sum;
}

function descendants(pid: number): number[] {
  let children: number[] = [];
  try {
    const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,comm='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    children = rows
      .filter(([, parent, name]) => Number(parent) === pid && name === 'postgres')
      .map(([child]) => Number(child));
    const grandchildren = rows
      .filter(([, parent]) => children.includes(Number(parent)))
      .map(([child]) => Number(child));
    return [...children, ...grandchildren];
  } catch {
    return children;
  }
}
