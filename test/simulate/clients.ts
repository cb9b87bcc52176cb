import {
  isClientTerminal,
  isServerTerminal,
  reportAllocations,
  type AllocationReport,
  type AllocationState,
  type NodeState,
} from '@app/domain';
import { allocationStream, streamType, type TimeUs } from '@app/kernel';
import { placementsOf } from './invariants.js';
import type { MemoryLog, SimulatedCommit } from './memory-log.js';
import type { Random } from './random.js';
import type { VirtualTimers } from './virtual-timers.js';

/** How the allocations of a version fare, as the meta of its specification says. */
export const QUALITY_META = 'simulate.quality';
export type Quality = 'good' | 'flaky' | 'broken';

const FLUSH_MS = 1000;
const START_MS = [300, 4_000] as const;
const STOP_MS = [100, 3_000] as const;
const FLAKY_SHARE = 0.2;
/** How long allocations of a batch job run. */
const BATCH_MS = [20_000, 300_000] as const;
const NS_PER_MS = 1e6;

const RUNNING = { clientStatus: 'running', clientDescription: 'Tasks are running' } as const;

/** What one client knows of an allocation. */
interface Task {
  readonly nodeId: string;
  phase: 'starting' | 'running' | 'ended';
}

/** The agents of all nodes: they start, watch and stop what is assigned to them, some things break, and what they see they report in batches. */
export class Clients {
  private readonly tasks = new Map<string, Task>();
  private readonly tasksOn = new Map<string, Set<string>>();
  private readonly news = new Map<string, Map<string, AllocationReport>>();
  private readonly offline = new Set<string>();

  constructor(
    private readonly log: MemoryLog,
    private readonly timers: VirtualTimers,
    private readonly random: Random,
    private readonly now: () => TimeUs,
  ) {
    log.onCommit((commit) => this.follow(commit));
    const flush = (): void => {
      this.flush();
      timers.after(FLUSH_MS, flush);
    };
    timers.after(FLUSH_MS, flush);
  }

  /** A node that is cut off goes on working: what it sees it tells, and what it was told it hears, when it is back. */
  cutOff(nodeId: string): void {
    this.offline.add(nodeId);
  }

  reconnect(nodeId: string): void {
    this.offline.delete(nodeId);
    for (const id of this.tasksOn.get(nodeId) ?? []) {
      const alloc = this.log.read<AllocationState>(allocationStream(id));
      const task = this.tasks.get(id)!;
      if (alloc === undefined || alloc.purged) this.forget(id);
      else if (isServerTerminal(alloc)) this.stop(id);
      else if (task.phase === 'running') this.tell(id, task, RUNNING);
    }
  }

  isOffline(nodeId: string): boolean {
    return this.offline.has(nodeId);
  }

  /** The task dies of something that its restart policy does not heal. */
  crash(id: string): void {
    const task = this.tasks.get(id);
    if (task === undefined || task.phase === 'ended') return;
    const alloc = this.log.cluster.allocation(id);
    const unset = alloc?.deploymentId !== '' && (alloc?.deploymentStatus?.healthy ?? null) === null;
    this.end(id, task, 'failed', 'Failed tasks', unset ? false : null);
  }

  private follow(commit: SimulatedCommit): void {
    const created = placementsOf(commit);
    for (const { stream, before, after } of commit.movements) {
      if (streamType(stream) !== 'allocation') continue;
      if (created.has(stream)) this.assign(after as AllocationState);
      else this.allocationMoved(before as AllocationState | undefined, after as AllocationState);
    }
  }

  private allocationMoved(before: AllocationState | undefined, after: AllocationState): void {
    if (after.purged) return this.forget(after.id);
    if (before === undefined) return;
    if (isServerTerminal(after) && !isServerTerminal(before)) return this.stop(after.id);
    if (before.deploymentId === after.deploymentId || after.deploymentId === '') return;
    const report = this.news.get(after.nodeId)?.get(after.id);
    // One that ended just now, and has not told yet, ends in the deployment that it has got into.
    if (this.tasks.get(after.id)?.phase === 'ended' && report !== undefined)
      this.news.get(after.nodeId)!.set(after.id, { ...report, health: { healthy: false, timestamp: this.now() } });
    else this.watchHealth(after);
  }

  private assign(alloc: AllocationState): void {
    const task: Task = { nodeId: alloc.nodeId, phase: 'starting' };
    this.tasks.set(alloc.id, task);
    const neighbours = this.tasksOn.get(alloc.nodeId);
    if (neighbours === undefined) this.tasksOn.set(alloc.nodeId, new Set([alloc.id]));
    else neighbours.add(alloc.id);
    const breaks = this.breaks(alloc);
    this.timers.after(this.random.between(...START_MS), () => {
      if (task.phase !== 'starting') return;
      if (breaks) return this.crash(alloc.id);
      task.phase = 'running';
      this.tell(alloc.id, task, RUNNING);
      if (alloc.jobType === 'service' || alloc.jobType === 'system') this.watchHealth(alloc);
      else
        this.timers.after(this.random.between(...BATCH_MS), () =>
          this.end(alloc.id, task, 'complete', 'All tasks have completed', null),
        );
    });
  }

  private breaks(alloc: AllocationState): boolean {
    const version = this.log.cluster.jobVersion(alloc.namespace, alloc.jobId, alloc.jobCreateIndex, alloc.jobVersion);
    const quality = version?.spec.Meta?.[QUALITY_META] as Quality | undefined;
    return quality === 'broken' || (quality === 'flaky' && this.random.chance(FLAKY_SHARE));
  }

  private watchHealth(alloc: AllocationState): void {
    const version = this.log.cluster.jobVersion(alloc.namespace, alloc.jobId, alloc.jobCreateIndex, alloc.jobVersion);
    const update = version?.spec.TaskGroups.find((group) => group.Name === alloc.taskGroup)?.Update;
    this.timers.after((update?.MinHealthyTime ?? 10_000 * NS_PER_MS) / NS_PER_MS, () => {
      const task = this.tasks.get(alloc.id);
      const now = this.log.cluster.allocation(alloc.id);
      if (task?.phase !== 'running' || now?.deploymentId !== alloc.deploymentId) return;
      const health = { healthy: true, timestamp: this.now() };
      this.tell(alloc.id, task, { ...RUNNING, health });
    });
  }

  private stop(id: string): void {
    this.timers.after(this.random.between(...STOP_MS), () => {
      const task = this.tasks.get(id);
      if (task !== undefined && !this.offline.has(task.nodeId))
        this.end(id, task, 'complete', 'All tasks have completed', null);
    });
  }

  private end(
    id: string,
    task: Task,
    clientStatus: 'complete' | 'failed',
    clientDescription: string,
    healthy: boolean | null,
  ): void {
    if (task.phase === 'ended') return;
    task.phase = 'ended';
    this.tell(id, task, {
      clientStatus,
      clientDescription,
      health: healthy === null ? null : { healthy, timestamp: this.now() },
    });
  }

  private tell(
    id: string,
    task: Task,
    said: Pick<AllocationReport, 'clientStatus' | 'clientDescription'> & Partial<AllocationReport>,
  ): void {
    const reports = this.news.get(task.nodeId) ?? new Map<string, AllocationReport>();
    this.news.set(task.nodeId, reports);
    reports.set(id, { id, taskStates: null, networkStatus: null, health: reports.get(id)?.health ?? null, ...said });
  }

  private flush(): void {
    for (const [nodeId, reports] of this.news) {
      const node = this.log.cluster.node(nodeId);
      if (node === undefined) this.news.delete(nodeId);
      if (this.offline.has(nodeId) || !mayTell(node)) continue;
      this.news.delete(nodeId);
      const known = [...reports.values()].filter(({ id }) => this.tasks.has(id));
      const outcome = this.log.execute('ReportAllocations', (view, context) =>
        reportAllocations(view, context, { nodeId, reports: known }),
      );
      if (outcome.kind !== 'accepted') throw new Error(`a report was not taken: ${JSON.stringify(outcome)}`);
      for (const { id, clientStatus } of known) if (isClientTerminal({ clientStatus })) this.forget(id);
    }
  }

  private forget(id: string): void {
    const nodeId = this.tasks.get(id)?.nodeId ?? '';
    this.tasks.delete(id);
    this.tasksOn.get(nodeId)?.delete(id);
  }
}

const mayTell = (node: NodeState | undefined): boolean => node?.status === 'ready' || node?.status === 'initializing';
