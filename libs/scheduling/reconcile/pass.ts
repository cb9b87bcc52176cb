import type {
  AllocatedResources,
  AllocationState,
  DeploymentGroup,
  DeploymentState,
  DesiredUpdates,
  EvaluationState,
  JobType,
  JobVersion,
  NewEvaluation,
  NodeState,
  PlannedDeployment,
  PlannedDeploymentStatus,
  PlannedStop,
  PlannedUpdate,
  TaskGroup,
} from '@app/domain';
import { isServerTerminal } from '@app/domain';
import { type ByName, type TimeUs } from '@app/kernel';
import { LOST } from '../descriptions.js';
import { nameIndex } from '../names.js';

/** How an allocation of an older job version gets to the current one. Source: spec/lifecycle §4. */
export type UpdateVerdict =
  | { readonly kind: 'ignore' }
  | { readonly kind: 'in-place'; readonly resources: AllocatedResources }
  | { readonly kind: 'destructive' };

/** All that reconciling depends on: the wish (job), the state (deployments, allocations, nodes) and the time. */
export interface ReconcileInput {
  readonly evaluation: Pick<EvaluationState, 'id' | 'namespace' | 'priority' | 'jobId'>;
  /** The current version; undefined after a purge, which counts as stopped. */
  readonly job: JobVersion | undefined;
  /** Number of the newest version before the current one in which the job was stopped; null if it was not, or that is long ago. */
  readonly lastStop: number | null;
  readonly jobType: JobType;
  /** Of this job, in order of creation. */
  readonly deployments: readonly DeploymentState[];
  /** Of this job, whatever its incarnation. */
  readonly allocations: readonly AllocationState[];
  /** One of {@link allocations}. */
  readonly allocation: (id: string) => AllocationState | undefined;
  readonly node: (id: string) => NodeState | undefined;
  /** The version an allocation was made from. */
  readonly versionOf: (alloc: AllocationState) => JobVersion | undefined;
  readonly updateVerdict: (alloc: AllocationState) => UpdateVerdict;
  readonly now: TimeUs;
  readonly newId: () => string;
}

/**
 * An allocation that is wanted, and what becomes of the one before it: `new` and `canary` have no predecessor; that of `lost` and `migrate`
 * is stopped in any case; that of `destructive` and `reschedule` only if the new one finds room, with `stop` as the description.
 */
export interface Wanted {
  readonly reason: 'new' | 'canary' | 'lost' | 'migrate' | 'reschedule' | 'destructive';
  readonly group: string;
  readonly name: string;
  readonly previous: AllocationState | null;
  readonly canary: boolean;
  /** Runs the version before the canaries' (spec/lifecycle §3.6 b). */
  readonly downgrade: boolean;
  /** null when the stop does not depend on the placement, or when there is nothing to stop. */
  readonly stop: string | null;
}

export interface InPlaceUpdate {
  readonly alloc: AllocationState;
  readonly resources: AllocatedResources;
}

/** What is to change. `destructive` is placed before `place`. */
export interface Reconciliation {
  readonly destructive: readonly Wanted[];
  readonly place: readonly Wanted[];
  readonly inPlace: readonly InPlaceUpdate[];
  readonly stops: readonly PlannedStop[];
  readonly updates: readonly PlannedUpdate[];
  readonly deployment: PlannedDeployment | null;
  readonly deploymentUpdates: readonly PlannedDeploymentStatus[];
  /** What new allocations belong to: the deployment just created, or the current one while it is active; else "". */
  readonly deploymentId: string;
  readonly followups: readonly NewEvaluation[];
  /** Delayed evaluations that nothing waits for any more. */
  readonly needlessEvals: readonly string[];
  readonly desired: Readonly<Record<string, DesiredUpdates>>;
}

/** The goals of a group in its deployment, as this pass sees them; `existing` when the deployment knows the group already. */
export interface GroupGoal {
  readonly existing: boolean;
  readonly autoRevert: boolean;
  readonly autoPromote: boolean;
  readonly progressDeadline: number;
  readonly promoted: boolean;
  readonly healthyAllocs: number;
  desiredCanaries: number;
  desiredTotal: number;
}

/** Canaries are wanted, and nobody has promoted them yet. */
export const isCanarying = (goal: GroupGoal): boolean => goal.desiredCanaries > 0 && !goal.promoted;

/** What a pass has collected so far. The one mutable thing in a reconciliation. */
export interface Pass {
  readonly input: ReconcileInput;
  readonly batch: boolean;
  /** A deployment of another version, or one that is done. */
  readonly old: DeploymentState | null;
  readonly current: DeploymentState | null;
  readonly destructive: Wanted[];
  readonly place: Wanted[];
  readonly inPlace: InPlaceUpdate[];
  readonly stops: Map<string, PlannedStop>;
  readonly updates: Map<string, PlannedUpdate>;
  /** Goals of groups that are new to the deployment, or changed. */
  readonly goals: ByName<GroupGoal>;
  readonly deploymentUpdates: PlannedDeploymentStatus[];
  readonly followups: NewEvaluation[];
  readonly needlessEvals: string[];
  readonly desired: ByName<DesiredUpdates>;
}

/** One group of the job as it is now, and what is known of it in this pass. */
export interface GroupScope {
  readonly pass: Pass;
  readonly job: JobVersion;
  readonly group: TaskGroup;
  readonly goal: GroupGoal;
  readonly desired: DesiredUpdates;
}

/** The counters of a group, created when first asked for. */
export const desiredOf = (pass: Pick<Pass, 'desired'>, group: string): DesiredUpdates =>
  (pass.desired[group] ??= {
    Ignore: 0,
    Place: 0,
    Migrate: 0,
    Stop: 0,
    InPlaceUpdate: 0,
    DestructiveUpdate: 0,
    Canary: 0,
    Preemptions: 0,
    Disconnect: 0,
    Reconnect: 0,
    RescheduleNow: 0,
    RescheduleLater: 0,
  });

/** Stops an allocation that is to run; one that is stopped already is left alone. Tells whether there was something to stop. */
export function stop(pass: Pick<Pass, 'stops'>, alloc: AllocationState, description: string): boolean {
  if (isServerTerminal(alloc)) return false;
  pass.stops.set(alloc.id, { allocationId: alloc.id, description });
  return true;
}

/** Stops an allocation whose node is gone, and says so in its client status. */
export function stopLost(pass: Pick<Pass, 'stops'>, alloc: AllocationState, followupEvalId = ''): void {
  pass.stops.set(alloc.id, {
    allocationId: alloc.id,
    description: LOST,
    clientStatus: 'lost',
    ...(followupEvalId && { followupEvalId }),
  });
}

/** Adds to the update of an allocation that stays where it is. */
export function update(
  pass: Pick<Pass, 'updates'>,
  alloc: AllocationState,
  change: Omit<PlannedUpdate, 'allocationId'>,
): void {
  pass.updates.set(alloc.id, { ...pass.updates.get(alloc.id), ...change, allocationId: alloc.id });
}

/** Disconnected, or found to be in this pass. */
export const isUnreachable = (pass: Pick<Pass, 'updates'>, alloc: AllocationState): boolean =>
  alloc.clientStatus === 'unknown' || pass.updates.get(alloc.id)?.clientStatus === 'unknown';

/** Something that is still wanted took its place. What had to go again when it came back does not count. */
export function isReplaced({ allocation }: Pick<ReconcileInput, 'allocation'>, alloc: AllocationState): boolean {
  return successors({ allocation }, alloc).some((successor) => !isServerTerminal(successor));
}

/** What took its place, one after the other. */
export function successors(
  { allocation }: Pick<ReconcileInput, 'allocation'>,
  alloc: AllocationState,
): readonly AllocationState[] {
  const found = new Set<AllocationState>();
  let next = allocation(alloc.nextAllocation);
  while (next !== undefined && next !== alloc && !found.has(next)) {
    found.add(next);
    next = allocation(next.nextAllocation);
  }
  return [...found];
}

/** Disconnected, and its replacement counts instead. */
export const isSubstituted = (pass: Pass, alloc: AllocationState): boolean =>
  isUnreachable(pass, alloc) && isReplaced(pass.input, alloc);

/** A group state that an existing deployment keeps, seen as the goal of this pass. */
export const existingGoal = (group: DeploymentGroup): GroupGoal => ({
  existing: true,
  autoRevert: group.autoRevert,
  autoPromote: group.autoPromote,
  progressDeadline: group.progressDeadline,
  promoted: group.promoted,
  healthyAllocs: group.healthyAllocs,
  desiredCanaries: group.desiredCanaries,
  desiredTotal: group.desiredTotal,
});

/** The same (create index, version) pair: a purged and re-registered job starts at version 0 again. Source: spec/lifecycle §1.5. */
export const isOfVersion = (alloc: AllocationState, job: JobVersion): boolean =>
  alloc.jobVersion === job.version && alloc.jobCreateIndex === job.createIndex;

/** A canary of the current version. Some keep the mark beyond the promotion of a version before: those are like any other of theirs. */
export const isOnTrial = (job: JobVersion, alloc: AllocationState): boolean =>
  alloc.deploymentStatus?.canary === true && isOfVersion(alloc, job);

/** The job was stopped, and started again, after the allocation had been placed. */
export const precedesStop = (
  { job, lastStop }: Pick<ReconcileInput, 'job' | 'lastStop'>,
  alloc: AllocationState,
): boolean => lastStop !== null && alloc.jobCreateIndex === job?.createIndex && alloc.jobVersion < lastStop;

export const isOlderThan = (alloc: AllocationState, job: JobVersion): boolean =>
  alloc.jobCreateIndex < job.createIndex ||
  (alloc.jobCreateIndex === job.createIndex && alloc.jobVersion < job.version);

export const indexesOf = (allocations: readonly AllocationState[]): Set<number> =>
  new Set(allocations.map((alloc) => nameIndex(alloc.name)));

export const byIndex = (allocations: readonly AllocationState[]): readonly AllocationState[] =>
  allocations.toSorted((a, b) => nameIndex(a.name) - nameIndex(b.name));

export function without(
  allocations: readonly AllocationState[],
  removed: readonly AllocationState[],
): AllocationState[] {
  const ids = new Set(removed.map((alloc) => alloc.id));
  return allocations.filter((alloc) => !ids.has(alloc.id));
}
