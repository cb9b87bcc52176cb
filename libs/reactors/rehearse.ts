import {
  currentVersion,
  evolve,
  isTerminal,
  nextLaunch,
  rehearseRegistration,
  type DesiredUpdates,
  type EvaluationState,
  type JobRehearsal,
  type JobSpec,
  type NewEvaluation,
} from '@app/domain';
import { accept, evaluationStream, reject, type Decision, type TimeUs } from '@app/kernel';
import { schedule, type ClusterView, type SchedulerConfiguration, type SchedulingResult } from '@app/scheduling';

export interface RehearseOptions {
  readonly now: TimeUs;
  readonly newId: () => string;
  readonly configuration: SchedulerConfiguration;
}

/**
 * What registering a job would make of the cluster: one pass of the scheduler over the cluster as it would be. Nothing is written. Nomad:
 * Job.Plan. Rejections as for `registerJob`.
 */
export function rehearse(cluster: ClusterView, spec: JobSpec, options: RehearseOptions): Decision<JobRehearsal> {
  const { now, newId } = options;
  const stored = cluster.job(spec.Namespace, spec.ID);
  const registered = rehearseRegistration(stored, spec, { now, newId }, cluster.index + 1);
  if (registered.kind === 'rejected') return reject(registered.rejection.code, registered.rejection.detail);
  const { job, evaluation } = registered.answer;
  const next = currentVersion(job);
  const view: ClusterView = {
    index: cluster.index,
    job: (namespace, id) => (namespace === job.namespace && id === job.id ? job : cluster.job(namespace, id)),
    jobVersion: (namespace, id, createIndex, version) =>
      namespace === job.namespace && id === job.id && createIndex === next?.createIndex && version === next.version
        ? next
        : cluster.jobVersion(namespace, id, createIndex, version),
    allocationsOfJob: (namespace, id) => cluster.allocationsOfJob(namespace, id),
    deploymentsOfJob: (namespace, id) => cluster.deploymentsOfJob(namespace, id),
    node: (id) => cluster.node(id),
    nodes: () => cluster.nodes(),
    liveAllocationsOnNode: (id) => cluster.liveAllocationsOnNode(id),
    ...(cluster.usedOnNode && { usedOnNode: (id: string) => cluster.usedOnNode!(id) }),
  };
  const result = schedule({ evaluation, cluster: view, ...options });
  const { plan, outcome } = result;
  return accept([], {
    current: currentVersion(stored),
    desired: plan?.annotations ?? leftAlone(view, spec, result),
    failedGroups: outcome.failedGroups,
    createdEvaluations: [...(plan?.followups ?? []), ...(outcome.blocked === null ? [] : [outcome.blocked])].map(
      (one) => createdAt(one, now),
    ),
    nextLaunch: spec.Periodic === null ? null : nextLaunch(spec.Periodic, now),
  });
}

/** An evaluation that is in no commit, and so has no index. */
const createdAt = (evaluation: NewEvaluation, time: TimeUs): EvaluationState =>
  evolve(
    evaluationStream(evaluation.id),
    undefined,
    { type: 'EvaluationCreated', data: { ...evaluation, snapshotIndex: 0 } },
    { index: 0, time },
  ) as EvaluationState;

/** Without a plan everything stays as it is; what is missing is what found no room. */
function leftAlone(cluster: ClusterView, spec: JobSpec, { outcome }: SchedulingResult): Record<string, DesiredUpdates> {
  const kept = cluster
    .allocationsOfJob(spec.Namespace, spec.ID)
    .filter((alloc) => !isTerminal(alloc) || (spec.Type === 'batch' && alloc.clientStatus === 'complete'));
  return Object.fromEntries(
    spec.TaskGroups.map(({ Name }) => [
      Name,
      {
        Ignore: kept.filter((alloc) => alloc.taskGroup === Name).length,
        Place: outcome.queuedAllocations?.[Name] ?? 0,
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
      },
    ]),
  );
}
