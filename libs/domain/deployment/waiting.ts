import { isoFromUs, type TimeUs } from '@app/kernel';
import { isTerminal, type AllocationState } from '../allocation/state.js';
import { isActive, type DeploymentGroup, type DeploymentState } from './state.js';

/** What a group needs before its rollout goes on, and since when. */
interface GroupWait {
  readonly waitingFor: 'promotion' | 'health';
  readonly since: TimeUs;
  readonly healthy: readonly string[];
}

/**
 * For what a deployment waits, since when and for whom, which Nomad does not tell. `WaitingFor`: `promotion` (`By` says whether an operator's
 * or the deployment's own), `health` of its allocations, `resume` while it is paused, null once it has ended. `Since` is RFC 3339: the moment
 * at which the last canary that was needed became healthy, for a promotion; the group's first placement or last progress otherwise.
 * `canaries`: the allocations that the deployment names as its canaries, as far as they are known.
 */
export function renderDeploymentWait(
  deployment: DeploymentState,
  canaries: readonly AllocationState[],
): Readonly<Record<string, unknown>> & {
  readonly WaitingFor: 'promotion' | 'health' | 'resume' | null;
  readonly By: 'operator' | 'deployment' | null;
  readonly Since: string | null;
} {
  const waits = Object.entries(deployment.groups).map(([name, group]) => ({
    name,
    group,
    wait: waitOf(deployment, group, canaries),
  }));
  const open = isActive(deployment) ? waits.filter(({ wait }) => wait !== null) : [];
  const promotion = open.filter(({ wait }) => wait!.waitingFor === 'promotion');
  const waitingFor = !isActive(deployment)
    ? null
    : deployment.status === 'paused'
      ? 'resume'
      : promotion.length > 0
        ? 'promotion'
        : open.length > 0
          ? 'health'
          : null;
  const decisive = waitingFor === 'promotion' ? promotion : open;
  const since =
    waitingFor === 'resume' ? deployment.modifyTime : Math.max(0, ...decisive.map(({ wait }) => wait!.since));
  return {
    DeploymentID: deployment.id,
    Namespace: deployment.namespace,
    JobID: deployment.jobId,
    JobVersion: deployment.jobVersion,
    Status: deployment.status,
    StatusDescription: deployment.statusDescription,
    WaitingFor: waitingFor,
    By:
      waitingFor !== 'promotion' ? null : promotion.every(({ group }) => group.autoPromote) ? 'deployment' : 'operator',
    Since: waitingFor === null ? null : isoFromUs(since),
    Groups: Object.fromEntries(
      open.map(({ name, group, wait }) => [
        name,
        {
          WaitingFor: wait!.waitingFor,
          Since: isoFromUs(wait!.since),
          AutoPromote: group.autoPromote,
          DesiredCanaries: group.desiredCanaries,
          HealthyCanaries: wait!.healthy,
          HealthyAllocs: group.healthyAllocs,
          DesiredTotal: group.desiredTotal,
          RequireProgressBy: isoFromUs(group.requireProgressBy),
        },
      ]),
    ),
    ModifyIndex: deployment.modifyIndex,
  };
}

/** null: the group is done. */
function waitOf(
  deployment: DeploymentState,
  group: DeploymentGroup,
  canaries: readonly AllocationState[],
): GroupWait | null {
  const placed = canaries.filter((alloc) => group.placedCanaries.includes(alloc.id));
  const healthy = placed.filter((alloc) => !isTerminal(alloc) && alloc.deploymentStatus?.healthy === true);
  const ids = healthy.map((alloc) => alloc.id);
  const progress = Math.max(deployment.createTime, deployment.modifyTime);
  if (group.desiredCanaries > 0 && !group.promoted) {
    if (healthy.length < group.desiredCanaries) return { waitingFor: 'health', since: progress, healthy: ids };
    const times = healthy.map((alloc) => alloc.deploymentStatus!.timestamp).sort((a, b) => a - b);
    return { waitingFor: 'promotion', since: times[group.desiredCanaries - 1]!, healthy: ids };
  }
  return group.healthyAllocs >= group.desiredTotal ? null : { waitingFor: 'health', since: progress, healthy: ids };
}
