import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  call,
  decode,
  dial,
  getAllocsReply,
  getAllocsRequest,
  getClientAllocsReply,
  getClientAllocsRequest,
  indexReply,
  nodeUpdateReply,
  openStream,
  pingRequest,
  emptyReply,
  registerRequest,
  updateAllocRequest,
  updateStatusRequest,
  ZERO_TIME,
  type Any,
  type Call,
  type ClientNode,
  type Of,
  type YamuxSession,
} from '../index.js';

/** A real client's registration, as recorded; the process may run compiled. */
const recordedRegistration = (): Of<typeof registerRequest> => {
  const file = 'libs/nomad-rpc/testing/recorded/session.jsonl';
  const line = readFileSync(join(process.cwd(), file), 'utf8').split('\n')[5]!;
  return decode(registerRequest, Buffer.from((JSON.parse(line) as { hex: string }).hex, 'hex'));
};

const REPORT_MS = 50;
const RETRY_MS = 100;
/** An answer without news that comes so soon did not wait. */
const EARLY_MS = 1000;

type Document = { readonly [key: string]: Any };

export interface SimulatedClientOptions {
  /** `host:port`, the first one is called. */
  readonly servers: readonly string[];
  readonly name: string;
  readonly datacenter?: string;
  readonly token?: string;
  /** What the registration says besides. */
  readonly node?: Partial<ClientNode>;
  readonly id?: string;
  readonly secret?: string;
}

interface Running {
  readonly modifyIndex: number;
  readonly document: Document;
  status: 'pending' | 'running' | 'complete';
  healthy: boolean;
}

/**
 * Behaves towards a server as Nomad's own client agent does (spec/rpc §8), with allocations that do nothing but run; and counts what a real
 * client would punish: answers that come early, indexes that go back, allocations that are missing, documents that end an agent.
 */
export class SimulatedClient {
  readonly id: string;
  readonly secret: string;
  /** What the servers have done wrong. */
  readonly violations: string[] = [];
  /** Allocations that were killed because the server no longer named them. */
  readonly killed: string[] = [];
  readonly calls = new Map<string, number>();
  registrations = 0;

  private servers: string[];
  private session: YamuxSession | undefined;
  private readonly running = new Map<string, Running>();
  private readonly dirty = new Set<string>();
  private readonly ended = new AbortController();
  private loops: Promise<unknown>[] = [];

  constructor(private readonly options: SimulatedClientOptions) {
    this.id = options.id ?? randomUUID();
    this.secret = options.secret ?? randomUUID();
    this.servers = [...options.servers];
  }

  /** Registers, and goes on until it is stopped. */
  async start(): Promise<this> {
    await this.call({ method: 'Status.Ping', arguments: pingRequest, reply: emptyReply }, this.query(0));
    await this.register();
    await this.heartbeat();
    this.loops = [this.forever(() => this.watch()), this.forever(() => this.report()), this.forever(() => this.beat())];
    return this;
  }

  /** Goes without a word, as a client does whose process ends; its tasks go on. */
  async stop(): Promise<void> {
    this.ended.abort(new Error('the client has stopped'));
    this.session?.close();
    await Promise.allSettled(this.loops);
  }

  /** Cuts the connection. */
  cut(): void {
    this.session?.close();
    this.session = undefined;
  }

  /** Ids of what it runs. */
  get allocations(): ReadonlyMap<string, { readonly status: string; readonly document: Document }> {
    return this.running;
  }

  /** Addresses that it may turn to: what it was given, then what the servers name in their answers. */
  get knownServers(): readonly string[] {
    return this.servers;
  }

  private async forever(step: () => Promise<void>): Promise<void> {
    while (!this.ended.signal.aborted) {
      await step().catch(async () => {
        if (this.session?.isClosed !== false) this.leave(this.called);
        await delay(RETRY_MS, undefined, { signal: this.ended.signal }).catch(() => undefined);
      });
    }
  }

  /** The server that a call failed with goes to the end of the list, once. */
  private leave(server: string): void {
    if (this.servers[0] === server) this.servers.push(this.servers.shift()!);
  }

  private ttlMs = 1000;

  private async beat(): Promise<void> {
    await delay(this.ttlMs, undefined, { signal: this.ended.signal });
    await this.heartbeat();
  }

  private async heartbeat(): Promise<void> {
    try {
      const reply = await this.call(
        { method: 'Node.UpdateStatus', arguments: updateStatusRequest, reply: nodeUpdateReply },
        { ...this.write(), NodeID: this.id, Status: 'ready', IdentitySigningKeyID: '', ForceIdentityRenewal: false },
      );
      this.take(reply);
    } catch (error) {
      if (!(error as Error).message.includes('node not found')) throw error;
      await this.register();
    }
  }

  private async register(): Promise<void> {
    const recorded = recordedRegistration();
    const { name, datacenter = 'dc1', token, node } = this.options;
    const described = {
      ...recorded.Node,
      ID: this.id,
      SecretID: this.secret,
      Name: name,
      Datacenter: datacenter,
      ...node,
    };
    const reply = await this.call(
      { method: 'Node.Register', arguments: registerRequest, reply: nodeUpdateReply },
      { ...recorded, Node: described, AuthToken: this.registrations === 0 ? (token ?? '') : this.secret },
    );
    this.registrations++;
    this.take(reply);
  }

  private take({ HeartbeatTTL, Servers }: Of<typeof nodeUpdateReply>): void {
    if (HeartbeatTTL <= 0n) this.violations.push('a heartbeat TTL of 0');
    if ((Servers ?? []).length === 0) this.violations.push('no servers');
    this.ttlMs = Number(HeartbeatTTL / 1_000_000n);
    const named = (Servers ?? []).map((one) => one.RPCAdvertiseAddr);
    const kept = this.servers.filter((one) => named.includes(one));
    this.servers = [...kept, ...named.filter((one) => !kept.includes(one))];
  }

  private minIndex = 0;

  private async watch(): Promise<void> {
    const min = this.minIndex;
    const began = performance.now();
    const reply = await this.call(
      { method: 'Node.GetClientAllocs', arguments: getClientAllocsRequest, reply: getClientAllocsReply },
      { ...this.query(min), NodeID: this.id, SecretID: this.secret },
    );
    if (reply.Index === 0) this.violations.push('index 0');
    if (min > 0 && reply.Index <= min) {
      if (reply.Index < min) this.violations.push(`the index went back from ${min} to ${reply.Index}`);
      if (performance.now() - began < EARLY_MS) this.violations.push(`an early answer at index ${min}`);
      return;
    }
    const indexes = new Map(Object.entries(reply.Allocs ?? {}));
    const wanted = [...indexes].filter(([id, index]) => (this.running.get(id)?.modifyIndex ?? -1) < index);
    if (wanted.length > 0 && !(await this.pull(wanted))) return;
    for (const [id, { status }] of this.running) {
      if (indexes.has(id)) continue;
      if (status !== 'complete') this.killed.push(id);
      this.running.delete(id);
    }
    this.minIndex = reply.Index;
  }

  /** Nothing is applied until everything is there. */
  private async pull(wanted: readonly (readonly [string, number])[]): Promise<boolean> {
    const min = Math.max(...wanted.map(([, index]) => index)) - 1;
    const reply = await this.call(
      { method: 'Alloc.GetAllocs', arguments: getAllocsRequest, reply: getAllocsReply },
      { ...this.query(min), AllocIDs: wanted.map(([id]) => id) },
    );
    if (reply.Index <= min) this.violations.push(`allocations at index ${reply.Index}, wanted ${min + 1}`);
    const documents = new Map((reply.Allocs ?? []).map((one) => [String((one as Document)['ID']), one as Document]));
    if (wanted.some(([id]) => !documents.has(id))) {
      await delay(RETRY_MS);
      return false;
    }
    for (const [id, index] of wanted) this.apply(id, index, documents.get(id)!);
    return true;
  }

  private apply(id: string, modifyIndex: number, document: Document): void {
    this.violations.push(...faultsOf(document));
    const before = this.running.get(id);
    const goes = document['DesiredStatus'] !== 'run';
    const status = goes || before?.status === 'complete' ? 'complete' : (before?.status ?? 'running');
    this.running.set(id, { modifyIndex, document, status, healthy: typeof document['DeploymentID'] === 'string' });
    if (before?.status !== status || before.document['DeploymentID'] !== document['DeploymentID']) this.dirty.add(id);
  }

  /** Ends an allocation's task, as one does that has done its work. */
  complete(id: string): void {
    this.running.get(id)!.status = 'complete';
    this.dirty.add(id);
  }

  private async report(): Promise<void> {
    await delay(REPORT_MS, undefined, { signal: this.ended.signal });
    const ids = [...this.dirty];
    if (ids.length === 0) return;
    const updates = ids.flatMap((id) => {
      const one = this.running.get(id);
      return one === undefined ? [] : [this.updateOf(id, one)];
    });
    await this.call(
      { method: 'Node.UpdateAlloc', arguments: updateAllocRequest, reply: indexReply },
      { ...this.write(), Alloc: updates, Evals: null },
    );
    for (const id of ids) this.dirty.delete(id);
  }

  private updateOf(id: string, { status, document, healthy }: Running) {
    const group = (((document['Job'] as Document)['TaskGroups'] ?? []) as readonly Document[]).find(
      (one) => one['Name'] === document['TaskGroup'],
    );
    const tasks = ((group?.['Tasks'] ?? []) as readonly Document[]).map((task) => String(task['Name']));
    const now = new Date().toISOString();
    const isDead = status === 'complete';
    const state = {
      State: isDead ? 'dead' : 'running',
      Failed: false,
      Restarts: 0,
      LastRestart: ZERO_TIME,
      StartedAt: now,
      FinishedAt: isDead ? now : ZERO_TIME,
      Events: [],
      Paused: '',
    };
    return {
      ID: id,
      NodeID: this.id,
      ClientStatus: status,
      ClientDescription: isDead ? 'All tasks have completed' : 'Tasks are running',
      TaskStates: Object.fromEntries(tasks.map((name) => [name, state])),
      DeploymentStatus: healthy && !isDead ? { Healthy: true, Timestamp: now, Canary: false, ModifyIndex: 0 } : null,
      NetworkStatus: null,
    };
  }

  /** Any call in the name of this node, or of one of its workloads. */
  async call<A, R>(one: Call<A, R>, args: A): Promise<R> {
    this.calls.set(one.method, (this.calls.get(one.method) ?? 0) + 1);
    if (this.session?.isClosed !== false) this.session = await this.dial();
    return call(openStream(this.session), one, args, this.ended.signal);
  }

  private dialling: Promise<YamuxSession> | undefined;
  /** The server of the present session, or of the one that is being dialled. */
  private called = '';

  private dial(): Promise<YamuxSession> {
    if (this.dialling === undefined) this.called = this.servers[0]!;
    const [host, port] = this.called.split(':');
    this.dialling ??= dial({
      host: host!,
      port: Number(port),
      signal: this.ended.signal,
      onStream: (stream) => stream.destroy(),
      onClose: () => undefined,
    }).finally(() => (this.dialling = undefined));
    return this.dialling;
  }

  /** The options of a read. */
  query(min: number, token = this.secret) {
    return { ...pingRequest.zero(), Region: 'global', MinQueryIndex: min, AllowStale: min > 0, AuthToken: token };
  }

  /** The options of a write. */
  write(token = this.secret) {
    return { Region: 'global', Namespace: '', AuthToken: token, IdempotencyToken: '', Forwarded: false };
  }
}

/** What of an allocation would end an agent, or would not decode there. spec/rpc §11.2. */
export function faultsOf(alloc: Document): string[] {
  const faults: string[] = [];
  const fault = (text: string): void => void faults.push(`allocation ${String(alloc['ID'])}: ${text}`);
  const job = alloc['Job'] as Document | undefined;
  if (job == null) return [...faults, 'no job'];
  if (job['Type'] === '') fault('no job type');
  const resources = new Map(
    Object.entries(((alloc['AllocatedResources'] as Document | undefined)?.['Tasks'] ?? {}) as Document),
  );
  const group = ((job['TaskGroups'] ?? []) as readonly Document[]).find((one) => one['Name'] === alloc['TaskGroup']);
  if (group === undefined) fault('no group');
  if (typeof alloc['DeploymentID'] === 'string' && group?.['Update'] == null)
    fault('a deployment without an update strategy');
  const tasks = (group?.['Tasks'] ?? []) as readonly Document[];
  if (tasks.length === 0) fault('no tasks');
  for (const task of tasks) {
    if (task['LogConfig'] == null) fault('a task without LogConfig');
    if (task['Resources'] == null) fault('a task without Resources');
    if (resources.get(String(task['Name'])) == null) fault('a task without allocated resources');
  }
  for (const path of floatsIn(alloc, '')) fault(`a float in ${path}`);
  return faults;
}

/** A driver's configuration, scaling policies and scores may hold floats; a client loses the whole answer for any other. */
const MAY_HOLD_FLOATS = /\.(Config|Policy|Scores|NormScore)$/;

function* floatsIn(value: Any, path: string): Generator<string> {
  if (typeof value === 'number' && !Number.isInteger(value)) yield path;
  if (typeof value !== 'object' || value === null || MAY_HOLD_FLOATS.test(path)) return;
  if (value instanceof Uint8Array) return;
  for (const [key, one] of Object.entries(value)) yield* floatsIn(one, `${path}.${key}`);
}
