import type { JobSpec, NetworkStatus, RestartPolicy, Task, TaskGroup, TaskState } from '@app/domain';
import type { Readable } from 'node:stream';
import { ownProperty, type TimeUs } from '@app/kernel';
import type { Driver, DriverTask } from '../drivers/driver.js';
import type { ExecProcess, ExecRequest } from '../drivers/exec.js';
import { healthParameters } from '../health/health-rules.js';
import { HealthWatcher } from '../health/health-watcher.js';
import { placedChecks, ServiceChecks, type PlacedCheck } from '../health/service-checks.js';
import { SERVICES_WITHDRAWN_MS } from '../limits.js';
import { textOf, type AgentLog } from '../log.js';
import { refuseLacking } from '../task/capabilities.js';
import type { AgentAllocation, AgentService, AllocationUpdate, SignedIdentities } from '../protocol.js';
import type { ReadAnswer } from '../server-client.js';
import { inheritedEnv, interpolateAll, taskEnvironment, type NodeFacts } from '../task/task-environment.js';
import * as events from '../task/task-event.js';
import { TaskProvisions } from '../task/task-provisions.js';
import { TaskRunner, type SavedTask } from '../task/task-runner.js';
import type { Cancel, Timers } from '../timers.js';
import { clientStatus, finishedStates, isTerminalStatus, type ClientStatusReport } from './client-status.js';
import { ownerOf } from '../drivers/raw-exec-config.js';
import { createTaskDirectories, isAllocationId, isSafeName, taskDirectories, type TaskFile } from './directories.js';
import { EphemeralDisk } from './ephemeral-disk.js';
import { offeredServices } from './offered-services.js';
import { groupEnd, isSidecar, killOrder, mayStart, roleOf, type GroupEnd, type TaskInGroup } from './lifecycle.js';

/** What an allocation runner needs of the agent. */
export interface AllocationHost {
  readonly timers: Timers;
  readonly now: () => TimeUs;
  readonly random: () => number;
  readonly log: AgentLog;
  readonly dataDir: string;
  readonly node: NodeFacts;
  readonly defaultHost: string;
  readonly driver: (name: string) => Driver | undefined;
  /** Asks servers for identities of a task of this allocation. */
  readonly sign: (task: string, names: readonly string[]) => Promise<SignedIdentities>;
  /** Reads the servers' API in a task's name: spec/http-api-more. */
  readonly read: (
    path: string,
    token: string,
    index: number,
    waitMs: number,
    signal: AbortSignal,
  ) => Promise<ReadAnswer>;
  /** Settles when another allocation of this node is over; undefined: the agent does not look after it (any more). */
  readonly whenOver: (allocationId: string) => Promise<void> | undefined;
  /** The disk that this allocation continues, from the node where it is. @throws RequestRefused */
  readonly fetchDisk: (allocationId: string, signal: AbortSignal) => Promise<Readable>;
  /** Something to report and to note has changed; urgent if the client status or the health has. */
  readonly changed: (runner: AllocationRunner, urgent: boolean) => void;
}

/** Health as the agent knows it; no time if it followed from the failure of the allocation. */
export interface KnownHealth {
  readonly healthy: boolean;
  readonly timestampUs: TimeUs;
}
/** What the journal keeps of an allocation, beside the allocation and its job. */
export interface SavedAllocation {
  readonly tasks: Readonly<Record<string, SavedTask>>;
  readonly health: KnownHealth | null;
  readonly exceededMaxRunDuration: boolean;
  /** The ephemeral disk is as it was to become: nothing more moves into it. */
  readonly hasDisk?: boolean;
}

interface MovingDisk {
  readonly moving: EphemeralDisk;
  /** Rejects if stopped. */
  readonly arrived: Promise<void>;
}

const NO_NETWORK: NetworkStatus = { InterfaceName: '', Address: '', AddressIPv6: '', DNS: null };
const NO_SERVICES = '[]';
const NO_RESTARTS: RestartPolicy = { Attempts: 0, Interval: 0, Delay: 0, Mode: 'fail', RenderTemplates: false };

/**
 * Runs one allocation: its tasks in their order, its checks, the watch over its health, its end.
 *
 * Whatever changes a task calls `#react`, which looks at all tasks and draws every consequence; it is the only place that does, and does
 * so again as long as its own consequences change something.
 */
export class AllocationRunner {
  readonly id: string;
  readonly #host: AllocationHost;
  readonly #tasks = new Map<string, TaskRunner>();
  readonly #provisions = new Map<string, TaskProvisions>();
  #allocation: AgentAllocation;
  #job: JobSpec;
  #group: TaskGroup | undefined;
  readonly #setupError: string;
  #health: KnownHealth | null = null;
  #watcher: HealthWatcher | null = null;
  #checks: ServiceChecks | null = null;
  #exceededMaxRunDuration = false;
  #hasDisk = false;
  #disk: MovingDisk | null = null;
  #cancelMaxRun: Cancel | null = null;
  #killing: Promise<void> | null = null;
  readonly #delaySkipped = Promise.withResolvers<void>();
  /** Servers know that none of its services is on offer any more. */
  #withdrawn = Promise.withResolvers<void>();
  #skipsDelays = false;
  #reacting = false;
  #changedMeanwhile = false;
  #detached = false;
  #begun = false;
  /** Services as servers know them, as JSON; undefined: this agent does not know what they know. */
  #toldServices: string | undefined = NO_SERVICES;
  /** Status, health and services as they were last shown to the outside. */
  #shown = '';
  #tasksChanged = false;

  constructor(host: AllocationHost, allocation: AgentAllocation, job: JobSpec) {
    this.id = allocation.ID;
    this.#host = host;
    this.#allocation = allocation;
    this.#job = job;
    this.#group = job.TaskGroups.find((group) => group.Name === allocation.TaskGroup);
    this.#setupError = this.#trySetUp();
  }

  get allocation(): AgentAllocation {
    return this.#allocation;
  }
  get job(): JobSpec {
    return this.#job;
  }
  /** Has tasks that go on when the agent ends, and that only their handles lead back to. */
  get hasProcesses(): boolean {
    return this.#group?.Tasks.some((task) => task.Driver !== 'mock_driver') ?? false;
  }
  /** Nothing of the allocation runs or will run. */
  get isOver(): boolean {
    return this.#setupError !== '' || [...this.#tasks.values()].every((task) => task.isDead);
  }

  /** Settles when nothing of the allocation runs or will run. */
  async whenOver(): Promise<void> {
    if (!this.isOver) await Promise.all([...this.#tasks.values()].map((task) => task.done));
  }

  /** Starts the allocation, or goes on where an earlier run of the agent was. */
  begin(saved: SavedAllocation | null): void {
    this.#health = saved?.health ?? healthFrom(this.#allocation);
    this.#exceededMaxRunDuration = saved?.exceededMaxRunDuration ?? false;
    this.#hasDisk = saved?.hasDisk ?? false;
    for (const task of this.#tasks.values()) task.begin(ownProperty(saved?.tasks, task.name) ?? null);
    this.#begun = true;
    // What was taken up again is told when servers turn out not to know it, see isAheadOf.
    if (saved) {
      this.#shown = this.#show();
      this.#toldServices = undefined;
    }
    if (this.#setupError)
      this.#host.log.warn({ allocation: this.id, error: this.#setupError }, 'allocation cannot be set up');
    this.#watchHealth();
    this.#limitRunTime();
    // What was not to run any more when it was first seen is not started at all, its poststop tasks neither.
    if (this.#allocation.DesiredStatus !== 'run') void (saved ? this.#stop() : this.kill());
    this.#react();
  }

  /** Takes up what the servers have changed. */
  update(allocation: AgentAllocation, job: JobSpec): void {
    const before = this.#allocation;
    this.#allocation = allocation;
    if (this.#setupError) return;
    this.#job = job;
    this.#group = job.TaskGroups.find((group) => group.Name === allocation.TaskGroup) ?? this.#group;
    for (const spec of this.#group?.Tasks ?? [])
      this.#tasks.get(spec.Name)?.update(spec, this.#policyOf(spec), this.#restartsOnSuccess(spec));
    const told = healthFrom(allocation);
    if (allocation.DeploymentID !== before.DeploymentID) this.#health = told;
    else if (told !== null && told.healthy !== this.#health?.healthy) this.#health = told;
    if (allocation.NoShutdownDelay) this.#skipDelays();
    if (allocation.DesiredStatus !== 'run') this.#stop();
    else this.#watchHealth();
    if (allocation.ClientStatus === 'unknown' && before.ClientStatus !== 'unknown')
      this.#recordOnLive(events.reconnected());
    this.#react();
  }

  /** Kills whatever runs, without regard to delays, poststop tasks too. Settles when nothing runs any more. */
  async kill(): Promise<void> {
    this.#skipDelays();
    this.#stop();
    await this.#killing;
    await Promise.all([...this.#tasks.values()].map((task) => task.kill(true)));
  }

  /** Stops the tasks as if servers had asked for it (the agent has been cut off for too long). */
  stop(): void {
    this.#stop();
  }

  /** Leaves everything as it is, and does nothing any more. */
  detach(): void {
    this.#detached = true;
    this.#disk?.moving.stop();
    this.#watcher?.stop();
    this.#checks?.stop();
    for (const task of this.#tasks.values()) task.detach();
    for (const provisions of this.#provisions.values()) provisions.stop();
  }

  /**
   * Restarts a task, or all that run.
   * @throws Error if the task is not known or does not run.
   */
  restart(taskName: string | undefined, all = false): void {
    if (taskName !== undefined)
      return this.#taskNamed(taskName).restart('User requested task to restart', 'by-operator');
    const running = this.#running();
    if (running.length === 0) throw new Error('Task not running');
    const who = all ? 'all' : 'running';
    for (const task of running) task.restart(`User requested ${who} tasks to restart`, 'by-operator');
  }

  /** Sends a signal to a task, or to all. @throws Error if the task is not known or does not run, or refuses. */
  async signal(signal: string, taskName: string | undefined, reason = ''): Promise<void> {
    if (taskName !== undefined) {
      const task = this.#tasks.get(taskName);
      if (task === undefined) throw new Error('Task not found');
      return task.signal(signal, reason);
    }
    const failures: string[] = [];
    for (const task of this.#running()) {
      await task.signal(signal, reason).catch((error: unknown) => {
        failures.push(`Failed to signal task: ${task.name}, err: ${textOf(error)}`);
      });
    }
    if (this.#running().length === 0) throw new Error('Task not running');
    if (failures.length > 0) throw new Error(multiError(failures));
  }

  #running(): TaskRunner[] {
    return [...this.#tasks.values()].filter((task) => task.state.State === 'running');
  }

  get taskNames(): readonly string[] {
    return [...this.#tasks.keys()];
  }
  get shouldRun(): boolean {
    return this.#allocation.DesiredStatus === 'run';
  }
  get jobId(): string {
    return this.#allocation.JobID;
  }
  taskState(name: string): TaskState | undefined {
    return this.#tasks.get(name)?.state;
  }
  pidOf(name: string): number | undefined {
    return this.#tasks.get(name)?.pid;
  }
  /** Runs a command beside a running task. @throws Error */
  exec(name: string, request: ExecRequest): ExecProcess {
    return this.#taskNamed(name).exec(request);
  }
  /** The command of an action of the job. */
  actionOf(taskName: string, action: string): readonly string[] | undefined {
    const task = this.#group?.Tasks.find((one) => one.Name === taskName);
    const found = task?.Actions?.find((one) => one.Name === action);
    return found && [found.Command, ...(found.Args ?? [])];
  }
  /** What the checks of the allocation's services say. */
  checkResults(): ReturnType<ServiceChecks['results']> | null {
    return this.#checks?.results(this.#allocation) ?? null;
  }

  save(): SavedAllocation {
    const tasks = Object.fromEntries([...this.#tasks].map(([name, task]) => [name, this.#saved(task)]));
    return {
      tasks,
      health: this.#health,
      exceededMaxRunDuration: this.#exceededMaxRunDuration,
      ...(this.#hasDisk && { hasDisk: true }),
    };
  }

  #saved(task: TaskRunner): SavedTask {
    const provisions = this.#provisions.get(task.name);
    return { ...task.save(), ...(provisions && { renewAtUs: provisions.renewAtUs }) };
  }

  /** How long the allocation may go on without its servers, in nanoseconds; null if for ever. */
  get stopOnClientAfter(): number | null {
    return this.#group?.Disconnect?.StopOnClientAfter ?? null;
  }

  /** What the servers are to know. */
  report(): AllocationUpdate {
    const { status, description } = this.#clientStatus();
    const states = Object.fromEntries([...this.#tasks].map(([name, task]) => [name, task.state]));
    const names = this.#group?.Tasks.map((task) => task.Name) ?? [];
    return {
      ID: this.id,
      ClientStatus: status,
      ClientDescription: description,
      TaskStates: isTerminalStatus(status) ? finishedStates(names, states, this.#host.now()) : states,
      DeploymentStatus: this.#health && { Healthy: this.#health.healthy, TimestampUs: this.#health.timestampUs },
      NetworkStatus: NO_NETWORK,
      ...this.#news(),
    };
  }

  /** Servers have taken a report. */
  told({ Services: services }: AllocationUpdate): void {
    if (services === undefined) return;
    this.#toldServices = JSON.stringify(services);
    if (services.length === 0) this.#withdrawn.resolve();
    else this.#withdrawn = Promise.withResolvers();
  }

  /** The services on offer, where servers know others: what an operator has deleted stays so until something changes. */
  #news(): Pick<AllocationUpdate, 'Services'> {
    const services = this.#services();
    return JSON.stringify(services) === this.#toldServices ? {} : { Services: services };
  }

  #services(): AgentService[] {
    const group = this.#group;
    if (!group) return [];
    return offeredServices({
      allocation: this.#allocation,
      group,
      isOpen:
        this.#killing === null && this.#allocation.DesiredStatus === 'run' && this.#clientStatus().status === 'running',
      isRunning: (name) => this.#tasks.get(name)?.state.State === 'running',
      interpolate: (text, taskName) => this.#interpolated(text, taskName),
      defaultHost: this.#host.defaultHost,
    });
  }

  #interpolated(text: string, taskName: string): string {
    const task = this.#group?.Tasks.find((one) => one.Name === taskName);
    if (!task || !text.includes('${')) return text;
    return interpolateAll(text, this.#environmentOf(task), this.#host.node);
  }

  /** Whether servers know less than this agent: another status, another health, or other last events. */
  isAheadOf(told: AgentAllocation): boolean {
    if (told.ClientStatus !== this.#clientStatus().status) return true;
    if (this.#health !== null && told.DeploymentHealth !== this.#health.healthy) return true;
    const lastEvent = (state: TaskState | undefined): string | undefined => state?.Events.at(-1)?.Time;
    return [...this.#tasks].some(
      ([name, task]) => lastEvent(task.state) !== lastEvent(ownProperty(told.TaskStates, name)),
    );
  }

  /** @returns why the allocation cannot be run, or an empty text. */
  #trySetUp(): string {
    try {
      this.#setUp();
      return '';
    } catch (error) {
      this.#tasks.clear();
      return `Unable to add allocation due to error: ${textOf(error)}`;
    }
  }

  /** Makes the tasks. @throws Error if that cannot be done. */
  #setUp(): void {
    if (!isAllocationId(this.id)) throw new Error(`invalid allocation id ${JSON.stringify(this.id)}`);
    if (!this.#group) throw new Error(`task group ${JSON.stringify(this.#allocation.TaskGroup)} is not in its job`);
    const unsafe = this.#group.Tasks.find((task) => !isSafeName(task.Name));
    if (unsafe) throw new Error(`invalid task name ${JSON.stringify(unsafe.Name)}`);
    const checks = placedChecks(this.#group, this.#allocation.AllocatedResources, this.#host.defaultHost);
    if (checks.length > 0) this.#checks = this.#makeChecks(checks);
    const host = {
      ...this.#host,
      driverTask: (task: Task) => this.#driverTask(task),
      prepare: (task: Task) => this.#prepare(task),
      recovered: (task: Task, saved: SavedTask) => this.#provisionsOf(task).resume(task, saved.renewAtUs),
      changed: () => this.#taskChanged(),
    };
    for (const spec of this.#group.Tasks) {
      const restartsOnSuccess = this.#restartsOnSuccess(spec);
      this.#tasks.set(spec.Name, new TaskRunner(host, spec, this.#policyOf(spec), restartsOnSuccess));
    }
  }

  /** Whether a task that ends well is started again. Follows a change of its lifecycle, where Nomad's goes on as it began (nomad#9542). */
  #restartsOnSuccess(spec: Task): boolean {
    const role = roleOf(spec);
    const isService = this.#job.Type === 'service' || this.#job.Type === 'system';
    return isSidecar(role) || (isService && role === 'main');
  }

  #policyOf(spec: Task): RestartPolicy {
    return spec.RestartPolicy ?? this.#group?.RestartPolicy ?? NO_RESTARTS;
  }

  #taskNamed(name: string): TaskRunner {
    const task = this.#tasks.get(name);
    if (!task) throw new Error(`Could not find task runner for task: ${name}`);
    return task;
  }

  #inGroup(): TaskInGroup[] {
    return (this.#group?.Tasks ?? []).flatMap((spec) => {
      const task = this.#tasks.get(spec.Name);
      return task ? [{ name: spec.Name, role: roleOf(spec), leader: spec.Leader, state: task.state }] : [];
    });
  }

  #clientStatus(): ClientStatusReport {
    return clientStatus(
      [...this.#tasks.values()].map((task) => task.state),
      { exceededMaxRunDuration: this.#exceededMaxRunDuration, setupError: this.#setupError },
    );
  }

  #taskChanged(): void {
    this.#tasksChanged = true;
    this.#react();
  }

  /** Draws all consequences of the present state. */
  #react(): void {
    if (this.#detached || !this.#begun) return;
    this.#changedMeanwhile = true;
    if (this.#reacting) return;
    this.#reacting = true;
    while (this.#changedMeanwhile) {
      this.#changedMeanwhile = false;
      this.#watcher?.observe();
      const group = this.#inGroup();
      const end = this.#killing ? null : groupEnd(group);
      if (end) this.#kill(eventOf(end));
      this.#openGates(group);
    }
    this.#reacting = false;
    this.#conclude();
  }

  #openGates(group: readonly TaskInGroup[]): void {
    for (const task of group) {
      if (task.state.State !== 'pending' || (this.#killing && task.role !== 'poststop')) continue;
      if (mayStart(task, group)) this.#tasks.get(task.name)?.open();
    }
  }

  /** The part of a reaction that concerns the allocation as a whole, and the outside. */
  #conclude(): void {
    const { status } = this.#clientStatus();
    if (status === 'running') this.#checks?.start();
    if (status === 'failed' && this.#allocation.DeploymentID && this.#health === null && !this.#watcher) {
      this.#health = { healthy: false, timestampUs: 0 };
    }
    for (const [name, provisions] of this.#provisions) if (this.#tasks.get(name)?.isDead) provisions.stop();
    if (this.isOver) {
      this.#checks?.stop();
      this.#cancelMaxRun?.();
    }
    const shown = this.#show();
    const urgent = shown !== this.#shown;
    if (urgent || this.#tasksChanged) this.#host.changed(this, urgent);
    this.#shown = shown;
    this.#tasksChanged = false;
  }

  #show(): string {
    return `${this.#clientStatus().status} ${this.#health?.healthy} ${JSON.stringify(this.#services())}`;
  }

  /** The servers want it to end: health is not of interest any more. */
  #stop(): void {
    this.#watcher?.stop();
    this.#watcher = null;
    if (this.#allocation.NoShutdownDelay) this.#skipDelays();
    this.#kill(null);
  }

  #skipDelays(): void {
    this.#skipsDelays = true;
    this.#delaySkipped.resolve();
    for (const task of this.#tasks.values()) task.skipShutdownDelay();
  }

  #kill(reason: events.NewTaskEvent | null): void {
    this.#disk?.moving.stop();
    // In a turn of its own, so that the kill counts as begun before its first event is drawn conclusions from.
    this.#killing ??= Promise.resolve()
      .then(() => this.#killInOrder(reason))
      .catch((error: unknown) => {
        this.#host.log.error({ allocation: this.id, error: textOf(error) }, 'tasks cannot be killed');
      });
  }

  /** Spec/lifecycle §9.7: checks first, then the group's delay, then the leader, the other tasks, the sidecars. */
  async #killInOrder(reason: events.NewTaskEvent | null): Promise<void> {
    this.#checks?.stop();
    if (killOrder(this.#inGroup()).length === 0) return;
    await this.#withdrawServices();
    if (reason) this.#recordOnLive(reason);
    const delay = this.#group?.ShutdownDelay ?? 0;
    if (delay > 0 && !this.#skipsDelays) await this.#host.timers.atMost(delay / 1e6, this.#delaySkipped.promise);
    for (let wave = this.#nextWave(); wave.length > 0; wave = this.#nextWave()) {
      await Promise.all(wave.map((task) => task.kill(this.#skipsDelays)));
    }
  }

  /** Whoever asks for its services is to be sent elsewhere before they are gone; but nothing waits for long for servers that are away. */
  async #withdrawServices(): Promise<void> {
    const offers = [
      ...(this.#group?.Services ?? []),
      ...(this.#group?.Tasks ?? []).flatMap((task) => task.Services ?? []),
    ];
    const isOffering = this.#toldServices !== NO_SERVICES && offers.some(({ Provider }) => Provider === 'nomad');
    if (!isOffering || this.#skipsDelays) return;
    this.#host.changed(this, true);
    await this.#host.timers.atMost(SERVICES_WITHDRAWN_MS, this.#withdrawn.promise, this.#delaySkipped.promise);
  }

  #nextWave(): readonly TaskRunner[] {
    const [names = []] = killOrder(this.#inGroup());
    return names.map((name) => this.#taskNamed(name));
  }

  #recordOnLive(event: events.NewTaskEvent): void {
    for (const { name, role } of this.#inGroup()) {
      const task = this.#tasks.get(name);
      if (task && !task.isDead && role !== 'poststop') task.record(event);
    }
  }

  /** (Re)starts the watch over health; its deadline counts from now. */
  #watchHealth(): void {
    this.#watcher?.stop();
    this.#watcher = null;
    if (this.#health !== null || this.#killing || !this.#group || this.#setupError) return;
    const parameters = healthParameters(this.#job, this.#group, this.#allocation.DeploymentID);
    if (!parameters || this.#allocation.DesiredStatus !== 'run') return;
    const host = {
      timers: this.#host.timers,
      now: this.#host.now,
      tasks: () => this.#inGroup(),
      failingServices: () => this.#checks?.failingServices() ?? new Map<string, string[]>(),
      decided: (healthy: boolean, reasons: ReadonlyMap<string, string>) => this.#decideHealth(healthy, reasons),
    };
    this.#watcher = new HealthWatcher(host, {
      ...parameters,
      usesChecks: parameters.usesChecks && this.#checks !== null,
    });
  }

  #decideHealth(healthy: boolean, reasons: ReadonlyMap<string, string>): void {
    this.#watcher = null;
    this.#health = { healthy, timestampUs: this.#host.now() };
    for (const [name, text] of reasons) this.#tasks.get(name)?.record(events.allocUnhealthy(text));
    this.#react();
  }

  #limitRunTime(): void {
    const limit = this.#group?.MaxRunDuration ?? 0;
    if (limit <= 0 || this.isOver || (this.#job.Type !== 'batch' && this.#job.Type !== 'sysbatch')) return;
    const elapsedMs = (this.#host.now() - this.#allocation.CreateTimeUs) / 1000;
    this.#cancelMaxRun = this.#host.timers.after(limit / 1e6 - elapsedMs, () => {
      this.#exceededMaxRunDuration = true;
      this.#kill(null);
      this.#react();
    });
  }

  #makeChecks(checks: readonly PlacedCheck[]): ServiceChecks {
    return new ServiceChecks(
      {
        timers: this.#host.timers,
        now: this.#host.now,
        taskState: (name) => this.#tasks.get(name)?.state,
        script: (placed) => {
          const spec = this.#group?.Tasks.find((task) => task.Name === placed.tasks[0]);
          const task = spec && this.#driverTask(spec);
          const env = task?.env ?? inheritedEnv(process.env);
          const { Command: command, Args: args } = placed.check;
          return { command, args: args ?? [], cwd: task?.directories.task ?? '/', env };
        },
        changed: () => this.#react(),
        restart: (placed, reason) => {
          for (const name of placed.tasks) {
            const task = this.#tasks.get(name);
            if (task?.state.State === 'running' && !this.#killing) task.restart(reason, 'by-failed-check');
          }
        },
      },
      checks,
    );
  }

  #environmentOf(task: Task): Record<string, string> {
    return taskEnvironment({
      allocation: this.#allocation,
      job: this.#job,
      group: this.#group as TaskGroup,
      task,
      node: this.#host.node,
      directories: taskDirectories(this.#host.dataDir, this.id, task.Name),
    });
  }

  async #prepare(task: Task): Promise<void> {
    await this.#diskArrived();
    await this.#provisionsOf(task).prepare(task);
  }

  /** What the allocation before has left is there before anything else is. */
  #diskArrived(): Promise<void> | undefined {
    const { Sticky, Migrate } = this.#group?.EphemeralDisk ?? { Sticky: false, Migrate: false };
    const { PreviousAllocation: previousId } = this.#allocation;
    if (this.#hasDisk || previousId === '' || !(Sticky || Migrate) || !this.hasProcesses) return undefined;
    this.#disk ??= this.#moveDisk(previousId, Migrate);
    return this.#disk.arrived;
  }

  #moveDisk(previousId: string, migrates: boolean): MovingDisk {
    const tell = (message: string): void => this.#recordOnLive(events.hookMessage(message));
    const move = { allocationId: this.id, previousId, taskNames: this.taskNames, migrates };
    const moving = new EphemeralDisk({ ...this.#host, tell }, move);
    const arrived = moving.arrive().then(() => {
      this.#hasDisk = true;
      this.#taskChanged();
    });
    return { moving, arrived };
  }

  #provisionsOf(spec: Task): TaskProvisions {
    const known = this.#provisions.get(spec.Name);
    if (known) return known;
    const host = {
      ...this.#host,
      namespace: this.#allocation.Namespace,
      directories: taskDirectories(this.#host.dataDir, this.id, spec.Name),
      createDirectories: (task: Task) => this.#createDirectories(task),
      environment: (task: Task) => this.#environmentOf(task),
      runner: () => (this.#killing || this.#detached ? undefined : this.#tasks.get(spec.Name)),
    };
    const provisions = new TaskProvisions(host, spec);
    this.#provisions.set(spec.Name, provisions);
    return provisions;
  }

  #createDirectories(spec: Task): Promise<void> {
    const directories = taskDirectories(this.#host.dataDir, this.id, spec.Name);
    return createTaskDirectories(directories, payloadOf(this.#job, spec), ownerOf(spec.User));
  }

  #driverTask(spec: Task): DriverTask {
    refuseLacking(spec);
    const env = this.#provisionsOf(spec).env(spec);
    return {
      allocationId: this.id,
      name: spec.Name,
      config: interpolateAll(spec.Config ?? {}, env, this.#host.node),
      env,
      user: spec.User,
      logs: logsOf(spec),
      directories: taskDirectories(this.#host.dataDir, this.id, spec.Name),
      prepareDirectories: () => this.#createDirectories(spec),
    };
  }
}

const healthFrom = (allocation: AgentAllocation): KnownHealth | null =>
  allocation.DeploymentHealth === null ? null : { healthy: allocation.DeploymentHealth, timestampUs: 0 };

/** Nomad's defaults where the job says nothing. */
function logsOf({ LogConfig: config }: Task): DriverTask['logs'] {
  const { MaxFiles, MaxFileSizeMB, Disabled } = config ?? { MaxFiles: 10, MaxFileSizeMB: 10, Disabled: false };
  return Disabled ? null : { maxFiles: MaxFiles, maxFileBytes: MaxFileSizeMB * 1024 * 1024 };
}

/** The file with the payload of a dispatched job, if the task wants it. */
function payloadOf(job: JobSpec, task: Task): TaskFile | null {
  if (!task.DispatchPayload?.File || job.Payload === null) return null;
  return { name: task.DispatchPayload.File, content: Buffer.from(job.Payload, 'base64') };
}

function eventOf(end: GroupEnd): events.NewTaskEvent {
  switch (end.kind) {
    case 'leader-dead':
      return events.leaderDead();
    case 'sibling-failed':
      return events.siblingFailed(end.sibling);
    case 'main-tasks-dead':
      return events.mainTasksDead();
  }
}

/** As Go's multierror prints it. */
const multiError = (texts: readonly string[]): string =>
  `${texts.length} error${texts.length === 1 ? '' : 's'} occurred:\n${texts.map((text) => `\t* ${text}\n`).join('')}\n`;
