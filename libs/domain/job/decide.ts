import { accept, reject, type CommandContext, type Decision, type Index, type StateView } from '@app/kernel';
import { draftOf, type Draft } from '../command/draft.js';
import { jobStatus, restateJob, settle } from '../command/settle.js';
import { newEvaluation } from '../evaluation/create.js';
import { THIS_INDEX } from '../evaluation/state.js';
import { purgeBelongings } from '../job-purge/decide.js';
import type { JobSpec } from '../nomad.js';
import { isRegistrationClosed, type Registration } from '../scheduler-configuration/registration.js';
import { placeProblems } from '../namespace/admit.js';
import { removePolicies, storePolicies } from '../scaling-policy/of-job.js';
import { countChild } from './children.js';
import { withPolicyIds } from './scaling-blocks.js';
import { multiError, specChanged, validateChange } from './spec/index.js';
import { currentVersion, isParameterized, type JobState, type JobSubmission, type JobVersion } from './state.js';
import { evaluateJob, evaluateUnchanged, needsEvaluation, storeVersion } from './store-version.js';

/** What the edge answers to a change of a job. `jobModifyIndex` null: the index of the commit. */
export interface JobAnswer {
  readonly evalId: string;
  readonly jobModifyIndex: Index | null;
}

export interface RegisterJob extends Registration {
  /** Canonical and valid. */
  readonly spec: JobSpec;
  /** JobModifyIndex that the job must have (0: must not exist), or null for no such check. */
  readonly enforceIndex: Index | null;
  /** 0: the job's own. */
  readonly evalPriority: number;
  readonly preserveCounts?: boolean;
  readonly preserveResources?: boolean;
  /** What the specification was written as; kept with the version that it makes. */
  readonly submission?: JobSubmission;
}

/**
 * Nomad: Job.Register; spec/lifecycle §1.4. Rejections: registration-closed, job-not-admitted (detail: the text), enforce-index (detail: the text),
 * job-change-refused (detail: the text).
 */
export function registerJob(view: StateView, context: CommandContext, command: RegisterJob): Decision<JobAnswer> {
  if (isRegistrationClosed(view, command)) return reject('registration-closed');
  const draft = draftOf(view, context);
  const refusal = refusalOfPlace(draft, command.spec);
  return refusal === '' ? registerAdmitted(draft, command) : reject('job-not-admitted', refusal);
}

/** A registration whose namespace and pool need no look any more. Rejections: enforce-index, job-change-refused. */
export function registerAdmitted(draft: Draft, command: RegisterJob): Decision<JobAnswer> {
  const { Namespace: namespace, ID: id } = command.spec;
  const job = draft.job(namespace, id);
  const current = currentVersion(job);
  const conflict = enforced(command.enforceIndex, current);
  if (conflict !== null) return reject('enforce-index', conflict);
  const refusal = validateChange(current, command.spec);
  if (refusal !== '') return reject('job-change-refused', refusal);
  const spec = withPolicyIds(preserved(command, current?.spec), current?.spec, () => draft.context.newId());
  if (current !== undefined && !specChanged(current, spec)) {
    const evalId = evaluateUnchanged(draft, current, command.evalPriority);
    return accept(draft.events(), { evalId, jobModifyIndex: current.modifyIndex });
  }
  const { submission } = command;
  storeVersion(draft, job, {
    spec,
    cause: 'register',
    stable: false,
    revertedTo: null,
    ...(submission && { submission }),
  });
  const evalId = needsEvaluation(spec)
    ? evaluateJob(draft, spec, 'job-register', { priority: command.evalPriority, jobModifyIndex: THIS_INDEX })
    : '';
  return accept(draft.events(), { evalId, jobModifyIndex: null });
}

/** Read with the job, so that neither place is deleted or changed while the job comes into it. Empty: it may. */
const refusalOfPlace = (draft: Draft, spec: JobSpec): string =>
  multiError(
    placeProblems(spec, { namespace: draft.namespace(spec.Namespace), nodePool: draft.nodePool(spec.NodePool) }),
  );

/** Stops a job, or purges it with everything it has. Nomad: Job.Deregister; spec/lifecycle §1.6. */
export interface DeregisterJob {
  readonly namespace: string;
  readonly jobId: string;
  readonly purge: boolean;
  readonly evalPriority: number;
  readonly noShutdownDelay: boolean;
  /** What the job has, as far as it is needed: allocations (purge, or no shutdown delay), deployments and evaluations (purge). */
  readonly allocationIds: readonly string[];
  readonly deploymentIds: readonly string[];
  readonly evaluationIds: readonly string[];
  /** It has more than these, and a purge takes the rest away afterwards. */
  readonly leavesMore?: boolean;
}

/** An unknown job is no error: nothing is appended and the answer is empty. */
export function deregisterJob(
  view: StateView,
  context: CommandContext,
  command: DeregisterJob,
): Decision<JobAnswer | null> {
  const draft = draftOf(view, context);
  const { namespace, jobId } = command;
  const job = draft.job(namespace, jobId);
  const current = currentVersion(job);
  if (job === undefined || current === undefined) return accept([], null);
  // The set of the job's allocations was read before; its summary moves with every placement, so reading it here holds the set still.
  draft.summary(namespace, jobId);
  const needsEval = needsEvaluation(current.spec);
  if (command.purge) purge(draft, job, command);
  else {
    const stopped = { spec: { ...current.spec, Stop: true } };
    const status = jobStatus(stopped, draft.summary(namespace, jobId), needsEval);
    draft.onJob(job, { type: 'JobStopped', data: { version: current.version + 1, submitTime: context.now, status } });
    storePolicies(draft, current, stopped.spec);
    countChild(draft, current.spec, current.status, status);
    if (command.noShutdownDelay) skipShutdownDelay(draft, command.allocationIds);
  }
  if (!needsEval) return accept(draft.events(), { evalId: '', jobModifyIndex: null });
  const evalId = draft.evaluate(
    newEvaluation({
      id: context.newId(),
      namespace,
      priority: command.evalPriority || current.spec.Priority,
      type: 'service',
      triggeredBy: 'job-deregister',
      jobId,
      jobModifyIndex: THIS_INDEX,
    }),
  );
  return accept(draft.events(), { evalId, jobModifyIndex: null });
}

function purge(draft: Draft, job: JobState, command: DeregisterJob): void {
  const current = currentVersion(job);
  draft.onJob(job, { type: 'JobPurged', data: {} });
  removePolicies(draft, current);
  // A child that is gone stays counted as one that has ended.
  if (current !== undefined) countChild(draft, current.spec, current.status, 'dead');
  draft.onSummary(job.namespace, job.id, { type: 'JobSummaryPurged', data: {} });
  if (command.leavesMore)
    draft.onJobPurge(job.namespace, job.id, {
      type: 'JobPurgeBegun',
      data: { namespace: job.namespace, jobId: job.id },
    });
  purgeBelongings(draft, job.id, command, job);
}

/** Some allocations of a job are to stop without delay: for a job that has more of them than the command that stops it can carry. */
export function skipShutdownDelays(
  view: StateView,
  context: CommandContext,
  command: { readonly namespace: string; readonly jobId: string; readonly allocationIds: readonly string[] },
): Decision {
  const draft = draftOf(view, context);
  if (currentVersion(draft.job(command.namespace, command.jobId)) === undefined) return accept([]);
  skipShutdownDelay(draft, command.allocationIds);
  return accept(draft.events());
}

function skipShutdownDelay(draft: Draft, allocationIds: readonly string[]): void {
  for (const id of allocationIds) {
    const alloc = draft.allocation(id);
    if (alloc === undefined || alloc.purged || alloc.desiredStatus !== 'run') continue;
    draft.onAllocation(id, { type: 'AllocationTransitionDesired', data: { transition: { NoShutdownDelay: true } } });
  }
}

/** Nomad: Job.Evaluate; spec/lifecycle §1.6. Rejections: job-not-found, job-is-periodic, job-is-parameterized. */
export function evaluateJobCommand(
  view: StateView,
  context: CommandContext,
  command: { readonly namespace: string; readonly jobId: string; readonly forceReschedule: readonly string[] },
): Decision<JobAnswer> {
  const draft = draftOf(view, context);
  const current = currentVersion(draft.job(command.namespace, command.jobId));
  if (current === undefined) return reject('job-not-found-write');
  if (current.spec.Periodic !== null) return reject('job-is-periodic');
  if (isParameterized(current.spec)) return reject('job-is-parameterized');
  for (const id of command.forceReschedule) {
    const alloc = draft.allocation(id);
    if (alloc === undefined || alloc.clientStatus !== 'failed' || alloc.nextAllocation !== '') continue;
    draft.onAllocation(id, { type: 'AllocationTransitionDesired', data: { transition: { ForceReschedule: true } } });
  }
  const evalId = evaluateJob(draft, current.spec, 'job-register', { priority: 0, jobModifyIndex: current.modifyIndex });
  restateJob(draft, command.namespace, command.jobId, true);
  settle(draft);
  return accept(draft.events(), { evalId, jobModifyIndex: current.modifyIndex });
}

/**
 * Nomad: Job.Revert; spec/lifecycle §1.6. Rejections: registration-closed, job-unknown, revert-to-current, job-version-not-found,
 * enforce-prior-version, job-not-admitted (detail: the text).
 */
export function revertJob(
  view: StateView,
  context: CommandContext,
  command: Registration & {
    readonly namespace: string;
    readonly jobId: string;
    readonly toVersion: number;
    readonly enforcePriorVersion: number | null;
  },
): Decision<JobAnswer> {
  if (isRegistrationClosed(view, command)) return reject('registration-closed');
  const draft = draftOf(view, context);
  const { namespace, jobId, toVersion } = command;
  const job = draft.job(namespace, jobId);
  const current = currentVersion(job);
  if (job === undefined || current === undefined) return reject('job-unknown', jobId);
  if (toVersion === current.version) return reject('revert-to-current');
  if (command.enforcePriorVersion !== null && command.enforcePriorVersion !== current.version) {
    return reject('enforce-prior-version', `${current.version} ${command.enforcePriorVersion}`);
  }
  const target = job.versions.find((version) => version.version === toVersion);
  if (target === undefined)
    return reject('job-version-not-found', JSON.stringify({ jobId, namespace, version: toVersion }));
  const refusal = refusalOfPlace(draft, target.spec);
  if (refusal !== '') return reject('job-not-admitted', refusal);
  const spec = withPolicyIds(target.spec, current.spec, () => draft.context.newId());
  if (!specChanged(current, spec)) {
    return accept(draft.events(), {
      evalId: evaluateUnchanged(draft, current, 0),
      jobModifyIndex: current.modifyIndex,
    });
  }
  storeVersion(draft, job, { spec, cause: 'revert', stable: false, revertedTo: toVersion });
  const evalId = needsEvaluation(spec)
    ? evaluateJob(draft, spec, 'job-register', { priority: 0, jobModifyIndex: THIS_INDEX })
    : '';
  return accept(draft.events(), { evalId, jobModifyIndex: null });
}

/** Nomad: Job.Stable. Only the version that is named is flagged. Rejection: job-version-not-found. */
export function markStable(
  view: StateView,
  context: CommandContext,
  command: { readonly namespace: string; readonly jobId: string; readonly version: number; readonly stable: boolean },
): Decision {
  const draft = draftOf(view, context);
  const { namespace, jobId, version, stable } = command;
  const job = draft.job(namespace, jobId);
  if (job === undefined || !job.versions.some((one) => one.version === version)) {
    return reject('job-version-not-found', JSON.stringify({ jobId, namespace, version }));
  }
  draft.onJob(job, { type: 'JobVersionMarkedStable', data: { version, stable } });
  return accept(draft.events());
}

/** spec/lifecycle §1.4; null when it holds. */
function enforced(wanted: Index | null, current: JobVersion | undefined): string | null {
  if (wanted === null) return null;
  const found = current?.jobModifyIndex;
  if (wanted === 0) return found === undefined ? null : 'Enforcing job modify index 0: job already exists';
  if (found === undefined) return `Enforcing job modify index ${wanted}: job does not exist`;
  return found === wanted
    ? null
    : `Enforcing job modify index ${wanted}: job exists with conflicting job modify index: ${found}`;
}

/** Counts and resources that the registration leaves as they are stored. */
function preserved(command: RegisterJob, stored: JobSpec | undefined): JobSpec {
  if (stored === undefined || !(command.preserveCounts || command.preserveResources)) return command.spec;
  return {
    ...command.spec,
    TaskGroups: command.spec.TaskGroups.map((group) => {
      const old = stored.TaskGroups.find((one) => one.Name === group.Name);
      if (old === undefined) return group;
      const Tasks = command.preserveResources
        ? group.Tasks.map((task) => ({
            ...task,
            Resources: old.Tasks.find((one) => one.Name === task.Name)?.Resources ?? task.Resources,
          }))
        : group.Tasks;
      return { ...group, Tasks, Count: command.preserveCounts ? old.Count : group.Count };
    }),
  };
}
