import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { byName } from '@app/kernel';
import type { JobSpec, NodeDescription } from '@app/domain';
import type { AgentAllocation, AllocationList, AllocationUpdate, Registration } from '../protocol.js';

const PATIENCE_MS = 10_000;

/** The servers' side of `/agent/v1`, as much of it as agents see: it keeps what it is told and blocks reads until something changes. */
export class FakeServer {
  node: NodeDescription | null = null;
  secret = '';
  heartbeats = 0;
  registrations = 0;
  statusRequests: AllocationUpdate[][] = [];
  /** Answers to the next status requests, instead of taking them. */
  readonly refusals: { readonly status: number; readonly text: string }[] = [];
  /** How long the identities live that are signed from now on, and how often some were. */
  identityLifeUs = 3_600_000_000;
  signatures = 0;
  /** Reads of a variable that wait for a change; there is none, and none comes. */
  waitingReads = 0;
  heartbeatTtlMs = 15_000;
  /** Refuses everything, and counts. */
  isDown = false;
  refused = 0;
  index = 1;
  readonly allocations = new Map<string, AgentAllocation>();
  readonly updates = new Map<string, AllocationUpdate>();
  readonly jobs = byName<JobSpec>();
  readonly #removed: { readonly id: string; readonly index: number }[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<FakeServer> {
    const server = new FakeServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Assigns allocations of a job to the node, or changes them. */
  assign(job: JobSpec, ...allocations: readonly AgentAllocation[]): void {
    this.index++;
    for (const allocation of allocations) {
      this.jobs[allocation.JobKey] = job;
      this.allocations.set(allocation.ID, { ...allocation, AllocModifyIndex: this.index });
    }
    this.#changed();
  }

  change(id: string, change: Partial<AgentAllocation>): void {
    const allocation = this.allocations.get(id);
    if (!allocation) throw new Error(`no allocation ${id}`);
    this.allocations.set(id, { ...allocation, ...change, AllocModifyIndex: ++this.index });
    this.#changed();
  }

  remove(id: string): void {
    this.allocations.delete(id);
    this.#removed.push({ id, index: ++this.index });
    this.#changed();
  }

  /** Waits until the latest update of an allocation satisfies a condition. */
  async updateOf(id: string, satisfies: (update: AllocationUpdate) => boolean): Promise<AllocationUpdate> {
    const holds = (): AllocationUpdate | undefined => {
      const update = this.updates.get(id);
      return update && satisfies(update) ? update : undefined;
    };
    await this.until(
      () => holds() !== undefined,
      () => `allocation ${id}: ${JSON.stringify(this.updates.get(id))}`,
    );
    return holds() as AllocationUpdate;
  }

  async until(holds: () => boolean, describe = (): string => ''): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!holds()) {
      if (Date.now() > end) throw new Error(`waited in vain; ${describe()}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const url = new URL(request.url ?? '/', 'http://server');
    const answer = await this.#answer(request, url, text);
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body);
  }

  async #answer(request: IncomingMessage, url: URL, text: string): Promise<{ status: number; body: string }> {
    const ok = (body: object): { status: number; body: string } => ({ status: 200, body: JSON.stringify(body) });
    if (this.isDown) {
      this.refused++;
      return { status: 503, body: 'no servers' };
    }
    if (url.pathname === '/agent/v1/node') {
      const { Node, SecretID } = JSON.parse(text) as Registration;
      this.node = Node;
      this.secret = SecretID;
      this.registrations++;
      return ok({ NodeID: Node.ID, HeartbeatTTLMs: this.heartbeatTtlMs, Index: ++this.index });
    }
    if (url.pathname.startsWith('/v1/var/')) {
      if (url.searchParams.get('index') !== '0') await this.#readInVain(request);
      return { status: 404, body: 'variable not found' };
    }
    const [, , , , id, verb] = url.pathname.split('/');
    if (id !== this.node?.ID) return { status: 404, body: 'node not found' };
    if (request.headers.authorization !== `Bearer ${this.secret}`) return { status: 403, body: 'Permission denied' };
    switch (verb) {
      case 'heartbeat':
        this.heartbeats++;
        return ok({ HeartbeatTTLMs: this.heartbeatTtlMs, Index: this.index });
      case 'allocations':
        return ok(await this.#list(Number(url.searchParams.get('index'))));
      case 'status': {
        const refusal = this.refusals.shift();
        if (refusal) return { status: refusal.status, body: refusal.text };
        const { Updates } = JSON.parse(text) as { Updates: AllocationUpdate[] };
        this.statusRequests.push(Updates);
        for (const update of Updates) this.#take(update);
        return ok({ Index: ++this.index });
      }
      case 'identities': {
        const { Names } = JSON.parse(text) as { Names: string[] };
        const Token = `token ${++this.signatures}`;
        const ExpiresAtUs = Date.now() * 1000 + this.identityLifeUs;
        return ok({ Identities: Names.map((Name) => ({ Name, Token, ExpiresAtUs })), Rejections: [] });
      }
      default:
        return { status: 404, body: 'no such thing' };
    }
  }

  async #readInVain({ socket }: IncomingMessage): Promise<void> {
    this.waitingReads++;
    await once(socket, 'close');
    this.waitingReads--;
  }

  #take(update: AllocationUpdate): void {
    this.updates.set(update.ID, update);
    const allocation = this.allocations.get(update.ID);
    if (!allocation) return;
    this.allocations.set(update.ID, {
      ...allocation,
      ClientStatus: update.ClientStatus,
      TaskStates: update.TaskStates,
      DeploymentHealth: update.DeploymentStatus?.Healthy ?? allocation.DeploymentHealth,
    });
  }

  async #list(after: number): Promise<AllocationList> {
    const find = (): { allocations: AgentAllocation[]; removed: string[] } => ({
      allocations: [...this.allocations.values()].filter(
        (allocation) =>
          allocation.AllocModifyIndex > after &&
          (after > 0 || !['complete', 'failed', 'lost'].includes(allocation.ClientStatus)),
      ),
      removed: after === 0 ? [] : this.#removed.filter((entry) => entry.index > after).map((entry) => entry.id),
    });
    let found = find();
    while (after > 0 && found.allocations.length === 0 && found.removed.length === 0) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
      found = find();
    }
    const keys = new Set(found.allocations.map((allocation) => allocation.JobKey));
    const jobs = Object.fromEntries([...keys].map((key) => [key, this.jobs[key] as JobSpec]));
    return { Index: this.index, Allocations: found.allocations, Jobs: jobs, Removed: found.removed };
  }
}
