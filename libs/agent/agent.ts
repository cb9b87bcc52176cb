import { ownProperty } from '@app/kernel';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '@app/domain';
import { AllocationFeed } from './allocation-feed.js';
import { AllocationRunner, type SavedAllocation } from './allocation/allocation-runner.js';
import { isTerminalStatus } from './allocation/client-status.js';
import { pruneEndedDirectories, removeAllocationDirectory } from './allocation/directories.js';
import { nowUs } from './clock.js';
import type { Driver } from './drivers/driver.js';
import { MockDriver } from './drivers/mock-driver.js';
import { RawExecDriver } from './drivers/raw-exec-driver.js';
import { endStrays } from './drivers/strays.js';
import { JobCatalogue } from './job-catalogue.js';
import { Journal } from './journal.js';
import { APPLY_CHUNK, FINAL_FLUSH_MS, MAX_ENDED_REMEMBERED } from './limits.js';
import { FollowedLog, textOf, type AgentLog } from './log.js';
import { describeNode, type NodeResourcesOption } from './node/node-description.js';
import { DynamicMeta } from './node/dynamic-meta.js';
import { lockDataDir, nodeIdentity, type NodeIdentity } from './node/node-identity.js';
import { NodeSession } from './node/node-session.js';
import type { AgentAllocation, AllocationList, AllocationUpdate } from './protocol.js';
import { remoteMethods } from './remote/node-methods.js';
import { refusal } from './remote/remote-error.js';
import { RemoteSession } from './remote/remote-session.js';
import { RequestRefused, ServerClient, type ServerTrust } from './server-client.js';
import { StatusReporter } from './status-reporter.js';
import { inheritedEnv } from './task/task-environment.js';
import { Timers } from './timers.js';

export type DriverName = 'mock_driver' | 'raw_exec';

export interface AgentOptions {
  /** Of a server or of a load balancer: `http://127.0.0.1:4646`. */
  readonly serverAddress: string;
  /** Holds the node's identity, its state and the directories of its allocations. One agent at a time. */
  readonly dataDir: string;
  readonly nodeName: string;
  readonly datacenter: string;
  readonly nodePool?: string;
  readonly nodeClass?: string;
  readonly meta?: Readonly<Record<string, string>>;
  /** Both by default. `raw_exec` runs whatever a job says, as the user of the agent. */
  readonly drivers?: readonly DriverName[];
  readonly resources?: NodeResourcesOption;
  readonly trust?: ServerTrust;
  readonly log: AgentLog;
  /** Aborted: the agent stops, and leaves its tasks running. */
  readonly signal?: AbortSignal;
}

export interface Agent {
  readonly nodeId: string;
  /** Settles when the servers have accepted the node. */
  readonly ready: Promise<void>;
  /** How many allocations the agent looks after now. */
  readonly allocationCount: () => number;
  /**
   * Restarts a task of an allocation, or all its running tasks.
   * @throws Error `Unknown allocation "<id>"`, `Could not find task runner for task: <name>` or `Task not running`
   */
  restartTask(allocationId: string, taskName?: string): void;
  /**
   * Sends a signal (`SIGHUP`) to a task of an allocation, or to all its running tasks.
   * @throws Error as {@link Agent.restartTask}, or what the driver says.
   */
  signalTask(allocationId: string, signal: string, taskName?: string): Promise<void>;
  /** Ends the agent; its tasks go on without it (and are found again by the next agent on this directory), or are killed first. */
  stop(options: { readonly tasks: 'leave' | 'kill' }): Promise<void>;
}

/** What every node of Nomad's shows besides its own metadata. */
const CONNECT_META = {
  'connect.gateway_image': 'docker.io/envoyproxy/envoy:v${NOMAD_envoy_version}',
  'connect.log_level': 'info',
  'connect.proxy_concurrency': '1',
  'connect.sidecar_image': 'docker.io/envoyproxy/envoy:v${NOMAD_envoy_version}',
  'connect.transparent_proxy.default_outbound_port': '15001',
  'connect.transparent_proxy.default_uid': '101',
};
const ALLOCATION = 'alloc/';
const RUN = 'run/';
const JOB = 'job/';

/** Tasks of other users pass through it to their own directories; nobody else may list it, and its files are the agent's alone. */
const DATA_DIR_MODE = 0o711;

/** Starts a node agent. Returns once it has taken up its local tasks; the servers need not be there yet. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  mkdirSync(options.dataDir, { recursive: true, mode: DATA_DIR_MODE });
  const unlock = lockDataDir(options.dataDir);
  try {
    const agent = new NodeAgent(options, unlock);
    await agent.begin();
    return agent;
  } catch (error) {
    unlock();
    throw error;
  }
}

class NodeAgent implements Agent {
  readonly #options: AgentOptions;
  readonly #unlock: () => void;
  readonly #log: AgentLog;
  readonly #identity: NodeIdentity;
  readonly #timers = new Timers();
  readonly #journal: Journal;
  readonly #jobs: JobCatalogue;
  readonly #client: ServerClient;
  readonly #drivers: ReadonlyMap<string, Driver>;
  readonly #session: NodeSession;
  readonly #meta: DynamicMeta;
  readonly #remote: RemoteSession;
  readonly #reporter: StatusReporter;
  readonly #feed: AllocationFeed;
  readonly #runners = new Map<string, AllocationRunner>();
  /** Ids of allocations that have ended and were handed in, oldest first. */
  readonly #ended = new Set<string>();
  #attributes: Readonly<Record<string, string>> = {};
  #ip = '';
  #stopping: Promise<void> | null = null;

  constructor(given: AgentOptions, unlock: () => void) {
    const log = new FollowedLog(given.log);
    const options = { ...given, log };
    this.#options = options;
    this.#unlock = unlock;
    this.#log = options.log;
    this.#identity = nodeIdentity(options.dataDir);
    this.#journal = new Journal(join(options.dataDir, 'state.jsonl'), this.#timers, options.log);
    this.#jobs = new JobCatalogue(
      (key, job) => this.#journal.put(JOB + key, () => job),
      (key) => this.#journal.delete(JOB + key),
    );
    this.#client = new ServerClient(options.serverAddress, this.#identity.secret, options.trust);
    this.#drivers = new Map(makeDrivers(options.drivers, this.#timers).map((driver) => [driver.name, driver]));
    const host = { timers: this.#timers, random: Math.random, log: options.log };
    const recover = (error: unknown): Promise<void> => this.#recoverFrom(error);
    this.#session = new NodeSession(
      {
        ...host,
        client: this.#client,
        describe: () => this.#describe(),
        registered: () => this.#feed.startOver(),
        cameBack: () => void this.#reportAll(),
        cutOff: (ms) => this.#stopWhatMayNotGoOnAlone(ms),
      },
      this.#identity,
    );
    this.#reporter = new StatusReporter({
      ...host,
      send: (updates) => this.#client.reportStatus(this.#identity.id, updates),
      accepted: (update, final) => this.#accepted(update, final),
      beforeRetry: recover,
    });
    this.#feed = new AllocationFeed({
      ...host,
      read: (index) => this.#client.allocations(this.#identity.id, index),
      apply: (list, complete) => this.#apply(list, complete),
      beforeRetry: recover,
    });
    this.#meta = new DynamicMeta(join(options.dataDir, 'metadata.json'));
    this.#remote = new RemoteSession({
      ...host,
      serverAddress: options.serverAddress,
      nodeId: this.#identity.id,
      secret: this.#identity.secret,
      tls: options.trust?.tls,
      methods: remoteMethods({
        dataDir: options.dataDir,
        allocation: (id) => this.#runners.get(id),
        collect: (id) => this.#collect(id),
        collectAll: async () => pruneEndedDirectories(options.dataDir, (id) => this.#runners.has(id), 0),
        metadata: () => ({
          Meta: this.#meta.over(this.#configuredMeta),
          Dynamic: this.#meta.dynamic,
          Static: this.#configuredMeta,
        }),
        applyMetadata: (changes) => this.#applyMetadata(changes),
        identityClaims: () => {
          const { claims } = this.#session;
          if (claims === null) throw refusal('node identity does not exist');
          return claims;
        },
        renewIdentity: () => this.#registerAnew(),
        log,
        onFault: (error, method) => options.log.error({ error: textOf(error), method }, 'a call of a server failed'),
      }),
    });
  }

  get #configuredMeta(): Readonly<Record<string, string>> {
    return { ...CONNECT_META, ...this.#options.meta };
  }

  #applyMetadata(changes: Readonly<Record<string, string | null>>): void {
    this.#meta.apply(changes, this.#configuredMeta);
    this.#registerAnew();
  }

  #registerAnew(): void {
    this.#session.forgotten();
    // One that fails is made up for by the next regular one.
    void this.#session.beat().catch(() => undefined);
  }

  async #collect(id: string): Promise<void> {
    const runner = this.#runners.get(id);
    if (runner !== undefined) this.#drop(runner);
    this.#ended.add(id);
  }

  get nodeId(): string {
    return this.#identity.id;
  }
  get ready(): Promise<void> {
    return this.#session.ready;
  }
  allocationCount(): number {
    return this.#runners.size;
  }

  async begin(): Promise<void> {
    await this.#describe();
    this.#restore();
    pruneEndedDirectories(this.#options.dataDir, (id) => this.#runners.has(id));
    void this.#session.run();
    void this.ready.then(() => Promise.all([this.#feed.run(), this.#remote.run()]));
    const { signal } = this.#options;
    const stop = (): void => void this.stop({ tasks: 'leave' });
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  }

  restartTask(allocationId: string, taskName?: string): void {
    this.#runnerOf(allocationId).restart(taskName);
  }

  async signalTask(allocationId: string, signal: string, taskName?: string): Promise<void> {
    await this.#runnerOf(allocationId).signal(signal, taskName, '');
  }

  stop({ tasks }: { readonly tasks: 'leave' | 'kill' }): Promise<void> {
    this.#stopping ??= this.#stop(tasks);
    return this.#stopping;
  }

  async #stop(tasks: 'leave' | 'kill'): Promise<void> {
    this.#feed.stop();
    this.#session.stop();
    this.#remote.stop();
    if (tasks === 'kill') await Promise.all([...this.#runners.values()].map((runner) => runner.kill()));
    await this.#timers.atMost(FINAL_FLUSH_MS, this.#reporter.flush());
    this.#reporter.close();
    for (const runner of this.#runners.values()) runner.detach();
    this.#journal.flush();
    this.#timers.close();
    await this.#client.close();
    this.#unlock();
    this.#log.info({ node: this.nodeId, tasks }, 'agent stopped');
  }

  async #describe(): ReturnType<typeof describeNode> {
    const { nodeName, datacenter, nodePool = 'default', nodeClass = '' } = this.#options;
    const meta = this.#meta.over(this.#configuredMeta);
    const naming = { id: this.nodeId, name: nodeName, datacenter, nodePool, nodeClass, meta };
    const drivers = [...this.#drivers.values()];
    const description = await describeNode(
      naming,
      this.#options.resources ?? {},
      drivers,
      this.#options.dataDir,
      nowUs(),
    );
    this.#attributes = description.Attributes;
    this.#ip = description.Attributes['unique.network.ip-address'] ?? '';
    return description;
  }

  /** Takes up what an earlier run has left, before anything is heard from the servers: its tasks may have ended meanwhile. */
  #restore(): void {
    const saved = this.#journal.load();
    for (const [key, value] of saved) {
      if (!key.startsWith(ALLOCATION)) continue;
      const allocation = value as AgentAllocation;
      const job = saved.get(JOB + allocation.JobKey) as JobSpec | undefined;
      const run = saved.get(RUN + allocation.ID) as SavedAllocation | undefined;
      if (job) this.#add(allocation, job, run ?? null);
    }
    this.#journal.compact();
    if (this.#runners.size > 0) this.#log.info({ allocations: this.#runners.size }, 'local allocations taken up again');
  }

  async #apply(list: AllocationList, complete: boolean): Promise<void> {
    let untilYield = APPLY_CHUNK;
    for (const allocation of list.Allocations) {
      this.#take(allocation, ownProperty(list.Jobs, allocation.JobKey));
      if (--untilYield > 0) continue;
      untilYield = APPLY_CHUNK;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#stopping) return;
    }
    for (const id of list.Removed) this.#remove(id);
    if (!complete) return;
    const listed = new Set(list.Allocations.map((allocation) => allocation.ID));
    for (const [id, runner] of this.#runners) {
      if (listed.has(id)) continue;
      // One that is over is not listed because servers know so already.
      if (runner.isOver) this.#drop(runner);
      else this.#remove(id);
    }
    const strays = endStrays(this.#options.dataDir, (id) => this.#runners.has(id));
    if (strays.length > 0) this.#log.warn({ allocations: strays }, 'processes of unknown allocations were killed');
  }

  #take(allocation: AgentAllocation, job: JobSpec | undefined): void {
    const runner = this.#runners.get(allocation.ID);
    if (!runner) {
      // What has ended and was handed in is not looked after any more, whatever servers change; and a list that was made before it was
      // handed in still shows it as running.
      const ended = isTerminalStatus(allocation.ClientStatus) || this.#ended.has(allocation.ID);
      if (ended) return;
      if (job) this.#add(allocation, job, null);
      else this.#log.error({ allocation: allocation.ID, job: allocation.JobKey }, 'an allocation came without its job');
      return;
    }
    const spec = this.#jobs.acquire(allocation.JobKey, job ?? runner.job);
    this.#jobs.release(runner.allocation.JobKey);
    runner.update(allocation, spec);
    this.#keep(allocation);
    if (runner.isAheadOf(allocation)) this.#reporter.mark(runner, true);
  }

  #add(allocation: AgentAllocation, job: JobSpec, saved: SavedAllocation | null): void {
    const shared = this.#jobs.acquire(allocation.JobKey, job);
    const runner = new AllocationRunner(
      {
        timers: this.#timers,
        now: nowUs,
        random: Math.random,
        log: this.#log,
        dataDir: this.#options.dataDir,
        node: {
          id: this.nodeId,
          name: this.#options.nodeName,
          datacenter: this.#options.datacenter,
          nodeClass: this.#options.nodeClass ?? '',
          nodePool: this.#options.nodePool ?? 'default',
          attributes: this.#attributes,
          meta: this.#meta.over(this.#configuredMeta),
          hostEnv: inheritedEnv(process.env),
        },
        defaultHost: this.#ip,
        driver: (name) => this.#drivers.get(name),
        sign: (task, names) => this.#client.signIdentities(this.nodeId, allocation.ID, task, names),
        read: (path, token, index, waitMs, signal) => this.#client.read(path, token, index, waitMs, signal),
        whenOver: (id) => this.#runners.get(id)?.whenOver(),
        fetchDisk: (id, signal) => this.#client.previousDisk(this.nodeId, id, signal),
        changed: (changed, urgent) => this.#changed(changed, urgent),
      },
      allocation,
      shared,
    );
    this.#runners.set(allocation.ID, runner);
    this.#keep(allocation);
    runner.begin(saved);
  }

  /** Notes the allocation without what servers know of its tasks: the agent knows that better. */
  #keep(allocation: AgentAllocation): void {
    this.#journal.put(ALLOCATION + allocation.ID, () => ({ ...allocation, TaskStates: null }));
  }

  #changed(runner: AllocationRunner, urgent: boolean): void {
    if (this.#runners.get(runner.id) !== runner) return;
    this.#reporter.mark(runner, urgent);
    this.#journal.put(RUN + runner.id, () => runner.save(), runner.hasProcesses);
  }

  /** The servers know this; an allocation that is over needs nobody any more. Its directory stays for its logs. */
  #accepted(update: AllocationUpdate, final: boolean): void {
    const runner = this.#runners.get(update.ID);
    runner?.told(update);
    if (!runner || !final || !runner.isOver || !isTerminalStatus(update.ClientStatus)) return;
    this.#drop(runner);
    this.#ended.add(runner.id);
    const [oldest] = this.#ended;
    if (this.#ended.size > MAX_ENDED_REMEMBERED && oldest !== undefined) this.#ended.delete(oldest);
  }

  #drop(runner: AllocationRunner): void {
    runner.detach();
    this.#runners.delete(runner.id);
    this.#reporter.forget(runner.id);
    this.#journal.delete(ALLOCATION + runner.id);
    this.#journal.delete(RUN + runner.id);
    this.#jobs.release(runner.allocation.JobKey);
  }

  /** The servers do not have this allocation any more: it is stopped, and nothing of it stays. */
  #remove(id: string): void {
    const runner = this.#runners.get(id);
    const ended = runner ? runner.kill() : Promise.resolve();
    void ended
      .then(() => {
        if (runner && this.#runners.get(id) === runner) this.#drop(runner);
        return removeAllocationDirectory(this.#options.dataDir, id);
      })
      .catch((error: unknown) =>
        this.#log.warn({ allocation: id, error: textOf(error) }, 'allocation cannot be removed'),
      );
  }

  /** After a silence servers want to know how all allocations are before they call the node ready again, by the next heartbeat. */
  async #reportAll(): Promise<void> {
    for (const runner of this.#runners.values()) this.#reporter.mark(runner, true);
    await this.#reporter.flush();
    // One that fails is made up for by the next regular one.
    await this.#session.beat().catch(() => undefined);
  }

  #stopWhatMayNotGoOnAlone(cutOffMs: number): void {
    for (const runner of this.#runners.values()) {
      const limit = runner.stopOnClientAfter;
      if (limit !== null && limit > 0 && cutOffMs > limit / 1e6 && !runner.isOver) runner.stop();
    }
  }

  /** A request has failed: a server that does not know the node, or takes it for down, needs a heartbeat before anything else. */
  async #recoverFrom(error: unknown): Promise<void> {
    if (!(error instanceof RequestRefused) || this.#stopping) return;
    if (error.isUnknownNode) this.#session.forgotten();
    if (error.isUnknownNode || error.status === 409 || error.status === 500) await this.#session.beat();
  }

  #runnerOf(allocationId: string): AllocationRunner {
    const runner = this.#runners.get(allocationId);
    if (!runner) throw new Error(`Unknown allocation ${JSON.stringify(allocationId)}`);
    return runner;
  }
}

function makeDrivers(names: readonly DriverName[] = ['mock_driver', 'raw_exec'], timers: Timers): Driver[] {
  return names.map((name) => {
    switch (name) {
      case 'mock_driver':
        return new MockDriver(timers, nowUs);
      case 'raw_exec':
        return new RawExecDriver(timers);
    }
  });
}
