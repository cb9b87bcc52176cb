import { byName, ownProperty } from '@app/kernel';
import type {
  AllocationState,
  AllocMetric,
  EvaluationTrigger,
  JobVersion,
  NodeState,
  Plan,
  PlannedPlacement,
  PlannedStop,
} from '@app/domain';
import { groupNamed, hasUpdate, isActive, isTerminal } from '@app/domain';
import { NOT_NEEDED, UPDATING } from './descriptions.js';
import type { Tally } from './outcome.js';
import { countFailure, fail, finish, newTally } from './outcome.js';
import type { PassSetup } from './pass-setup.js';
import { setUp } from './pass-setup.js';
import { mergeFiltered } from './placement/metrics.js';
import type { SchedulingRequest, SchedulingResult } from './ports.js';
import { stoppedOnLostNodes } from './reconcile/classify.js';
import {
  completed,
  isFailed,
  isPaused,
  newestDeployment,
  planDeployment,
  triageDeployment,
} from './reconcile/deployments.js';
import { stopAll } from './reconcile/group.js';
import type { GroupGoal, Pass } from './reconcile/pass.js';
import { desiredOf, existingGoal, isOfVersion, stop, stopLost } from './reconcile/pass.js';
import { groupAllocations, startPass } from './reconcile/reconcile.js';
import type { NodeWish, SystemGroup } from './reconcile/system.js';
import { reconcileSystemGroup, rollingLimit } from './reconcile/system.js';
import { inPlaceUpdate, mergeUpdates, preemption } from './schedule-generic.js';

/** Source: spec/lifecycle §2.2. */
const TRIGGERS: ReadonlySet<EvaluationTrigger> = new Set<EvaluationTrigger>([
  'job-register',
  'job-deregister',
  'node-update',
  'node-drain',
  'alloc-stop',
  'failed-follow-up',
  'preemption',
  'deployment-watcher',
  'queued-allocs',
  'job-scaling',
  'reconnect',
  // Nomad's delayed evaluations for system jobs; without it an unknown allocation would never be given up.
  'max-disconnect-timeout',
]);

/** Placements and stops of one pass, as they come. */
interface Board {
  readonly request: SchedulingRequest;
  readonly setup: PassSetup;
  readonly pass: Pass;
  readonly tally: Tally;
  readonly placements: { readonly planned: PlannedPlacement; readonly group: string }[];
  readonly stopped: PlannedStop[];
  /** Nodes on which a group fits but finds no room. */
  readonly exhausted: Set<string>;
}

/** One pass for a system or sysbatch job: one allocation of each group on every node that suits. Source: spec/lifecycle §3.13. */
export function scheduleSystem(request: SchedulingRequest): SchedulingResult {
  const { evaluation, cluster } = request;
  const setup = setUp(request);
  const { job, jobType, input, placer } = setup;
  const known =
    TRIGGERS.has(evaluation.triggeredBy) || (jobType === 'sysbatch' && evaluation.triggeredBy === 'periodic-job');
  if (!known) return fail(request, `scheduler cannot handle '${evaluation.triggeredBy}' evaluation reason`);

  const newest = jobType === 'sysbatch' ? undefined : newestDeployment(input.deployments);
  const pass = startPass(input, true, triageDeployment(job, newest));
  for (const alloc of stoppedOnLostNodes(input)) stopLost(pass, alloc);
  const board: Board = {
    request,
    setup,
    pass,
    tally: newTally(job),
    placements: [],
    stopped: [],
    exhausted: new Set(),
  };
  const deployment = job === undefined || job.spec.Stop ? stopEverything(pass) : workOff(board, job);

  const { namespace, jobId } = evaluation;
  const deploymentId = deployment?.id ?? (pass.current !== null && isActive(pass.current) ? pass.current.id : '');
  const plan: Plan = {
    evalId: evaluation.id,
    namespace,
    jobId,
    priority: evaluation.priority,
    placements: board.placements.map(({ planned }) => ({ ...planned, deploymentId })),
    stops: [...pass.stops.values(), ...board.stopped],
    updates: mergeUpdates(
      [
        ...pass.updates.values(),
        ...(job ? pass.inPlace.map((inPlace) => inPlaceUpdate(job, inPlace, deploymentId)) : []),
      ],
      [...pass.stops.values(), ...board.stopped],
    ),
    deployment,
    deploymentUpdates: pass.deploymentUpdates,
    followups: pass.followups,
    needlessEvals: pass.needlessEvals,
  };
  const latest = deployment?.id ?? newestDeployment(cluster.deploymentsOfJob(namespace, jobId))?.id ?? '';
  return finish(request, {
    tally: board.tally,
    plan,
    annotations: pass.desired,
    deploymentId: jobType === 'sysbatch' ? '' : latest,
    eligibility: placer.eligibility(),
    waitsFor: [...board.exhausted],
  });
}

function stopEverything(pass: Pass): null {
  for (const [name, allocations] of groupAllocations(pass.input))
    stopAll(
      pass,
      name,
      allocations.filter((alloc) => !isTerminal(alloc)),
    );
  return null;
}

function workOff(board: Board, job: JobVersion): Plan['deployment'] {
  const { pass, setup } = board;
  const candidates = setup.placer.candidates(job);
  let complete = pass.current !== null && isActive(pass.current);
  /** Goals of groups that no node suits. */
  const nowhere: Pass['goals'] = byName();
  for (const [name, allocations] of groupAllocations(pass.input)) {
    const group = groupNamed(job.spec, name);
    if (group === undefined || group.Count === 0) {
      stopAll(
        pass,
        name,
        allocations.filter((alloc) => !isTerminal(alloc)),
      );
      continue;
    }
    const wish = stopWhereUnsuitable(board, job, reconcileSystemGroup(pass, group, allocations, candidates));
    const goal = workOffGroup(board, job, wish);
    const canarying = goal !== null && goal.desiredCanaries > 0 && !goal.promoted;
    const healthy = ownProperty(pass.current?.groups, name)?.healthyAllocs ?? 0;
    complete &&= goal === null || (!canarying && wish.destructive.length === 0 && healthy >= goal.desiredTotal);
    if (goal !== null) {
      const changed = wish.destructive.length + wish.inPlace.length > 0;
      noteGoal(pass, job, goal, { name, allocations, changed, nowhere });
    }
  }
  if (complete && pass.current !== null) pass.deploymentUpdates.push(completed(pass.current));
  const hasGoals = Object.keys(pass.goals).length > 0;
  const goals = hasGoals || pass.current !== null ? pass.goals : nowhere;
  const deployment = planDeployment(pass.input, pass.current, goals, job.spec.Priority);
  if (!hasGoals && deployment !== null) pass.deploymentUpdates.push(completed(deployment));
  return deployment;
}

/** Allocations of an older version whose nodes do not suit the current one are stopped, and nothing takes their place. */
function stopWhereUnsuitable({ pass, setup }: Board, job: JobVersion, wish: SystemGroup): SystemGroup {
  const ask = setup.placer.ask(job, wish.group.Name);
  if (ask === undefined || wish.destructive.length === 0) return wish;
  const suits = wish.destructive.map(({ previous }) => setup.placer.suits(ask, previous));
  const destructive = wish.destructive.filter((_, position) => suits[position]);
  for (const [position, { previous }] of wish.destructive.entries())
    if (!suits[position] && stop(pass, previous, NOT_NEEDED)) desiredOf(pass, wish.group.Name).Stop++;
  return { ...wish, destructive };
}

/** Places, replaces and updates; returns the group's goals, or null when it has no part in a deployment. */
function workOffGroup(board: Board, job: JobVersion, wish: SystemGroup): GroupGoal | null {
  const { pass } = board;
  const { group, destructive, inPlace, ignored } = wish;
  const desired = desiredOf(pass, group.Name);
  pass.inPlace.push(...inPlace);

  const { placed, suitable } = placeOnNodes(board, wish);
  desired.Place += placed;
  const goal = goalOf(pass, wish);
  const limit = rollingLimit(pass, wish);
  const canaries = canaryGoal(pass, job, wish, goal);
  const existing = livingCanaries(pass, group.Name, ignored);
  const canarying = goal !== null && canaries > 0 && !goal.promoted;
  const allowed = canarying ? Math.min(limit, Math.max(0, canaries - existing)) : limit;
  const updated = nodesInOrder(destructive).slice(0, allowed);
  desired.Ignore += destructive.length - updated.length;
  if (canarying) desired.Canary += updated.length;
  else desired.DestructiveUpdate += updated.length;
  for (const node of updated) replaceOnNode(board, job, wish, node, canarying);

  if (goal === null) return null;
  goal.desiredTotal = suitable + inPlace.length + ignored.length + destructive.length;
  goal.desiredCanaries = canaries;
  return goal;
}

/** Places on nodes without the group. Unsuitable nodes are passed over in silence; tells on how many it was placed, and how many suit. */
function placeOnNodes(
  board: Board,
  { group, place, inPlace, ignored, destructive }: SystemGroup,
): { readonly placed: number; readonly suitable: number } {
  const { tally, setup } = board;
  let suitable = 0;
  let placed = 0;
  let filtered: AllocMetric | undefined;
  for (const node of place) {
    const ask = setup.job && setup.placer.ask(setup.job, group.Name);
    if (ask === undefined) break;
    const selection = setup.placer.select(ask, { previous: null, penalised: new Set(), nodeId: node.nodeId });
    if (selection.placed !== null) {
      suitable++;
      placed++;
      put(board, group.Name, node, { ...selection.placed, metrics: selection.metrics, canary: false });
    } else if (selection.metrics.NodesExhausted > 0) {
      suitable++;
      board.exhausted.add(node.nodeId);
      countFailure(tally, group.Name, selection.metrics);
    } else {
      filtered = filtered === undefined ? selection.metrics : mergeFiltered(filtered, selection.metrics);
    }
  }
  // Worth telling only when the group is nowhere at all.
  const isNowhere = suitable + inPlace.length + ignored.length + destructive.length === 0;
  if (isNowhere && filtered !== undefined) {
    countFailure(tally, group.Name, filtered);
    tally.queued[group.Name] = 0;
  }
  return { placed, suitable };
}

function replaceOnNode(
  board: Board,
  job: JobVersion,
  { group }: SystemGroup,
  node: SystemGroup['destructive'][number],
  canary: boolean,
): void {
  const { placer } = board.setup;
  const ask = placer.ask(job, group.Name);
  if (ask === undefined) return;
  placer.release(node.previous);
  const { placed, metrics } = placer.select(ask, {
    previous: node.previous,
    penalised: new Set(),
    nodeId: node.nodeId,
  });
  if (placed === null) {
    placer.restore(node.previous);
    if (metrics.NodesExhausted > 0) board.exhausted.add(node.nodeId);
    countFailure(board.tally, group.Name, metrics);
    return;
  }
  board.stopped.push({ allocationId: node.previous.id, description: UPDATING });
  put(board, group.Name, node, { ...placed, metrics, canary });
}

function put(
  { request, setup, pass, placements }: Board,
  group: string,
  { name, previous }: NodeWish,
  placed: {
    readonly node: NodeState;
    readonly resources: PlannedPlacement['allocatedResources'];
    readonly preempted: readonly AllocationState[];
    readonly metrics: PlannedPlacement['metrics'];
    readonly canary: boolean;
  },
): void {
  const { job } = setup;
  if (job === undefined) return;
  const planned: PlannedPlacement = {
    id: request.newId(),
    name,
    taskGroup: group,
    nodeId: placed.node.id,
    nodeName: placed.node.description.Name,
    jobVersion: job.version,
    jobCreateIndex: job.createIndex,
    jobModifyIndex: job.jobModifyIndex,
    allocatedResources: placed.resources,
    metrics: placed.metrics,
    previousAllocation: previous?.id ?? '',
    deploymentId: '',
    canary: placed.canary,
    rescheduleTracker: null,
    ...preemption(pass, group, placed.preempted),
  };
  placements.push({ planned, group });
}

/** The goals as the deployment has them, or fresh ones; null for jobs without deployments. */
function goalOf({ current, input }: Pass, { group }: SystemGroup): GroupGoal | null {
  const { Update } = group;
  if (input.jobType === 'sysbatch' || Update === null || !hasUpdate(Update)) return null;
  const known = ownProperty(current?.groups, group.Name);
  if (known !== undefined) return existingGoal(known);
  return {
    existing: false,
    autoRevert: Update.AutoRevert,
    autoPromote: Update.AutoPromote,
    progressDeadline: Update.ProgressDeadline,
    promoted: false,
    healthyAllocs: 0,
    desiredCanaries: 0,
    desiredTotal: 0,
  };
}

/** For system jobs `canary` is a percentage of the nodes to be updated. Source: spec/lifecycle §3.13. */
function canaryGoal(
  pass: Pass,
  job: JobVersion,
  { group, destructive, ignored }: SystemGroup,
  goal: GroupGoal | null,
): number {
  if (goal === null) return 0;
  const percent = job.skipsCanaries ? 0 : (group.Update?.Canary ?? 0);
  if (percent === 0 || goal.promoted || job.version === 0) return goal.desiredCanaries;
  const living = livingCanaries(pass, group.Name, ignored);
  // Nothing is left to be tried out: whatever nodes took the canaries away have got the new version with their return.
  if (destructive.length === 0) return living === 0 ? 0 : goal.desiredCanaries;
  const nodes = destructive.length + living;
  return Math.min(Math.ceil((percent * nodes) / 100), group.Update?.MaxParallel ?? nodes);
}

function livingCanaries({ current }: Pass, group: string, ignored: readonly AllocationState[]): number {
  const placed = new Set(ownProperty(current?.groups, group)?.placedCanaries);
  return ignored.filter((alloc) => placed.has(alloc.id)).length;
}

/** Puts the goals into the plan when they begin or have changed. Source: spec/lifecycle §3.13. */
function noteGoal(
  { current, old, goals }: Pass,
  job: JobVersion,
  goal: GroupGoal,
  about: {
    readonly name: string;
    readonly allocations: readonly AllocationState[];
    readonly changed: boolean;
    readonly nowhere: Pass['goals'];
  },
): void {
  const known = ownProperty(current?.groups, about.name);
  if (known !== undefined) {
    const same = known.desiredTotal === goal.desiredTotal && known.desiredCanaries === goal.desiredCanaries;
    if (!same && current !== null && isActive(current)) goals[about.name] = goal;
    return;
  }
  const doneBefore = old !== null && old.jobVersion === job.version && old.jobCreateIndex === job.createIndex;
  if (doneBefore || isPaused(current) || isFailed(current)) return;
  if (current !== null && !isActive(current)) return;
  if (!about.changed && about.allocations.some((alloc) => isOfVersion(alloc, job))) return;
  (goal.desiredTotal === 0 ? about.nowhere : goals)[about.name] = goal;
}

const nodesInOrder = <T extends NodeWish>(nodes: readonly T[]): readonly T[] =>
  nodes.toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : a.nodeId > b.nodeId ? 1 : 0));
