import { isClientTerminal, type AllocationState } from '../allocation/state.js';
import type { Draft } from '../command/draft.js';
import { currentVersion, type JobState } from '../job/state.js';
import type { JobSpec } from '../nomad.js';
import type { NodeState } from '../node/state.js';
import type { OfferedService } from './state.js';

/** The beginning of the ids of an allocation's registrations: no other allocation can take them away. */
export const serviceIdPrefix = (allocationId: string): string => `_nomad-task-${allocationId}-`;
const ID = /^_nomad-task-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-/;

/** The allocation whose registration this is, or undefined if it is none. */
export const allocationOfService = (id: string): string | undefined => ID.exec(id)?.[1];

/** Makes the registrations of an allocation what its client has on offer: all of it. Ids of other allocations are left out. */
export function offerServices(
  draft: Draft,
  alloc: AllocationState,
  node: NodeState,
  offered: readonly OfferedService[],
  keepsOthers = false,
): void {
  if (alloc.purged || isClientTerminal(alloc)) return;
  const own = offered.filter(({ id }) => id.startsWith(serviceIdPrefix(alloc.id)));
  const before = new Map((draft.services(alloc.id)?.services ?? []).map((service) => [service.id, service]));
  const changed = own.filter((service) => !isSame(before.get(service.id), service));
  const ids = new Set(own.map(({ id }) => id));
  const gone = keepsOthers ? [] : [...before.keys()].filter((id) => !ids.has(id));
  if (gone.length > 0)
    draft.onServices(alloc.id, { type: 'ServicesDeregistered', data: { ids: gone, cause: 'client' } });
  if (changed.length === 0) return;
  const owner = {
    allocationId: alloc.id,
    namespace: alloc.namespace,
    jobId: alloc.jobId,
    nodeId: node.id,
    datacenter: node.description.Datacenter,
  };
  const services = changed.map(({ id, name, tags, address, port }) => ({ id, name, tags, address, port }));
  draft.onServices(alloc.id, { type: 'ServicesRegistered', data: { owner, services } });
}

const isSame = (before: OfferedService | undefined, now: OfferedService): boolean =>
  before !== undefined &&
  before.name === now.name &&
  before.address === now.address &&
  before.port === now.port &&
  before.tags.length === now.tags.length &&
  before.tags.every((tag, i) => tag === now.tags[i]);

/** Takes away the registrations of allocations that have ended, or gone, in this very commit: nobody is needed who remembers it. */
export function endServices(draft: Draft, jobOf: Draft['job'] = draft.job): void {
  for (const { before, after } of draft.changes('allocation')) {
    const hasEnded = before !== undefined && isOver(after) && !isOver(before);
    if (!hasEnded || !mayHaveServices(jobOf(after.namespace, after.jobId), after)) continue;
    const ids = (draft.services(after.id)?.services ?? []).map(({ id }) => id);
    if (ids.length > 0) draft.onServices(after.id, { type: 'ServicesDeregistered', data: { ids, cause: 'ended' } });
  }
}

const isOver = (alloc: AllocationState): boolean => alloc.purged || isClientTerminal(alloc);

/** Most jobs register nothing: their allocations' ends read no more than they have to. A version that is not kept any more may have. */
function mayHaveServices(job: JobState | undefined, alloc: AllocationState): boolean {
  if (currentVersion(job) === undefined || job === undefined) return true;
  const isKept = job.versions.some(
    ({ version, createIndex }) => version === alloc.jobVersion && createIndex === alloc.jobCreateIndex,
  );
  return !isKept || job.versions.some(({ spec }) => offersServices(spec));
}

/** Whether a job has services of the Nomad provider. */
export const offersServices = (spec: JobSpec): boolean =>
  spec.TaskGroups.some((group) =>
    [...(group.Services ?? []), ...group.Tasks.flatMap((task) => task.Services ?? [])].some(
      ({ Provider }) => Provider === 'nomad',
    ),
  );
