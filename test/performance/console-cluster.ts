import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerProcess } from '../support/server-process.js';

const SLOTS_OF_A_NODE = 1000;
const UPDATES_OF_A_REPORT = 500;
const PLACED_MS = 120_000;

interface Node {
  readonly id: string;
  readonly secret: string;
}
interface Placed {
  readonly ID: string;
  readonly NodeID: string;
}

/** A job with many allocations on nodes that only report: what the console is measured on. */
export class ConsoleCluster {
  private nodes: readonly Node[] = [];
  placed: readonly Placed[] = [];
  private changes = 0;

  constructor(private readonly server: ServerProcess) {}

  /** Registers nodes and the job, and reports all its allocations running and healthy. */
  async fill(count: number): Promise<void> {
    this.nodes = await Promise.all(
      Array.from({ length: Math.ceil(count / SLOTS_OF_A_NODE) + 1 }, (_, at) => this.register(at)),
    );
    const beats = setInterval(() => void this.beat().catch(() => undefined), 5000);
    beats.unref();
    await this.beat();
    await this.send('PUT', '/v1/jobs', { Job: job(count) });
    for (const end = Date.now() + PLACED_MS; ; await delay(500)) {
      this.placed = await this.send<readonly Placed[]>('GET', '/v1/job/many/allocations');
      if (this.placed.length >= count) break;
      if (Date.now() > end) throw new Error(`${this.placed.length} of ${count} allocations were placed`);
    }
    for (const node of this.nodes) {
      const mine = this.placed.filter(({ NodeID }) => NodeID === node.id);
      for (let at = 0; at < mine.length; at += UPDATES_OF_A_REPORT)
        await this.report(node, mine.slice(at, at + UPDATES_OF_A_REPORT));
    }
  }

  /** One commit about one allocation. */
  async change(): Promise<void> {
    const one = this.placed[(this.changes * 7919) % this.placed.length]!;
    this.changes++;
    await this.report(
      this.nodes.find(({ id }) => id === one.NodeID)!,
      [one],
    );
  }

  private async report(node: Node, allocations: readonly Placed[]): Promise<void> {
    const time = new Date().toISOString();
    const Updates = allocations.map(({ ID }) => ({
      ID,
      ClientStatus: 'running',
      ClientDescription: `Tasks are running, ${this.changes}`,
      TaskStates: {
        server: {
          ...{ State: 'running', Failed: false, Restarts: 0, LastRestart: null, StartedAt: time, FinishedAt: null },
          Events: [],
        },
      },
      DeploymentStatus: { Healthy: true, TimestampUs: Date.now() * 1000 },
      NetworkStatus: null,
    }));
    await this.send('PUT', `/agent/v1/node/${node.id}/status`, { Updates }, node.secret);
  }

  private async register(at: number): Promise<Node> {
    const node = { id: randomUUID(), secret: randomUUID() };
    await this.send('PUT', '/agent/v1/node', {
      SecretID: node.secret,
      Node: {
        ...{ ID: node.id, Name: `n${at}`, Datacenter: 'dc1', NodePool: 'default', NodeClass: '', HTTPAddr: '' },
        Attributes: { 'kernel.name': 'linux', 'driver.mock_driver': '1' },
        Meta: null,
        Drivers: {
          mock_driver: { Attributes: null, Detected: true, Healthy: true, HealthDescription: '', UpdateTime: null },
        },
        NodeResources: {
          Cpu: { CpuShares: SLOTS_OF_A_NODE * 10, TotalCpuCores: 2, ReservableCpuCores: [0, 1] },
          Memory: { MemoryMB: SLOTS_OF_A_NODE * 10 },
          Disk: { DiskMB: SLOTS_OF_A_NODE * 1000 },
          ...{ NodeNetworks: null, Networks: null, MinDynamicPort: 20_000, MaxDynamicPort: 32_000 },
        },
        ReservedResources: {
          ...{ Cpu: { CpuShares: 0 }, Memory: { MemoryMB: 0 }, Disk: { DiskMB: 0 } },
          Networks: { ReservedHostPorts: '' },
        },
        HostVolumes: null,
      },
    });
    return node;
  }

  private async beat(): Promise<void> {
    for (const { id, secret } of this.nodes)
      await this.send('PUT', `/agent/v1/node/${id}/heartbeat`, { Status: 'ready' }, secret);
  }

  private async send<T>(method: string, path: string, body?: object, secret?: string): Promise<T> {
    const answer = await fetch(this.server.url + path, {
      method,
      headers: secret === undefined ? {} : { Authorization: `Bearer ${secret}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }
}

const job = (count: number): object => ({
  ...{ ID: 'many', Name: 'many', Type: 'service', Datacenters: ['*'] },
  Update: {
    ...{ MaxParallel: count, MinHealthyTime: 0, HealthyDeadline: 600e9, ProgressDeadline: 3600e9 },
    HealthCheck: 'task_states',
  },
  TaskGroups: [
    {
      Name: 'api',
      Count: count,
      EphemeralDisk: { SizeMB: 20 },
      Tasks: [
        {
          Name: 'server',
          Driver: 'mock_driver',
          Config: { run_for: '10h' },
          Resources: { CPU: 1, MemoryMB: 10 },
          LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
        },
      ],
    },
  ],
});
