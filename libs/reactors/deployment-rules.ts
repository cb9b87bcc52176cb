import {
  isActive,
  isClientTerminal,
  isEligibleSimply,
  isTerminal,
  type AllocationState,
  type DeploymentGroup,
  type DeploymentState,
} from '@app/domain';
import { usFromNs, type TimeUs, ownProperty } from '@app/kernel';
import type { ClusterState } from './cluster-state.js';

/** What the deployment watcher looks at. */
export type DeploymentView = Pick<
  ClusterState,
  'allocation' | 'allocationsOfDeployment' | 'jobVersion' | 'latestEvaluationIndex'
>;

/** What is to be done about a deployment after its allocations have changed; the first that applies. */
export type DeploymentVerdict =
  | { readonly kind: 'fail'; readonly rollback: boolean }
  /** `replace`, too, if the promotion is refused. */
  | { readonly kind: 'promote'; readonly otherwise: DeploymentVerdict }
  | { readonly kind: 'progress'; readonly replace: readonly string[] }
  | { readonly kind: 'nothing' };

const NOTHING: DeploymentVerdict = { kind: 'nothing' };

/** spec/lifecycle §6.3. */
export function judgeDeployment(view: DeploymentView, deployment: DeploymentState, now: TimeUs): DeploymentVerdict {
  if (!isActive(deployment)) return NOTHING;
  const latest = view.latestEvaluationIndex(deployment.namespace, deployment.jobId);
  const replace: string[] = [];
  let needsEvaluation = false;
  let failing: { rollback: boolean } | undefined;
  for (const alloc of view.allocationsOfDeployment(deployment.id)) {
    const group = ownProperty(deployment.groups, alloc.taskGroup);
    const health = alloc.deploymentStatus;
    if (group === undefined || health === null) continue;
    if (health.healthy === false) {
      if (failsEarly(view, deployment, group, alloc, now))
        failing = { rollback: (failing?.rollback ?? false) || group.autoRevert };
      else if (!alloc.desiredTransition.Reschedule) replace.push(alloc.id);
    } else if (health.healthy === true && health.modifyIndex > latest) needsEvaluation = true;
  }
  if (failing !== undefined) return { kind: 'fail', ...failing };
  const otherwise: DeploymentVerdict = needsEvaluation || replace.length > 0 ? { kind: 'progress', replace } : NOTHING;
  return promotesItself(view, deployment) ? { kind: 'promote', otherwise } : otherwise;
}

function failsEarly(
  view: DeploymentView,
  deployment: DeploymentState,
  group: DeploymentGroup,
  alloc: AllocationState,
  now: TimeUs,
): boolean {
  if (group.progressDeadline === 0) return true;
  const { namespace, jobId, jobCreateIndex, jobVersion } = deployment;
  const version = view.jobVersion(namespace, jobId, jobCreateIndex, jobVersion);
  const policy = version?.spec.TaskGroups.find((one) => one.Name === alloc.taskGroup)?.ReschedulePolicy ?? null;
  return !alloc.desiredTransition.Reschedule && !isEligibleSimply(alloc, policy, now);
}

/** spec/lifecycle §6.4; as many healthy canaries as are wanted, or more. */
function promotesItself(view: DeploymentView, deployment: DeploymentState): boolean {
  const wanted = Object.values(deployment.groups).filter((group) => group.desiredCanaries > 0);
  if (!wanted.some((group) => !group.promoted) || !wanted.every((group) => group.autoPromote)) return false;
  if (!wanted.some((group) => group.placedCanaries.length > 0)) return false;
  return wanted.every((group) => healthyCanaries(view, group) >= group.desiredCanaries);
}

const healthyCanaries = (view: DeploymentView, group: DeploymentGroup): number =>
  canariesOf(view, group).filter(isHealthy).length;

const canariesOf = (view: DeploymentView, group: DeploymentGroup): AllocationState[] =>
  group.placedCanaries.map((id) => view.allocation(id)).filter((alloc) => alloc !== undefined);

const isHealthy = (alloc: AllocationState): boolean => !isTerminal(alloc) && alloc.deploymentStatus?.healthy === true;

/** Canaries of the group have been healthy, and what is left to happen is its promotion. */
const waitsForPromotion = (group: DeploymentGroup): boolean =>
  group.desiredCanaries > 0 && !group.promoted && group.healthyAllocs >= group.desiredCanaries;

/**
 * The earliest time after `passed` at which the deployment may be late; 0: none, or it is paused: a paused deployment never runs out of
 * its deadline. Cheap: whether it really is late is for {@link lateGroups} to say.
 */
export function nextDeadline(view: DeploymentView, deployment: DeploymentState, passed: TimeUs): TimeUs {
  if (deployment.status === 'paused') return 0;
  const due = Object.values(deployment.groups)
    .map((group) => (waitsForPromotion(group) ? canaryDeadline(view, group) : group.requireProgressBy))
    .filter((time) => time > passed);
  return due.length === 0 ? 0 : Math.min(...due);
}

/**
 * Canaries that wait for their promotion never time out. But one that was healthy and has died of something that is not retried can
 * never be promoted: Nomad lets such a deployment run for ever, here it has the group's deadline from that moment. 0: no such canary.
 */
function canaryDeadline(view: DeploymentView, group: DeploymentGroup): TimeUs {
  if (group.progressDeadline === 0) return 0;
  const canaries = canariesOf(view, group);
  const dead = canaries.some((alloc) => alloc.desiredStatus === 'run' && isClientTerminal(alloc));
  if (!dead || canaries.filter(isHealthy).length >= group.desiredCanaries) return 0;
  const changed = canaries
    .filter((alloc) => !isHealthy(alloc))
    .map((alloc) => (isClientTerminal(alloc) ? alloc.modifyTime : alloc.createTime));
  return Math.max(group.requireProgressBy, Math.max(...changed) + usFromNs(group.progressDeadline));
}

/** The groups that a deadline at `now` finds without the progress they should have made; spec/lifecycle §6.2, "On fire". */
export function lateGroups(view: DeploymentView, deployment: DeploymentState, now: TimeUs): DeploymentGroup[] {
  const isDue = Object.entries(deployment.groups).some(([name, group]) => {
    const due = waitsForPromotion(group) ? canaryDeadline(view, group) : group.requireProgressBy;
    return due !== 0 && due <= now && !isDone(view, deployment, name, group);
  });
  if (deployment.status === 'paused' || !isDue) return [];
  return Object.values(deployment.groups).filter((group) => {
    if (!waitsForPromotion(group)) return group.healthyAllocs < group.desiredTotal;
    const due = canaryDeadline(view, group);
    return due !== 0 && due <= now;
  });
}

function isDone(view: DeploymentView, deployment: DeploymentState, name: string, group: DeploymentGroup): boolean {
  if (group.desiredCanaries > 0 && !group.promoted) return false;
  const healthy = view
    .allocationsOfDeployment(deployment.id)
    .filter((alloc) => alloc.taskGroup === name && isHealthy(alloc));
  return healthy.length >= group.desiredTotal;
}
