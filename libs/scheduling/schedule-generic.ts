import { ownProperty, type Steps } from '@app/kernel';
import type {
  AllocationState,
  AllocMetric,
  DeploymentState,
  DesiredUpdates,
  JobVersion,
  Plan,
  PlannedPlacement,
  PlannedStop,
  PlannedUpdate,
} from '@app/domain';
import { groupNamed, hasUpdate } from '@app/domain';
import type { Tally } from './outcome.js';
import { ANY_NODE, countFailure, finish, newTally } from './outcome.js';
import type { PassSetup } from './pass-setup.js';
import { setUp } from './pass-setup.js';
import type { ClusterView, SchedulingRequest, SchedulingResult } from './ports.js';
import { requiresReplacement } from './reconcile/job-diff-kind.js';
import { newestDeployment } from './reconcile/deployments.js';
import type { InPlaceUpdate, Reconciliation, Wanted } from './reconcile/pass.js';
import { precedesStop } from './reconcile/pass.js';
import { reconcile } from './reconcile/reconcile.js';
import { uniqueNames } from './reconcile/unique-names.js';
import { NO_PLACEMENT, nextTracker, penaltyNodes } from './reconcile/reschedule.js';

const NOT_PENALISED: ReadonlySet<string> = new Set();

/** One pass for a service or batch job: reconcile, find nodes, and put both into one plan. Source: spec/lifecycle §2.4. */
export function* scheduleGeneric(request: SchedulingRequest): Steps<SchedulingResult> {
  const { evaluation, cluster } = request;
  const { namespace, jobId } = evaluation;
  const setup = setUp(request);
  const { job, jobType, input, placer } = setup;
  const wish = yield* reconcile(input);

  const stops: PlannedStop[] = [...wish.stops];
  if (job !== undefined && stops.length > 0 && wish.destructive.length + wish.place.length > 0) {
    for (const { allocationId } of stops) {
      const alloc = input.allocation(allocationId);
      if (alloc !== undefined) placer.release(alloc);
    }
  }
  const tally = newTally(job);
  const { placements, stopped, updates } = yield* placeAll(request, setup, wish, tally);
  const plan: Plan = {
    evalId: evaluation.id,
    namespace,
    jobId,
    priority: evaluation.priority,
    placements,
    stops: [...stops, ...stopped],
    updates: mergeUpdates([...wish.updates, ...updates, ...inPlaceUpdates(job, wish)], stopped),
    deployment: wish.deployment,
    deploymentUpdates: wish.deploymentUpdates,
    followups: wish.followups,
    needlessEvals: wish.needlessEvals,
  };
  const latest = wish.deployment?.id ?? newestDeployment(cluster.deploymentsOfJob(namespace, jobId))?.id ?? '';
  const deploymentId = jobType === 'batch' ? '' : latest;
  return finish(request, {
    tally,
    plan,
    annotations: wish.desired,
    deploymentId,
    eligibility: placer.eligibility(),
    waitsFor: ANY_NODE,
  });
}

interface Placed {
  readonly placements: readonly PlannedPlacement[];
  /** Predecessors, stopped because their successor found room. */
  readonly stopped: readonly PlannedStop[];
  /** Predecessors whose successor found none. */
  readonly updates: readonly PlannedUpdate[];
}

/** Destructive updates first, then everything else. After the first failure of a group its other allocations are not tried. */
function* placeAll(request: SchedulingRequest, setup: PassSetup, wish: Reconciliation, tally: Tally): Steps<Placed> {
  const placements: PlannedPlacement[] = [];
  const stopped: PlannedStop[] = [];
  const updates: PlannedUpdate[] = [];
  const everything = [...wish.destructive, ...wish.place];
  if (everything.length === 0) return { placements, stopped, updates };
  const nameOf = uniqueNames(setup.input, wish);
  for (const wanted of everything) {
    yield;
    const { group, previous, stop } = wanted;
    const selection =
      ownProperty(tally.failed, group) === undefined ? selectFor(wanted, request, setup, wish, nameOf) : null;
    if (selection === null || selection.placed === null) {
      countFailure(tally, group, selection?.metrics);
      if (wanted.reason === 'reschedule' && previous !== null) updates.push(...noPlacement(previous));
      continue;
    }
    placements.push(selection.placed);
    if (previous !== null && stop !== null) stopped.push({ allocationId: previous.id, description: stop });
  }
  return { placements, stopped, updates };
}

/** Tries to place one allocation; the room of a predecessor that would make way for it counts as free. */
function selectFor(
  wanted: Wanted,
  request: SchedulingRequest,
  setup: PassSetup,
  wish: Reconciliation,
  nameOf: ReturnType<typeof uniqueNames>,
): { readonly placed: PlannedPlacement | null; readonly metrics: AllocMetric } | null {
  const { job, placer } = setup;
  const { group, previous, stop } = wanted;
  const origin = wanted.downgrade ? olderVersion(request.cluster, setup, wanted, wish) : null;
  const version = origin?.version ?? job;
  const ask = version && placer.ask(version, group);
  if (version === undefined || ask === undefined) return null;
  const makesWay = previous !== null && stop !== null;
  if (makesWay) placer.release(previous);
  const { placed, metrics } = placer.select(ask, selectionOptions(wanted));
  if (placed === null) {
    if (makesWay) placer.restore(previous);
    return { placed, metrics };
  }
  const placement: PlannedPlacement = {
    id: request.newId(),
    name: nameOf(wanted, version),
    taskGroup: group,
    nodeId: placed.node.id,
    nodeName: placed.node.description.Name,
    jobVersion: version.version,
    jobCreateIndex: version.createIndex,
    jobModifyIndex: version.jobModifyIndex,
    allocatedResources: placed.resources,
    metrics,
    previousAllocation: previous?.id ?? '',
    deploymentId: origin === null ? wish.deploymentId : origin.deploymentId,
    canary: wanted.canary,
    rescheduleTracker: trackerOf(wanted, setup),
    ...preemption(wish, group, placed.preempted),
  };
  return { placed: placement, metrics };
}

/** Notes what has to make room for a placement, and counts it. */
export function preemption(
  { desired }: { readonly desired: Readonly<Record<string, DesiredUpdates>> },
  group: string,
  preempted: readonly AllocationState[],
): Pick<PlannedPlacement, 'preemptedAllocations'> {
  if (preempted.length === 0) return {};
  const counts = ownProperty(desired, group);
  if (counts !== undefined) counts.Preemptions += preempted.length;
  return { preemptedAllocations: preempted.map(({ id }) => id) };
}

const selectionOptions = ({
  reason,
  previous,
}: Wanted): { previous: AllocationState | null; penalised: ReadonlySet<string> } => ({
  previous,
  penalised: previous !== null && reason === 'reschedule' ? penaltyNodes(previous) : NOT_PENALISED,
});

function trackerOf({ reason, previous }: Wanted, { input }: PassSetup): PlannedPlacement['rescheduleTracker'] {
  if (previous === null || reason !== 'reschedule' || precedesStop(input, previous)) return null;
  const version = input.versionOf(previous);
  const group = version && groupNamed(version.spec, previous.taskGroup);
  return nextTracker(previous, group?.ReschedulePolicy, input.now);
}

/** Notes on the predecessor, which stays, that its replacement found no room. */
function noPlacement({ id, rescheduleTracker }: AllocationState): readonly PlannedUpdate[] {
  if (rescheduleTracker?.lastReschedule === NO_PLACEMENT) return [];
  const tracker = { events: rescheduleTracker?.events ?? [], lastReschedule: NO_PLACEMENT };
  return [{ allocationId: id, rescheduleTracker: tracker }];
}

/**
 * While canaries are on trial, everything else runs the newest version that was promoted or needed no promotion. Source: spec/lifecycle §3.6 b.
 */
function olderVersion(
  cluster: ClusterView,
  { job, input }: PassSetup,
  { group, previous }: Wanted,
  wish: Reconciliation,
): { version: JobVersion; deploymentId: string } | null {
  if (job === undefined) return null;
  const { namespace, jobId } = input.evaluation;
  const settled = (deployment: DeploymentState): boolean => {
    const state = ownProperty(deployment.groups, group);
    return (
      deployment.jobCreateIndex === job.createIndex &&
      state !== undefined &&
      (state.promoted || state.desiredCanaries === 0)
    );
  };
  const hasGroup = (version: JobVersion | undefined): version is JobVersion =>
    version?.spec.TaskGroups.some(({ Name }) => Name === group) ?? false;
  for (const deployment of input.deployments.filter(settled).toSorted((a, b) => b.jobVersion - a.jobVersion)) {
    if (deployment.id === wish.deploymentId || (previous !== null && deployment.jobVersion < previous.jobVersion))
      continue;
    const version = cluster.jobVersion(namespace, jobId, deployment.jobCreateIndex, deployment.jobVersion);
    if (!hasGroup(version)) continue;
    // What could be updated in place at once need not be of the older version.
    return requiresReplacement(version.spec, job.spec, group) ? { version, deploymentId: deployment.id } : null;
  }
  const former = previous === null ? undefined : input.versionOf(previous);
  const formerGroup = former && groupNamed(former.spec, group);
  return former !== undefined && formerGroup !== undefined && !hasUpdate(formerGroup.Update)
    ? { version: former, deploymentId: '' }
    : null;
}

const inPlaceUpdates = (job: JobVersion | undefined, wish: Reconciliation): readonly PlannedUpdate[] =>
  job === undefined ? [] : wish.inPlace.map((inPlace) => inPlaceUpdate(job, inPlace, wish.deploymentId));

/** The new version, and the deployment that watches over the health of what it changed. Source: spec/lifecycle §4. */
export const inPlaceUpdate = (
  job: JobVersion,
  { alloc, resources }: InPlaceUpdate,
  deploymentId: string,
): PlannedUpdate => ({
  allocationId: alloc.id,
  inPlace: {
    jobVersion: job.version,
    jobCreateIndex: job.createIndex,
    jobModifyIndex: job.jobModifyIndex,
    allocatedResources: resources,
    deploymentId,
  },
});

/** One update per allocation, and none for those that are stopped. */
export function mergeUpdates(
  updates: readonly PlannedUpdate[],
  stopped: readonly PlannedStop[],
): readonly PlannedUpdate[] {
  const merged = new Map<string, PlannedUpdate>();
  for (const update of updates) merged.set(update.allocationId, { ...merged.get(update.allocationId), ...update });
  for (const { allocationId } of stopped) merged.delete(allocationId);
  return [...merged.values()];
}
