import type { AllocationState } from '@app/domain';
import { isServerTerminal } from '@app/domain';
import type { ClusterView } from '../ports.js';
import type { GroupAsk } from './ask.js';
import { portHolders } from './ports.js';
import type { Candidate } from './preemption.js';
import { chooseVictims, mayEvict } from './preemption.js';
import { sumUsage, usageOf } from './resources.js';
import type { Occupancy, Slot } from './slot.js';
import { cpuAsked, portsOf, shortage } from './slot.js';

/** An allocation of another job that may have to make room, or has to. */
export interface Victim extends Candidate {
  readonly alloc: AllocationState;
  /** As one word. */
  readonly job: string;
}

export const NOBODY: readonly Victim[] = [];

/** Those of some allocations that a group may evict. */
function evictable(
  { version }: GroupAsk,
  allocations: readonly AllocationState[],
  cluster: Pick<ClusterView, 'jobVersion'>,
): readonly Victim[] {
  const { ID, Namespace, Priority } = version.spec;
  return allocations.flatMap((alloc) => {
    const { namespace, jobId, taskGroup } = alloc;
    const spec = cluster.jobVersion(namespace, jobId, alloc.jobCreateIndex, alloc.jobVersion)?.spec;
    const isOwn = jobId === ID && namespace === Namespace;
    if (spec === undefined || isOwn || isServerTerminal(alloc) || !mayEvict(Priority, spec.Priority)) return [];
    const job = `${namespace}/${jobId}`;
    const maxParallel = spec.TaskGroups.find(({ Name }) => Name === taskGroup)?.Migrate?.MaxParallel || Infinity;
    const usage = usageOf(alloc.allocatedResources);
    return [{ alloc, job, group: `${job}/${taskGroup}`, priority: spec.Priority, maxParallel, usage }];
  });
}

/** Who would have to make room on a node so that the group fits: holders of its static ports first. Nobody when that would not help. */
export function victimsOn(
  ask: GroupAsk,
  slot: Slot,
  occupancy: Occupancy,
  about: { readonly cluster: Pick<ClusterView, 'jobVersion'>; readonly gone: (group: string) => number },
): readonly Victim[] {
  const candidates = evictable(ask, occupancy.allocations(), about.cluster);
  const holders =
    ask.networks.length === 0
      ? []
      : portHolders(ask.networks, slot.node.description, portsOf(slot, occupancy), candidates);
  if (holders === null) return NOBODY;
  const missing = sumUsage(
    shortage(ask, slot, occupancy),
    holders.map(({ alloc }) => alloc),
    -1,
  );
  const whole = { ...ask.usage, cpu: cpuAsked(ask, slot), cores: ask.cores };
  const others = candidates.filter((candidate) => !holders.includes(candidate));
  const chosen = chooseVictims({ ask: whole, missing, gone: about.gone }, others);
  return chosen === null ? NOBODY : [...holders, ...chosen];
}

/** The priorities of the jobs that lose something, each once. */
export const prioritiesOf = (victims: readonly Victim[]): readonly number[] => [
  ...new Map(victims.map(({ job, priority }) => [job, priority])).values(),
];
