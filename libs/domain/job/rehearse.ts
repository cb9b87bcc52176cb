import { accept, jobStream, reject, type CommandContext, type Decision, type Index, type TimeUs } from '@app/kernel';
import type { AllocationState } from '../allocation/state.js';
import { newEvaluation } from '../evaluation/create.js';
import { evolveEvaluation } from '../evaluation/evolve.js';
import type { EvaluationState } from '../evaluation/state.js';
import type { AllocMetric, DesiredUpdates, JobSpec } from '../nomad.js';
import { draftOf } from '../command/draft.js';
import { registerAdmitted } from './decide.js';
import type { JobEvent } from './events.js';
import { evolveJob } from './evolve.js';
import { currentVersion, type JobState, type JobVersion } from './state.js';

/** What registering a job would lead to. Nomad: JobPlanResponse, as far as a scheduler has a say in it. */
export interface JobRehearsal {
  /** The version that would be replaced. */
  readonly current: JobVersion | undefined;
  /** By group. */
  readonly desired: Readonly<Record<string, DesiredUpdates>>;
  /** What would have to make room. */
  readonly preempted: readonly AllocationState[];
  readonly failedGroups: Readonly<Record<string, AllocMetric>> | null;
  readonly createdEvaluations: readonly EvaluationState[];
  readonly nextLaunch: TimeUs | null;
}

/**
 * The job and its evaluation as a registration would leave them, if it were the commit with this index. It is decided like any registration that
 * was admitted to its namespace and pool, and refused like one (see `registerAdmitted`); nothing is appended.
 */
export function rehearseRegistration(
  job: JobState | undefined,
  spec: JobSpec,
  context: CommandContext,
  index: Index,
): Decision<{ readonly job: JobState; readonly evaluation: EvaluationState }> {
  const stream = jobStream(spec.Namespace, spec.ID);
  const view = { read: <S>(name: string): S | undefined => (name === stream ? (job as S | undefined) : undefined) };
  const decision = registerAdmitted(draftOf(view, context), { spec, enforceIndex: null, evalPriority: 0 });
  if (decision.kind === 'rejected') return reject(decision.rejection.code, decision.rejection.detail);
  const fact = { index, time: context.now };
  const after = decision.events
    .filter((one) => one.stream === stream)
    .reduce<JobState | undefined>((state, { event }) => evolveJob(state, event as JobEvent, fact), job);
  const next = currentVersion(after);
  if (after === undefined || next === undefined) throw new Error(`a registration leaves no job ${spec.ID}`);
  const evaluation = newEvaluation({
    id: context.newId(),
    namespace: spec.Namespace,
    priority: spec.Priority,
    type: spec.Type,
    triggeredBy: 'job-register',
    jobId: spec.ID,
    jobModifyIndex: next.modifyIndex,
  });
  const created = evolveEvaluation(
    undefined,
    { type: 'EvaluationCreated', data: { ...evaluation, snapshotIndex: 0 } },
    fact,
  );
  return accept([], { job: after, evaluation: created! });
}
