import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SimulatedClient } from '../../libs/nomad-rpc/testing/simulated-client.js';
import { collectGarbage, inspectedAt } from '../support/inspected.js';
import { cpuMs, freePort, startServerProcess, type ServerProcess } from '../support/server-process.js';
import { send } from './rollouts.js';

const CLIENTS = Number(process.env['CLIENTS'] ?? 1000);
const ALLOCATIONS = Number(process.env['ALLOCATIONS'] ?? 10_000);
const JOBS = 20;
const STARTED_AT_ONCE = 50;
/** Clients that a server has served before it is measured: what it makes ready for all of them is not what one costs. */
const WARMING = Math.min(50, CLIENTS / 2);
const IDLE_MS = 20_000;
const SETTLE_MS = 5_000;
const POLL_MS = 100;
const PATIENCE_MS = 600_000;

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

/** Resident memory of a process in bytes; Linux only. */
const residentBytes = (pid: number): number =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);

/**
 * Simulated client agents on one instance: what they cost while nothing happens, and how long allocations over all of them take from the first
 * registration until everything runs. The clients are in this process. `CLIENTS=… ALLOCATIONS=…` make it smaller.
 */
export async function run(): Promise<void> {
  const rpcPort = await freePort();
  const inspector = await freePort();
  const env = {
    ...inspectedAt(inspector),
    ROLLBOOK_DEV_NODES: '0',
    ROLLBOOK_RPC_PORT: String(rpcPort),
    ROLLBOOK_RPC_MAX_CONNECTIONS: '0',
  };
  const server = await startServerProcess({ env });
  const clients: SimulatedClient[] = [];
  try {
    await startClients(clients, WARMING, `127.0.0.1:${rpcPort}`);
    const before = await memoryOf(server, inspector);
    await startClients(clients, CLIENTS, `127.0.0.1:${rpcPort}`);
    const after = await memoryOf(server, inspector);
    const [each, held] = [after.resident - before.resident, after.held - before.held].map(
      (bytes) => bytes / (CLIENTS - WARMING) / 1000,
    );
    print(
      `  memory of a client: ${held!.toFixed(0)} kB held (wanted: 100); ${each!.toFixed(0)} kB with what is not collected yet`,
    );
    await idle(server);
    await allocate(server.url, clients);
    const violations = clients.flatMap((client) => client.violations);
    const killed = clients.flatMap((client) => client.killed);
    print(`  what real clients would punish: ${violations.length}; allocations killed: ${killed.length}`);
    for (const one of violations.slice(0, 3)) print(`    ${one}`);
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
    await server.stop();
  }
}

async function startClients(clients: SimulatedClient[], count: number, server: string): Promise<void> {
  const began = performance.now();
  while (clients.length < count) {
    const more = Array.from({ length: Math.min(STARTED_AT_ONCE, count - clients.length) }, (_, i) =>
      new SimulatedClient({ servers: [server], name: `client-${clients.length + i}` }).start(),
    );
    clients.push(...(await Promise.all(more)));
  }
  print(`${count} clients registered in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

interface Memory {
  /** Resident, with garbage. */
  readonly resident: number;
  /** Resident once garbage was collected. */
  readonly held: number;
}

async function memoryOf(server: ServerProcess, inspector: number): Promise<Memory> {
  const pid = server.process.pid!;
  await delay(SETTLE_MS);
  const resident = residentBytes(pid);
  await collectGarbage(inspector);
  await delay(SETTLE_MS);
  return { resident, held: residentBytes(pid) };
}

async function idle(server: ServerProcess): Promise<void> {
  const pid = server.process.pid!;
  const cpuBefore = cpuMs(pid);
  await delay(IDLE_MS);
  const share = (100 * (cpuMs(pid) - cpuBefore)) / IDLE_MS;
  print(`  idle, heartbeats and blocked queries: ${share.toFixed(1)} % of a core (wanted: 10)`);
}

interface JobStub {
  readonly JobSummary: { readonly Summary: Readonly<Record<string, { readonly Running: number }>> } | null;
}

async function allocate(url: string, clients: readonly SimulatedClient[]): Promise<void> {
  const began = performance.now();
  const ids = Array.from({ length: JOBS }, (_, i) => `bench-${i}`);
  await Promise.all(ids.map((id) => send(url, 'PUT', '/v1/jobs', { Job: jobOf(id) })));
  for (;;) {
    if (performance.now() - began > PATIENCE_MS) throw new Error('the allocations did not run in time');
    const stubs = (await send(url, 'GET', '/v1/jobs?prefix=bench-')) as JobStub[];
    const running = stubs.reduce((sum, { JobSummary }) => sum + (JobSummary?.Summary['web']?.Running ?? 0), 0);
    if (running === ALLOCATIONS) break;
    await delay(POLL_MS);
  }
  const seconds = (performance.now() - began) / 1000;
  print(
    `  ${ALLOCATIONS} allocations over ${clients.length} clients, registration to all running: ${seconds.toFixed(1)} s, ${Math.round(ALLOCATIONS / seconds)}/s`,
  );
}

const jobOf = (ID: string): object => ({
  ID,
  Name: ID,
  Type: 'service',
  Datacenters: ['*'],
  TaskGroups: [
    {
      Name: 'web',
      Count: ALLOCATIONS / JOBS,
      Update: { MaxParallel: ALLOCATIONS / JOBS, MinHealthyTime: 1_000_000 },
      EphemeralDisk: { SizeMB: 10 },
      Tasks: [
        {
          Name: 'main',
          Driver: 'exec',
          Config: { command: '/bin/sleep' },
          Resources: { CPU: 1, MemoryMB: 10 },
          LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
        },
      ],
    },
  ],
});
