import { accept, reject, type CommandContext, type Decision, type StateView, ownProperty } from '@app/kernel';
import { isTerminal, type AllocationState } from '../allocation/state.js';
import { draftOf, type Draft } from '../command/draft.js';
import { countHealth, summariseJobs } from '../command/settle.js';
import { newEvaluation } from '../evaluation/create.js';
import { specChanged } from '../job/spec/index.js';
import { currentVersion, type JobState, type JobVersion } from '../job/state.js';
import { DEPLOYMENT, nothingToRevertTo, notRollingBack, rollingBack } from './descriptions.js';
import { isActive, type DeploymentState } from './state.js';

/** What the edge answers to a command on a deployment, beside the index of its commit. */
export interface DeploymentAnswer {
  /** "" where no evaluation is made. */
  readonly evalId: string;
  /** The stable version that was brought back, or null. */
  readonly revertedJobVersion: number | null;
}

/** Nomad: Deployment.Pause; spec/lifecycle §6.6. Rejections: deployment-not-found, deployment-terminal (detail: the verb). */
export function pauseDeployment(
  view: StateView,
  context: CommandContext,
  command: { readonly deploymentId: string; readonly pause: boolean },
): Decision<DeploymentAnswer> {
  const draft = draftOf(view, context);
  const found = activeDeployment(draft, command.deploymentId, command.pause ? 'pause' : 'resume');
  if ('kind' in found) return found;
  if (command.pause) {
    draft.onDeployment(found.id, { type: 'DeploymentPaused', data: {} });
    return accept(draft.events(), { evalId: '', revertedJobVersion: null });
  }
  draft.onDeployment(found.id, { type: 'DeploymentResumed', data: {} });
  return accept(draft.events(), { evalId: evaluateDeployment(draft, found), revertedJobVersion: null });
}

/** Nomad: Deployment.Fail; spec/lifecycle §6.5. Rejections as for pause. */
export function failDeployment(
  view: StateView,
  context: CommandContext,
  command: { readonly deploymentId: string; readonly skipsCanaries?: boolean },
): Decision<DeploymentAnswer> {
  const draft = draftOf(view, context);
  const found = activeDeployment(draft, command.deploymentId, 'fail');
  if ('kind' in found) return found;
  const rollback = Object.values(found.groups).some((group) => group.autoRevert);
  const revertedJobVersion = fail(draft, found, {
    base: DEPLOYMENT.failedByUser,
    rollback,
    sayNothingStable: true,
    skipsCanaries: command.skipsCanaries ?? false,
  });
  summariseJobs(draft);
  return accept(draft.events(), { evalId: evaluateDeployment(draft, found), revertedJobVersion });
}

/**
 * The deployment watcher's verdict; spec/lifecycle §6.3. Unlike an operator's it is dropped silently (no events) when the deployment has ended
 * meanwhile, or, for a deadline, when it was paused or moved.
 */
export function failWatchedDeployment(
  view: StateView,
  context: CommandContext,
  command: { readonly deploymentId: string; readonly cause: 'unhealthy' | 'deadline'; readonly rollback: boolean },
): Decision<DeploymentAnswer> {
  const draft = draftOf(view, context);
  const deployment = draft.deployment(command.deploymentId);
  const nothing: DeploymentAnswer = { evalId: '', revertedJobVersion: null };
  if (deployment === undefined || deployment.purged || !isActive(deployment)) return accept([], nothing);
  if (command.cause === 'deadline' && (deployment.status === 'paused' || !isOverdue(deployment, context.now)))
    return accept([], nothing);
  const base = command.cause === 'deadline' ? DEPLOYMENT.deadline : DEPLOYMENT.unhealthy;
  const revertedJobVersion = fail(draft, deployment, { base, rollback: command.rollback, sayNothingStable: true });
  summariseJobs(draft);
  return accept(draft.events(), { evalId: evaluateDeployment(draft, deployment), revertedJobVersion });
}

/** Some group's deadline has passed. */
export const isOverdue = (deployment: DeploymentState, now: number): boolean =>
  Object.values(deployment.groups).some((group) => group.requireProgressBy !== 0 && group.requireProgressBy <= now);

/** Nomad: Deployment.Promote; spec/lifecycle §6.4. Further rejection: canaries-not-healthy (detail: the items of the list). */
export function promoteDeployment(
  view: StateView,
  context: CommandContext,
  command: {
    readonly deploymentId: string;
    readonly all: boolean;
    readonly groups: readonly string[];
    readonly automatic?: boolean;
  },
): Decision<DeploymentAnswer> {
  const draft = draftOf(view, context);
  const found = activeDeployment(draft, command.deploymentId, 'promote');
  if ('kind' in found) return found;
  const selected = Object.keys(found.groups).filter((name) => command.all || command.groups.includes(name));
  const canaries = new Map(selected.map((name) => [name, healthyCanaries(draft, found, name)]));
  const missing = selected
    .filter((name) => ownProperty(found.groups, name)!.desiredCanaries > canaries.get(name)!.length)
    .sort()
    .map(
      (name) =>
        `Task group ${JSON.stringify(name)} has ${canaries.get(name)!.length}/${ownProperty(found.groups, name)!.desiredCanaries} healthy allocations`,
    );
  if (missing.length > 0) return reject('canaries-not-healthy', missing.join('\n'));
  // What is promoted is not promoted again: the log tells whose promotion it was. An evaluation is made all the same, as in Nomad.
  const groups = selected.filter((name) => !ownProperty(found.groups, name)!.promoted);
  if (groups.length > 0)
    draft.onDeployment(found.id, {
      type: 'DeploymentPromoted',
      data: { groups, automatic: command.automatic ?? false },
    });
  for (const alloc of groups.flatMap((name) => canaries.get(name)!))
    draft.onAllocation(alloc.id, { type: 'AllocationPromoted', data: {} });
  return accept(draft.events(), { evalId: evaluateDeployment(draft, found), revertedJobVersion: null });
}

/** Nomad: Deployment.SetAllocHealth; spec/lifecycle §6.6. Further rejections: no-allocation-ids, malformed-allocation-id, unknown-allocation, foreign-allocation. */
export function setAllocationHealth(
  view: StateView,
  context: CommandContext,
  command: {
    readonly deploymentId: string;
    readonly healthy: readonly string[];
    readonly unhealthy: readonly string[];
    readonly skipsCanaries?: boolean;
  },
): Decision<DeploymentAnswer> {
  if (command.healthy.length + command.unhealthy.length === 0) return reject('no-allocation-ids');
  const draft = draftOf(view, context);
  const found = activeDeployment(draft, command.deploymentId, 'set health');
  if ('kind' in found) return found;
  const wanted = [
    ...command.healthy.map((id) => [id, true] as const),
    ...command.unhealthy.map((id) => [id, false] as const),
  ];
  for (const [id] of wanted) {
    if (id.length !== 36) return reject('malformed-allocation-id', id);
    const alloc = draft.allocation(id.toLowerCase());
    if (alloc === undefined || alloc.purged) return reject('unknown-allocation', id);
    if (alloc.deploymentId !== found.id) return reject('foreign-allocation', `${id} ${found.id}`);
  }
  for (const [id, healthy] of wanted)
    draft.onAllocation(id.toLowerCase(), { type: 'AllocationHealthSet', data: { healthy } });
  countHealth(draft);
  let revertedJobVersion: number | null = null;
  if (command.unhealthy.length > 0) {
    const rollback = command.unhealthy.some(
      (id) => ownProperty(found.groups, draft.allocation(id.toLowerCase())!.taskGroup)?.autoRevert,
    );
    revertedJobVersion = fail(draft, found, {
      base: DEPLOYMENT.unhealthy,
      rollback,
      sayNothingStable: false,
      skipsCanaries: command.skipsCanaries ?? false,
    });
  }
  summariseJobs(draft);
  return accept(draft.events(), { evalId: evaluateDeployment(draft, found), revertedJobVersion });
}

/** Nomad: Deployment.Unblock. Single-region deployments never are blocked: it is checked, and nothing happens. */
export function unblockDeployment(
  view: StateView,
  context: CommandContext,
  command: { readonly deploymentId: string },
): Decision<DeploymentAnswer> {
  const found = activeDeployment(draftOf(view, context), command.deploymentId, 'unblock');
  return 'kind' in found ? found : accept([], { evalId: '', revertedJobVersion: null });
}

/** The watcher grants replacement of unhealthy allocations and asks for an evaluation; spec/lifecycle §6.3. */
export function progressDeployment(
  view: StateView,
  context: CommandContext,
  command: { readonly deploymentId: string; readonly replace: readonly string[] },
): Decision<DeploymentAnswer> {
  const draft = draftOf(view, context);
  const deployment = draft.deployment(command.deploymentId);
  if (deployment === undefined || deployment.purged || !isActive(deployment))
    return accept([], { evalId: '', revertedJobVersion: null });
  for (const id of command.replace) {
    const alloc = draft.allocation(id);
    if (alloc === undefined || alloc.desiredTransition.Reschedule) continue;
    draft.onAllocation(id, { type: 'AllocationTransitionDesired', data: { transition: { Reschedule: true } } });
  }
  return accept(draft.events(), { evalId: evaluateDeployment(draft, deployment), revertedJobVersion: null });
}

function activeDeployment(draft: Draft, id: string, verb: string): DeploymentState | Decision<never> {
  const deployment = draft.deployment(id);
  if (deployment === undefined || deployment.purged) return reject('deployment-not-found');
  return isActive(deployment) ? deployment : reject('deployment-terminal', verb);
}

/** Canaries of a group that live and are healthy. */
const healthyCanaries = (draft: Draft, deployment: DeploymentState, group: string): AllocationState[] =>
  ownProperty(deployment.groups, group)!
    .placedCanaries.map((id) => draft.allocation(id))
    .filter(
      (alloc): alloc is AllocationState =>
        alloc !== undefined && !isTerminal(alloc) && alloc.deploymentStatus?.healthy === true,
    );

/** Nomad's evaluation of everything that is decided about a deployment; spec/lifecycle §6.1. Returns its id. */
export function evaluateDeployment(draft: Draft, deployment: DeploymentState): string {
  const current = currentVersion(draft.job(deployment.namespace, deployment.jobId));
  return draft.evaluate(
    newEvaluation({
      id: draft.context.newId(),
      namespace: deployment.namespace,
      priority: deployment.evalPriority || (current?.spec.Priority ?? 50),
      type: current?.spec.Type ?? 'service',
      triggeredBy: 'deployment-watcher',
      jobId: deployment.jobId,
      deploymentId: deployment.id,
    }),
  );
}

/** Value of the job's meta {@link REVERT_META} that lets its reverts do without canaries; so does the same value of `X-Rollbook-Revert`. */
export const IMMEDIATE = 'immediate';
const REVERT_META = 'rollbook.revert';

/** How a deployment of a job is described once it has failed, and the version that is brought back; null: none. Pure. */
export function failureOf(
  job: JobState | undefined,
  { base, rollback, sayNothingStable }: { base: string; rollback: boolean; sayNothingStable: boolean },
): { readonly statusDescription: string; readonly stable: JobVersion | null } {
  if (!rollback) return { statusDescription: base, stable: null };
  const current = currentVersion(job);
  const stable = job?.versions.find((version) => version.stable);
  if (current === undefined || stable === undefined)
    return { statusDescription: sayNothingStable ? nothingToRevertTo(base) : base, stable: null };
  if (!specChanged(current, stable.spec))
    return { statusDescription: notRollingBack(base, stable.version), stable: null };
  return { statusDescription: rollingBack(base, stable.version), stable };
}

/**
 * Ends a deployment as failed and, if wanted and possible, brings the newest stable version of its job back. That version stays stable, so
 * it is itself what the next failure would go back to: one registration causes one revert at most, however many deployments fail after it.
 */
function fail(
  draft: Draft,
  deployment: DeploymentState,
  options: { base: string; rollback: boolean; sayNothingStable: boolean; skipsCanaries?: boolean },
): number | null {
  const job = options.rollback ? draft.job(deployment.namespace, deployment.jobId) : undefined;
  const { statusDescription, stable } = failureOf(job, options);
  const revertedToVersion = stable?.version ?? null;
  draft.onDeployment(deployment.id, { type: 'DeploymentFailed', data: { statusDescription, revertedToVersion } });
  const current = currentVersion(job);
  if (job === undefined || current === undefined || stable === null) return null;
  const skipsCanaries = options.skipsCanaries || current.spec.Meta?.[REVERT_META] === IMMEDIATE;
  draft.onJob(job, {
    type: 'JobRegistered',
    data: {
      version: current.version + 1,
      spec: stable.spec,
      submitTime: stable.submitTime,
      status: current.status,
      stable: true,
      cause: 'auto-revert',
      revertedTo: stable.version,
      ...(skipsCanaries && { skipsCanaries: true as const }),
    },
  });
  return stable.version;
}
