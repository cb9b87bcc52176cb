import { currentVersion, isForced, isTerminal, type AllocationState, type Drained, type NodeState } from '@app/domain';
import { ownProperty, type TimeUs } from '@app/kernel';
import type { ClusterState } from './cluster-state.js';

/** What the drainer looks at. */
export type DrainView = Pick<ClusterState, 'liveAllocationsOnNode' | 'allocationsOfJob' | 'job' | 'node'>;

/** What is to be done about one draining node now. */
export interface DrainStep {
  readonly drained: readonly Drained[];
  /** Nothing that the drain is to move away is left on the node. */
  readonly done: boolean;
  readonly deadlineReached: boolean;
}

/**
 * The next step of a drain; spec/lifecycle §9.2. Service groups go `migrate.max_parallel` at a time, as far as enough of them are known to be
 * healthy elsewhere; batch work may finish until the deadline; system jobs go last, or stay. At the deadline everything goes.
 * `promised`: allocations that other nodes' drains of this round move away already.
 */
export function drainStep(
  view: DrainView,
  node: NodeState,
  now: TimeUs,
  promised: ReadonlySet<string> = new Set(),
): DrainStep {
  const { drain } = node;
  if (drain === null) return { drained: [], done: false, deadlineReached: false };
  const here = view.liveAllocationsOnNode(node.id).filter((alloc) => !(drain.ignoreSystemJobs && isOfSystemJob(alloc)));
  const deadlineReached = isForced(drain, now);
  const done = here.length === 0;
  const waiting = here.filter((alloc) => !isTerminal(alloc) && !isMigrating(alloc) && !promised.has(alloc.id));
  if (deadlineReached) {
    const drained = waiting.map((alloc) => ({
      allocationId: alloc.id,
      disablePlacement: alloc.jobType === 'batch' && !movesOn(view, alloc),
    }));
    return { drained, done, deadlineReached };
  }
  const others = here.filter((alloc) => !isOfSystemJob(alloc));
  const leaving =
    others.length === 0 ? waiting.filter((alloc) => alloc.jobType === 'system') : servicesToGo(view, waiting, promised);
  return {
    drained: leaving.map((alloc) => ({ allocationId: alloc.id, disablePlacement: false })),
    done,
    deadlineReached: false,
  };
}

/** Of a batch job: value of the meta {@link DRAIN_META} that lets a drain move its work to other nodes instead of ending it (nomad#17563). */
const MIGRATE = 'migrate';
const DRAIN_META = 'rollbook.drain';
const movesOn = (view: DrainView, { namespace, jobId }: AllocationState): boolean =>
  ownProperty(currentVersion(view.job(namespace, jobId))?.spec.Meta, DRAIN_META) === MIGRATE;

const isOfSystemJob = (alloc: AllocationState): boolean => alloc.jobType === 'system' || alloc.jobType === 'sysbatch';
const isMigrating = (alloc: AllocationState): boolean => alloc.desiredTransition.Migrate === true;

/** Of each service group, as many as may be missing for a while. */
function servicesToGo(
  view: DrainView,
  waiting: readonly AllocationState[],
  promised: ReadonlySet<string>,
): AllocationState[] {
  const groups = new Map<string, AllocationState[]>();
  for (const alloc of waiting) {
    if (alloc.jobType !== 'service') continue;
    const key = JSON.stringify([alloc.namespace, alloc.jobId, alloc.taskGroup]);
    groups.set(key, [...(groups.get(key) ?? []), alloc]);
  }
  return [...groups.values()].flatMap((members) =>
    members.slice(0, Math.max(0, mayLeave(view, members[0]!, promised))),
  );
}

/** A job that is stopped is left to the scheduler. */
function mayLeave(
  view: DrainView,
  { namespace, jobId, taskGroup }: AllocationState,
  promised: ReadonlySet<string>,
): number {
  const current = currentVersion(view.job(namespace, jobId));
  const group = current?.spec.TaskGroups.find(({ Name }) => Name === taskGroup);
  if (current === undefined || current.spec.Stop || group === undefined) return 0;
  const healthKnown = view
    .allocationsOfJob(namespace, jobId)
    .filter(
      (alloc) =>
        alloc.taskGroup === taskGroup &&
        !isTerminal(alloc) &&
        !isMigrating(alloc) &&
        !promised.has(alloc.id) &&
        (alloc.deploymentStatus?.healthy ?? null) !== null,
    ).length;
  return healthKnown - (group.Count - (group.Migrate?.MaxParallel ?? 1));
}

/** When drains next are at their deadline; undefined: none of them has one ahead. */
export function nextDrainDeadline(nodes: readonly NodeState[], now: TimeUs): TimeUs | undefined {
  const ahead = nodes.map((node) => node.drain?.forceDeadline ?? 0).filter((time) => time > now);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}
