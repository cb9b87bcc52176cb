import type { NodeDescription } from '@app/domain';
import { nodeDescription } from '@app/testing';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';
import { mockService } from './mock-service.js';
import { send } from './rollouts.js';

const JOBS = 20;
const COUNT = 500;
const REPORT_AT_ONCE = 500;
const HEARTBEAT_MS = 4_000;
const PATIENCE_MS = 120_000;
const HEALTH = {
  check: 'manual',
  minHealthyMs: 100,
  healthyDeadlineMs: 3_000_000,
  progressDeadlineMs: 6_000_000,
} as const;
const ROOM = { cpuShares: 1_000_000, memoryMb: 2_000_000, diskMb: 4_000_000 };

/** A server with 10,000 running allocations on a node that is nothing but its reports. */
export interface BigCluster {
  readonly server: ServerProcess;
  readonly deployments: readonly string[];
  /** Restarts tasks of the next allocations, some in one commit. */
  readonly restart: (allocations: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** @param checkout whose build is to run: another one, to be compared with this */
export async function startBigCluster(checkout?: string): Promise<BigCluster> {
  const limits = { ROLLBOOK_LIMIT_WAITING: '0', ROLLBOOK_LIMIT_CONNECTIONS: '0' };
  const server = await startServerProcess({
    env: { ROLLBOOK_DEV_NODES: '0', ...limits },
    ...(checkout !== undefined && { checkout }),
  });
  const node = new ReportingNode(server.url);
  await node.register();
  const beating = setInterval(() => void node.beat().catch(() => undefined), HEARTBEAT_MS);
  const jobs = Array.from({ length: JOBS }, (_, i) => `bench-${i}`);
  await Promise.all(jobs.map((id) => send(server.url, 'PUT', '/v1/jobs', { Job: mockService(id, COUNT, HEALTH) })));
  const ids = await placed(server.url);
  for (let i = 0; i < ids.length; i += REPORT_AT_ONCE) await node.report(ids.slice(i, i + REPORT_AT_ONCE), 0);
  const deployments = (await send(server.url, 'GET', '/v1/deployments')) as { ID: string }[];
  let [next, restarts] = [0, 0];
  return {
    server,
    deployments: deployments.map(({ ID }) => ID),
    async restart(allocations) {
      const some = Array.from({ length: allocations }, (_, i) => ids[(next + i * 397) % ids.length]!);
      next += 1;
      await node.report([...new Set(some)], ++restarts);
    },
    async stop() {
      clearInterval(beating);
      await server.stop();
    },
  };
}

async function placed(url: string): Promise<string[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const allocs = (await send(url, 'GET', '/v1/allocations?task_states=false')) as { ID: string }[];
    if (allocs.length === JOBS * COUNT) return allocs.map(({ ID }) => ID);
    if (Date.now() > deadline) throw new Error(`only ${allocs.length} allocations were placed`);
    await delay(500);
  }
}

class ReportingNode {
  private readonly id = randomUUID();
  private readonly secret = randomUUID();

  constructor(private readonly url: string) {}

  async register(): Promise<void> {
    await this.send('node', { SecretID: this.secret, Node: roomyNode(this.id) });
    await this.beat();
  }

  beat(): Promise<void> {
    return this.send(`node/${this.id}/heartbeat`, { Status: 'ready' });
  }

  report(ids: readonly string[], restarts: number): Promise<void> {
    return this.send(`node/${this.id}/status`, { Updates: ids.map((ID) => updateOf(ID, restarts)) });
  }

  private async send(path: string, body: object): Promise<void> {
    const headers = { Authorization: `Bearer ${this.secret}`, 'Content-Type': 'application/json' };
    const response = await fetch(`${this.url}/agent/v1/${path}`, {
      method: 'PUT',
      headers,
      body: JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`PUT /agent/v1/${path}: ${response.status} ${text}`);
  }
}

const EVENTS = 3;

function updateOf(ID: string, restarts: number): object {
  const events = Array.from({ length: EVENTS }, (_, n) => ({
    Type: n === 0 ? 'Received' : 'Restarting',
    Time: `${Date.now()}00000${n}`,
    DisplayMessage: `Task restarting in 15.${n}s, for the ${restarts}th time`,
    Details: { restart_reason: 'Restart within policy', start_delay: String(restarts) },
    FailsTask: false,
  }));
  const state = { State: 'running', Failed: false, Restarts: restarts, LastRestart: null, FinishedAt: null };
  return {
    ID,
    ClientStatus: 'running',
    ClientDescription: 'Tasks are running',
    TaskStates: { main: { ...state, StartedAt: '2026-01-01T10:00:00Z', Events: events } },
    DeploymentStatus: null,
    NetworkStatus: null,
  };
}

function roomyNode(ID: string): NodeDescription {
  const usual = nodeDescription(ID);
  return {
    ...usual,
    Attributes: { 'kernel.name': 'linux', 'driver.mock_driver': '1' },
    NodeResources: {
      ...usual.NodeResources,
      Cpu: { CpuShares: ROOM.cpuShares, TotalCpuCores: 2, ReservableCpuCores: [0, 1] },
      Memory: { MemoryMB: ROOM.memoryMb },
      Disk: { DiskMB: ROOM.diskMb },
    },
  };
}
