import {
  currentVersion,
  isActive,
  requiresPromotion,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
  type JobState,
  type NodeState,
} from '@app/domain';
import { streamType, US_PER_S, type TimeUs } from '@app/kernel';
import type { ClusterState } from './cluster-state.js';

/** How many objects there are of each status. Of deployments, evaluations and allocations those that still matter. */
export interface Tally {
  readonly jobs: ReadonlyMap<string, number>;
  readonly nodes: ReadonlyMap<string, number>;
  readonly allocations: ReadonlyMap<string, number>;
  readonly evaluations: ReadonlyMap<string, number>;
  /** `waiting`: running, and waits for a promotion. */
  readonly deployments: ReadonlyMap<string, number>;
  /** Ages in seconds of the oldest deployment of each status. */
  readonly oldestDeployment: ReadonlyMap<string, number>;
}

/** Counts what the cluster holds, in one walk. */
export function tallyOf(cluster: ClusterState, now: TimeUs): Tally {
  const [jobs, nodes, allocations, evaluations, deployments, oldestDeployment] = Array.from(
    { length: 6 },
    () => new Map<string, number>(),
  ) as [Counts, Counts, Counts, Counts, Counts, Counts];
  for (const [stream, state] of cluster.objects()) {
    switch (streamType(stream)) {
      case 'job':
        add(jobs, currentVersion(state as JobState)?.status);
        break;
      case 'node':
        if (!(state as NodeState).purged) add(nodes, (state as NodeState).status);
        break;
      case 'allocation':
        add(allocations, (state as AllocationState).clientStatus);
        break;
      case 'evaluation':
        add(evaluations, (state as EvaluationState).status);
        break;
      case 'deployment': {
        const deployment = state as DeploymentState;
        if (!isActive(deployment)) break;
        const status = requiresPromotion(deployment) ? 'waiting' : deployment.status;
        add(deployments, status);
        const age = Math.max(0, (now - deployment.createTime) / US_PER_S);
        oldestDeployment.set(status, Math.max(age, oldestDeployment.get(status) ?? 0));
        break;
      }
      default:
    }
  }
  return { jobs, nodes, allocations, evaluations, deployments, oldestDeployment };
}

type Counts = Map<string, number>;
/** Without a status it does not count: it is purged. */
function add(counts: Counts, status: string | undefined): void {
  if (status !== undefined) counts.set(status, (counts.get(status) ?? 0) + 1);
}
