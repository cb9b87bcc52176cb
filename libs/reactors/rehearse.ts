import {
  currentVersion,
  evolve,
  nextLaunch,
  rehearseRegistration,
  type EvaluationState,
  type JobRehearsal,
  type JobSpec,
  type NewEvaluation,
} from '@app/domain';
import {
  accept,
  atOnce,
  evaluationStream,
  reject,
  type Decision,
  type DurationNs,
  type Steps,
  type TimeUs,
} from '@app/kernel';
import { scheduleInSteps, type ClusterView } from '@app/scheduling';
import type { ClusterState } from './cluster-state.js';

export interface RehearseOptions {
  readonly now: TimeUs;
  readonly newId: () => string;
  readonly elapsed: () => DurationNs;
}

/**
 * What registering a job would make of the cluster: one pass of the scheduler over the cluster as it would be. Nothing is written. Nomad:
 * Job.Plan. Rejections as for `registerJob`.
 */
export const rehearse = (cluster: ClusterState, spec: JobSpec, options: RehearseOptions): Decision<JobRehearsal> =>
  atOnce(rehearseInSteps(cluster, spec, options));

/** The same, in steps: what happens to the cluster in between may show in one part and not in another. */
export function* rehearseInSteps(
  cluster: ClusterState,
  spec: JobSpec,
  options: RehearseOptions,
): Steps<Decision<JobRehearsal>> {
  const { now, newId } = options;
  const stored = cluster.job(spec.Namespace, spec.ID);
  const registered = rehearseRegistration(stored, spec, { now, newId }, cluster.index + 1);
  if (registered.kind === 'rejected') return reject(registered.rejection.code, registered.rejection.detail);
  const { job, evaluation } = registered.answer;
  const next = currentVersion(job);
  const view: ClusterView = {
    index: cluster.index,
    configuration: cluster.configuration,
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
    usedOnNode: (id) => cluster.usedOnNode(id),
  };
  const { plan, outcome } = yield* scheduleInSteps({ evaluation, cluster: view, ...options });
  const preempted = (plan?.placements ?? []).flatMap(({ preemptedAllocations = [] }) => preemptedAllocations);
  return accept([], {
    current: currentVersion(stored),
    desired: outcome.annotations,
    preempted: preempted.map((id) => cluster.allocation(id)).filter((alloc) => alloc !== undefined),
    failedGroups: outcome.failedGroups,
    createdEvaluations: [...(plan?.followups ?? []), ...outcome.blocked].map((one) => createdAt(one, now)),
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
