import type { TimeUs } from '@app/kernel';
import { isTerminal, type AllocationState } from '../allocation/state.js';
import { currentVersion, type JobState } from '../job/state.js';

/** Whether nothing needs an allocation any more that was last touched before `cutoff`; spec/lifecycle §6.7. `job`: its own, if there is one. */
export function isCollectible(alloc: AllocationState, job: JobState | undefined, cutoff: TimeUs, now: TimeUs): boolean {
  if (!isTerminal(alloc) || alloc.modifyTime > cutoff || alloc.clientStatus === 'running') return false;
  const current = currentVersion(job);
  if (job === undefined || current === undefined || current.spec.Stop || current.status === 'dead') return true;
  if (alloc.desiredStatus === 'stop' || alloc.clientStatus !== 'failed' || alloc.nextAllocation !== '') return true;
  const version = job.versions.find(
    (one) => one.version === alloc.jobVersion && one.createIndex === alloc.jobCreateIndex,
  );
  const policy = version?.spec.TaskGroups.find((group) => group.Name === alloc.taskGroup)?.ReschedulePolicy ?? null;
  if (policy === null || (policy.Attempts === 0 && !policy.Unlimited)) return true;
  const last = alloc.rescheduleTracker?.events.at(-1);
  return !policy.Unlimited && last !== undefined && (now - last.rescheduleTime) * 1000 > policy.Interval;
}
