import { SimulatedClient } from '../../libs/nomad-rpc/testing/simulated-client.js';
import type { LogFacts } from './log-facts.js';
import { getJson, JOIN_TOKEN, until, type Stack } from './stack.js';

const CLIENTS = 3;
const ALLOCATIONS = 6;
const DATACENTER = 'rpc';
const JOB = 'steady';
const RUNNING_BOUND_MS = 30_000;
const SECOND_NS = 1e9;

const steadyJob = {
  ID: JOB,
  Name: JOB,
  Type: 'service',
  Datacenters: [DATACENTER],
  TaskGroups: [
    {
      Name: 'web',
      Count: ALLOCATIONS,
      Update: { MaxParallel: ALLOCATIONS, MinHealthyTime: SECOND_NS / 100 },
      Tasks: [
        { Name: 'main', Driver: 'exec', Config: { command: '/bin/sleep' }, Resources: { CPU: 10, MemoryMB: 10 } },
      ],
    },
  ],
};

interface Listed {
  readonly ID: string;
  readonly ClientStatus: string;
}

/** Nomad's client agents beside our own, with a job that nobody commands: whatever breaks among the servers must not touch it. */
export class ClientFleet {
  private constructor(
    private readonly stack: Stack,
    private readonly clients: readonly SimulatedClient[],
    private readonly placed: readonly string[],
  ) {}

  static async start(stack: Stack, rpcPorts: readonly number[]): Promise<ClientFleet> {
    const servers = rpcPorts.map((port) => `127.0.0.1:${port}`);
    const clients: SimulatedClient[] = [];
    for (let n = 0; n < CLIENTS; n++) {
      const own = [...servers.slice(n), ...servers.slice(0, n)];
      clients.push(
        await new SimulatedClient({
          servers: own,
          name: `client-${n}`,
          datacenter: DATACENTER,
          token: JOIN_TOKEN,
        }).start(),
      );
    }
    const body = JSON.stringify({ Job: steadyJob });
    const answer = await fetch(`${stack.balancer.url}/v1/jobs`, { method: 'PUT', body });
    if (!answer.ok) throw new Error(`${JOB} cannot be registered: ${await answer.text()}`);
    let placed: Listed[] = [];
    await until('the allocations of the client agents to run', RUNNING_BOUND_MS, async () => {
      placed = await listed(stack);
      return placed.filter(({ ClientStatus }) => ClientStatus === 'running').length === ALLOCATIONS;
    });
    return new ClientFleet(stack, clients, placed.map(({ ID }) => ID).sort());
  }

  /** What a real client would have suffered. */
  async suffered(facts: LogFacts): Promise<string[]> {
    const now = await listed(this.stack);
    const running = now.filter(({ ClientStatus }) => ClientStatus === 'running').map(({ ID }) => ID);
    return [
      ...this.clients.flatMap(({ violations }) => violations),
      ...this.clients.flatMap(({ id, killed }) => killed.map((one) => `client ${id} killed allocation ${one}`)),
      ...this.placed.filter((id) => !running.includes(id)).map((id) => `allocation ${id} does not run any more`),
      ...now.filter(({ ID }) => !this.placed.includes(ID)).map(({ ID }) => `allocation ${ID} came in place of another`),
      ...this.clients.flatMap(({ id }) => facts.downs.get(`node/${id}`) ?? []),
    ];
  }

  get size(): string {
    const calls = this.clients.flatMap((client) => [...client.calls.values()]).reduce((sum, one) => sum + one, 0);
    return `${this.clients.length} clients, ${this.placed.length} allocations, ${calls} calls`;
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.stop()));
  }
}

const listed = (stack: Stack): Promise<Listed[]> => getJson(`${stack.balancer.url}/v1/job/${JOB}/allocations`);
