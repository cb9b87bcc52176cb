import { accept, reject, type CommandContext, type Decision, type StateView, type TimeUs } from '@app/kernel';
import { draftOf, type Draft } from '../command/draft.js';
import { restateJob, settle } from '../command/settle.js';
import { newEvaluation } from '../evaluation/create.js';
import type { EvaluationTrigger } from '../evaluation/state.js';
import { currentVersion, type JobVersion } from '../job/state.js';
import type { DesiredTransition, NetworkStatus, ReschedulePolicy, TaskState } from '../nomad.js';
import { offerServices } from '../service/register.js';
import type { OfferedService } from '../service/state.js';
import { isClientTerminal, type AllocationState, type ClientStatus } from './state.js';

/** Nomad: Alloc.Stop; spec/http-api §4.2. Works on stopped allocations too. Rejection: allocation-not-found. */
export function stopAllocation(
  view: StateView,
  context: CommandContext,
  command: { readonly allocationId: string; readonly noShutdownDelay: boolean; readonly reschedule: boolean },
): Decision<{ readonly evalId: string }> {
  const draft = draftOf(view, context);
  const alloc = draft.allocation(command.allocationId);
  if (alloc === undefined || alloc.purged) return reject('allocation-not-found');
  const transition: Partial<DesiredTransition> = {
    Migrate: true,
    NoShutdownDelay: command.noShutdownDelay,
    Reschedule: command.reschedule,
  };
  draft.onAllocation(alloc.id, { type: 'AllocationTransitionDesired', data: { transition } });
  return accept(draft.events(), { evalId: evaluateJobOf(draft, alloc, 'alloc-stop') });
}

/** One allocation as its agent sees it. Nomad: Node.UpdateAlloc; spec/lifecycle §7.4. */
export interface AllocationReport {
  readonly id: string;
  readonly clientStatus: ClientStatus;
  readonly clientDescription: string;
  readonly taskStates: Readonly<Record<string, TaskState>> | null;
  readonly networkStatus: NetworkStatus | null;
  readonly health: { readonly healthy: boolean; readonly timestamp: TimeUs } | null;
  /** All services that it has on offer; absent: what they were before. */
  readonly services?: readonly OfferedService[];
}

/**
 * Takes the reports of one node. Unknown allocations are ignored, and reports that say nothing new append nothing.
 * Rejections: node-not-found, node-may-not-report (detail: id and status).
 */
export function reportAllocations(
  view: StateView,
  context: CommandContext,
  command: { readonly nodeId: string; readonly reports: readonly AllocationReport[] },
): Decision {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged) return reject('node-not-found');
  if (node.status === 'down' || node.status === 'disconnected')
    return reject('node-may-not-report', `${node.id} ${node.status}`);
  const evaluations = new Map<string, { alloc: AllocationState; trigger: EvaluationTrigger }>();
  for (const report of command.reports) {
    const alloc = draft.allocation(report.id);
    if (alloc === undefined || alloc.purged || alloc.nodeId !== node.id) continue;
    const trigger = triggerOf(draft, alloc, report);
    const job = `${alloc.namespace}/${alloc.jobId}`;
    if (trigger !== null && !evaluations.has(job)) evaluations.set(job, { alloc, trigger });
    if (!saysNothingNew(alloc, report))
      draft.onAllocation(alloc.id, { type: 'AllocationReported', data: said(report) });
    if (report.services !== undefined) offerServices(draft, draft.allocation(alloc.id)!, node, report.services);
  }
  if (draft.events().length > 0 && node.lastMissedHeartbeatIndex > node.lastAllocUpdateIndex) {
    draft.onNode(node.id, { type: 'NodeAllocationsRefreshed', data: {} });
  }
  settle(draft);
  for (const { alloc, trigger } of evaluations.values()) evaluateJobOf(draft, alloc, trigger);
  for (const { namespace, jobId } of endedJobs(draft)) {
    restateJob(draft, namespace, jobId, evaluations.has(`${namespace}/${jobId}`));
  }
  return accept(draft.events());
}

/** spec/lifecycle §2.2, "Client-update evals". */
function triggerOf(draft: Draft, alloc: AllocationState, report: AllocationReport): EvaluationTrigger | null {
  if (!isClientTerminal(report) && alloc.clientStatus !== 'unknown') return null;
  if (isClientTerminal(alloc) && alloc.clientStatus === report.clientStatus) return null;
  const job = draft.job(alloc.namespace, alloc.jobId);
  if (currentVersion(job) === undefined) return 'job-deregister';
  const version = job?.versions.find((one) => one.version === alloc.jobVersion) ?? currentVersion(job);
  if (
    report.clientStatus === 'failed' &&
    alloc.followupEvalId === '' &&
    mayReschedule(alloc, version, draft.context.now)
  ) {
    return 'alloc-failure';
  }
  return alloc.clientStatus === 'unknown' ? 'reconnect' : null;
}

const mayReschedule = (alloc: AllocationState, version: JobVersion | undefined, now: TimeUs): boolean =>
  isEligibleSimply(
    alloc,
    version?.spec.TaskGroups.find((group) => group.Name === alloc.taskGroup)?.ReschedulePolicy ?? null,
    now,
  );

/** The test that the watcher and client updates use, without delay or status; spec/lifecycle §5.2, last line. */
export function isEligibleSimply(
  alloc: Pick<AllocationState, 'rescheduleTracker'>,
  policy: ReschedulePolicy | null,
  now: TimeUs,
): boolean {
  if (policy === null || (policy.Attempts === 0 && !policy.Unlimited)) return false;
  const events = alloc.rescheduleTracker?.events ?? [];
  if (policy.Unlimited || events.length === 0) return true;
  return events.filter((event) => (now - event.rescheduleTime) * 1000 < policy.Interval).length < policy.Attempts;
}

function saysNothingNew(alloc: AllocationState, report: AllocationReport): boolean {
  return (
    alloc.clientStatus === report.clientStatus &&
    alloc.clientDescription === report.clientDescription &&
    (report.health === null || alloc.deploymentStatus?.healthy === report.health.healthy) &&
    JSON.stringify(alloc.taskStates) === JSON.stringify(report.taskStates) &&
    JSON.stringify(alloc.networkStatus) === JSON.stringify(report.networkStatus)
  );
}

const said = (report: AllocationReport): Omit<AllocationReport, 'id' | 'services'> => ({
  clientStatus: report.clientStatus,
  clientDescription: report.clientDescription,
  taskStates: report.taskStates,
  networkStatus: report.networkStatus,
  health: report.health,
});

/** Jobs whose status may have changed: one of their allocations has just ended, or come to life. */
function endedJobs(draft: Draft): { namespace: string; jobId: string }[] {
  const jobs = new Map<string, { namespace: string; jobId: string }>();
  for (const { before, after } of draft.changes('allocation')) {
    if (before !== undefined && isClientTerminal(before) !== isClientTerminal(after)) {
      jobs.set(`${after.namespace}/${after.jobId}`, { namespace: after.namespace, jobId: after.jobId });
    }
  }
  return [...jobs.values()];
}

/** Adds an evaluation of the job that an allocation belongs to; returns its id. */
export function evaluateJobOf(
  draft: Draft,
  alloc: Pick<AllocationState, 'namespace' | 'jobId' | 'jobType'>,
  triggeredBy: EvaluationTrigger,
): string {
  const current = currentVersion(draft.job(alloc.namespace, alloc.jobId));
  return draft.evaluate(
    newEvaluation({
      id: draft.context.newId(),
      namespace: alloc.namespace,
      priority: current?.spec.Priority ?? 50,
      type: current?.spec.Type ?? alloc.jobType,
      triggeredBy,
      jobId: alloc.jobId,
      jobModifyIndex: current?.modifyIndex ?? 0,
    }),
  );
}
