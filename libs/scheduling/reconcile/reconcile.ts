import { byName, type Steps } from '@app/kernel';
import type { AllocationState } from '@app/domain';
import { isActive, isTerminal } from '@app/domain';
import { stoppedOnLostNodes } from './classify.js';
import { rescheduleAfterDeployment } from './departures.js';
import { completed, newestDeployment, planDeployment, triageDeployment } from './deployments.js';
import { reconcileGroup, stopAll } from './group.js';
import type { Pass, ReconcileInput, Reconciliation } from './pass.js';
import { stopLost } from './pass.js';

/**
 * What a service or batch job needs so that its allocations are as its current version wants them, as far as its deployment lets them
 * change now. Doing it twice changes nothing more. Source: spec/lifecycle §3.
 */
export function* reconcile(input: ReconcileInput): Steps<Reconciliation> {
  const batch = input.jobType === 'batch';
  const triage = triageDeployment(input.job, batch ? undefined : newestDeployment(input.deployments));
  const pass = startPass(input, batch, triage);
  for (const alloc of stoppedOnLostNodes(input)) stopLost(pass, alloc);

  const byGroup = groupAllocations(input);
  if (input.job === undefined || input.job.spec.Stop) {
    for (const [name, allocations] of byGroup)
      stopAll(
        pass,
        name,
        allocations.filter((alloc) => !isTerminal(alloc)),
      );
    return finish(pass);
  }

  let complete = true;
  for (const [name, allocations] of byGroup) {
    complete = reconcileGroup(pass, name, allocations) && complete;
    yield;
  }
  const { current } = pass;
  if (complete && current !== null && isActive(current)) {
    pass.deploymentUpdates.push(completed(current));
    rescheduleAfterDeployment(
      pass,
      input.allocations.filter((alloc) => alloc.deploymentId === current.id),
    );
  }
  return finish(pass);
}

export const startPass = (
  input: ReconcileInput,
  batch: boolean,
  triage: ReturnType<typeof triageDeployment>,
): Pass => ({
  input,
  batch,
  old: triage.old,
  current: triage.current,
  destructive: [],
  place: [],
  inPlace: [],
  stops: new Map(),
  updates: new Map(),
  goals: byName(),
  deploymentUpdates: [...triage.updates],
  followups: [],
  needlessEvals: [],
  desired: byName(),
});

/** Allocations by group: the job's groups in their order, then groups that only allocations know of. */
export function groupAllocations({
  job,
  allocations,
}: Pick<ReconcileInput, 'job' | 'allocations'>): ReadonlyMap<string, AllocationState[]> {
  const groups = new Map<string, AllocationState[]>((job?.spec.TaskGroups ?? []).map(({ Name }) => [Name, []]));
  for (const alloc of allocations) {
    const group = groups.get(alloc.taskGroup);
    if (group === undefined) groups.set(alloc.taskGroup, [alloc]);
    else group.push(alloc);
  }
  return groups;
}

function finish(pass: Pass): Reconciliation {
  const { current } = pass;
  const deployment = planDeployment(pass.input, current, pass.goals);
  return {
    destructive: pass.destructive,
    place: pass.place,
    inPlace: pass.inPlace,
    stops: [...pass.stops.values()],
    // What is stopped needs no other change.
    updates: [...pass.updates.values()].filter(({ allocationId }) => !pass.stops.has(allocationId)),
    deployment,
    deploymentUpdates: pass.deploymentUpdates,
    deploymentId: deployment?.id ?? (current !== null && isActive(current) ? current.id : ''),
    followups: pass.followups,
    needlessEvals: pass.needlessEvals,
    desired: pass.desired,
  };
}
