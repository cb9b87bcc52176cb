import {
  failureAhead,
  GOES_ON_WAITING,
  PROMOTES_ITSELF,
  type DeploymentState,
  type Outlook,
  type WaitingDeployment,
} from '@app/domain';
import type { TimeUs } from '@app/kernel';
import type { ClusterState } from './cluster-state.js';
import { judgeDeployment, lateGroups, nextDeadline, type DeploymentView } from './deployment-rules.js';

type OutlookView = DeploymentView & Pick<ClusterState, 'job'>;

/** What the deployment watcher will do about a deployment if nobody acts and no allocation changes. By its own rules; pure. */
export function outlookOf(view: OutlookView, deployment: DeploymentState, now: TimeUs): Outlook {
  const job = view.job(deployment.namespace, deployment.jobId);
  const verdict = judgeDeployment(view, deployment, now);
  if (verdict.kind === 'promote') return PROMOTES_ITSELF;
  if (verdict.kind === 'fail') return failureAhead(job, { cause: 'unhealthy', rollback: verdict.rollback, at: 0 });
  // A deadline that finds nobody late has passed; there is one for each group at most.
  let passed = 0;
  for (const _group of Object.keys(deployment.groups)) {
    const due = nextDeadline(view, deployment, passed);
    if (due === 0) break;
    const late = lateGroups(view, deployment, due);
    if (late.length > 0)
      return failureAhead(job, { cause: 'deadline', rollback: late.some((group) => group.autoRevert), at: due });
    passed = due;
  }
  return GOES_ON_WAITING;
}

/** Every active deployment, with what tells for what it waits and what becomes of it. */
export function waitingDeployments(cluster: ClusterState, now: TimeUs): WaitingDeployment[] {
  return cluster.activeDeployments().map((deployment) => ({
    deployment,
    canaries: Object.values(deployment.groups)
      .flatMap((group) => group.placedCanaries)
      .map((id) => cluster.allocation(id))
      .filter((alloc) => alloc !== undefined),
    blocked: cluster
      .openEvaluationsOfJob(deployment.namespace, deployment.jobId)
      .find(({ status, failedGroups }) => status === 'blocked' && failedGroups !== null),
    outlook: outlookOf(cluster, deployment, now),
  }));
}
