import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { BigCluster } from './big-cluster.js';
import { compareInTurns } from './contenders.js';
import { startHerd } from './herd.js';
import { send } from './rollouts.js';

const LIST_READERS = 100;
const HERD = 5_000;
/** Until all that were sent are waiting, and what making them cost is collected. */
const SETTLE_MS = 3_000;

interface Measured {
  /** Milliseconds from the change until the last of those who wait for the list has it. */
  readonly listLast: number;
  readonly herdP50: number;
  readonly herdP99: number;
  readonly herdLast: number;
  /** Kilobytes of memory that one who waits takes. */
  readonly kilobytes: number;
}

/** Blocking queries: 100 of the list of 10,000 allocations, 5,000 of one deployment, and one change. */
export async function run(): Promise<void> {
  const bare = async (port: number): Promise<number> => {
    const began = performance.now();
    return (await (await startHerd(port, LIST_READERS, '/v1/x')).answered(began)).at(-1)!;
  };
  const { builds, limit, bytes, turns } = await compareInTurns('/v1/allocations', measure, bare);
  print(`watch: one change, ${turns} turns`);
  for (const { name, of } of builds)
    print(
      `  ${name}: the last of ${LIST_READERS} that wait for the list (${(bytes / 1e6).toFixed(1)} MB) has it after ${of('listLast').toFixed(0)} ms; ${HERD} that wait for one deployment: p50 ${of('herdP50').toFixed(0)} ms, p99 ${of('herdP99').toFixed(0)} ms, last ${of('herdLast').toFixed(0)} ms, ${of('kilobytes').toFixed(1)} KB each`,
    );
  print(`  raw Fastify, the same bytes to ${LIST_READERS}: ${limit.toFixed(0)} ms`);
}

async function measure(cluster: BigCluster): Promise<Measured> {
  const { server, deployments } = cluster;
  const list = await startHerd(
    server.port,
    LIST_READERS,
    `/v1/allocations?index=${await indexOf(server.url, '/v1/allocations')}`,
  );
  await delay(SETTLE_MS);
  let began = performance.now();
  await cluster.restart(1);
  const listLast = (await list.answered(began)).at(-1)!;
  const path = `/v1/deployment/${deployments[0]}`;
  const index = await indexOf(server.url, path);
  await delay(SETTLE_MS);
  const before = residentKilobytes(server.process.pid!);
  const herd = await startHerd(server.port, HERD, `${path}?index=${index}`);
  await delay(SETTLE_MS);
  const kilobytes = (residentKilobytes(server.process.pid!) - before) / HERD;
  const isPaused = ((await send(server.url, 'GET', path)) as { Status: string }).Status === 'paused';
  began = performance.now();
  await send(server.url, 'PUT', `/v1/deployment/pause/${deployments[0]}`, {
    DeploymentID: deployments[0],
    Pause: !isPaused,
  });
  const answered = await herd.answered(began);
  const at = (share: number): number => answered[Math.min(answered.length - 1, Math.floor(answered.length * share))]!;
  return { listLast, herdP50: at(0.5), herdP99: at(0.99), herdLast: answered.at(-1)!, kilobytes };
}

async function indexOf(url: string, path: string): Promise<number> {
  const response = await fetch(url + path);
  await response.arrayBuffer();
  return Number(response.headers.get('x-nomad-index'));
}

/** Linux only, 0 elsewhere. */
function residentKilobytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return 0;
  }
}

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
