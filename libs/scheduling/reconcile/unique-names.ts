import type { JobVersion } from '@app/domain';
import { isServerTerminal, isTerminal } from '@app/domain';
import { allocationName, nameIndex } from '../names.js';
import type { ReconcileInput, Reconciliation, Wanted } from './pass.js';
import { isOlderThan } from './pass.js';

/**
 * Names for what is placed, one after the other: a replacement keeps its predecessor's, unless a live allocation of the version that it will run
 * has it (a promoted canary, for instance), or one of a batch job that has done its work. Then it gets the lowest that nobody of the group has
 * or is to have, beyond the count if need be. A disconnected allocation shares its name with its replacement until one of them goes.
 * Source: spec/lifecycle §3.6, placement order; §3.7.
 */
export function uniqueNames(
  { allocations, job, evaluation }: ReconcileInput,
  wish: Reconciliation,
): (wanted: Wanted, version: JobVersion) => string {
  const stopped = new Set(wish.stops.map((stop) => stop.allocationId));
  const updated = new Set(wish.inPlace.map(({ alloc }) => alloc.id));
  const unknown = new Set(wish.updates.filter((one) => one.clientStatus === 'unknown').map((one) => one.allocationId));
  const [known, taken] = [indexSets(), indexSets()];
  for (const alloc of allocations) {
    if (isServerTerminal(alloc) || stopped.has(alloc.id)) continue;
    const isDone = alloc.jobType === 'batch' && alloc.clientStatus === 'complete';
    // What a version before has done, this one does again.
    if (isDone && job !== undefined && isOlderThan(alloc, job)) continue;
    known(alloc.taskGroup).add(nameIndex(alloc.name));
    if ((isTerminal(alloc) && !isDone) || alloc.clientStatus === 'unknown' || unknown.has(alloc.id)) continue;
    const version = updated.has(alloc.id) ? job?.jobModifyIndex : alloc.jobModifyIndex;
    taken(`${alloc.taskGroup} ${version}`).add(nameIndex(alloc.name));
  }
  for (const { group, name } of [...wish.place, ...wish.destructive]) known(group).add(nameIndex(name));

  return ({ group, name }, { jobModifyIndex }) => {
    const ofVersion = taken(`${group} ${jobModifyIndex}`);
    let index = nameIndex(name);
    for (let free = 0; ofVersion.has(index); free++) if (!known(group).has(free)) index = free;
    ofVersion.add(index);
    known(group).add(index);
    return index === nameIndex(name) ? name : allocationName(evaluation.jobId, group, index);
  };
}

/** Sets of indexes by key, made when first asked for. */
function indexSets(): (key: string) => Set<number> {
  const sets = new Map<string, Set<number>>();
  return (key) => {
    const known = sets.get(key) ?? new Set();
    sets.set(key, known);
    return known;
  };
}
