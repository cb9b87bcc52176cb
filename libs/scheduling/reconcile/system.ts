import type { AllocationState, NodeState, TaskGroup } from '@app/domain';
import { isReady, isServerTerminal, isTerminal } from '@app/domain';
import { usFromNs } from '@app/kernel';
import { DELAYED_DISCONNECT, NODE_TAINTED, NOT_NEEDED, UNKNOWN } from '../descriptions.js';
import { allocationName } from '../names.js';
import { groupOf, isGone, isTainted, lastUnknown, lostAfter, needsReconnect } from './classify.js';
import type { Due } from './followups.js';
import { addFollowups } from './followups.js';
import type { InPlaceUpdate, Pass } from './pass.js';
import { desiredOf, stop, stopLost, update } from './pass.js';
import { cancelFollowups, noteReturn } from './reconnect.js';

/** A node that is to run the group, and what ran or runs there before. */
export interface NodeWish {
  readonly nodeId: string;
  readonly name: string;
  readonly previous: AllocationState | null;
}

/** What a group of a system or sysbatch job needs, before canaries and the rolling limit are considered. */
export interface SystemGroup {
  readonly group: TaskGroup;
  readonly place: readonly NodeWish[];
  readonly destructive: readonly (NodeWish & { readonly previous: AllocationState })[];
  readonly inPlace: readonly InPlaceUpdate[];
  readonly ignored: readonly AllocationState[];
}

type Verdict = 'ignore' | 'stop' | 'stop-migrating' | 'lost' | 'unknown' | 'update';

/**
 * What is to happen to an allocation that has not ended, where `current` tells whether it is of the current job version. The table
 * of spec/lifecycle §3.13, row by row.
 */
function verdictOf(alloc: AllocationState, candidate: boolean, current: boolean, { input }: Pass): Verdict {
  const node = input.node(alloc.nodeId);
  if (alloc.desiredTransition.Migrate) return 'stop-migrating';
  if (alloc.clientStatus === 'unknown') {
    const expiry = lastUnknown(alloc) + usFromNs(lostAfter(groupOf(alloc, input.versionOf(alloc))));
    return input.now >= expiry ? 'lost' : 'ignore';
  }
  if (isGone(node) || node?.status === 'down') return 'lost';
  if (node?.status === 'disconnected') {
    const mayReturn = alloc.clientStatus === 'running' && lostAfter(groupOf(alloc, input.versionOf(alloc))) > 0;
    return mayReturn ? 'unknown' : 'lost';
  }
  if (isTainted(node)) return 'ignore';
  if (node !== undefined && !isReady(node)) return current ? 'ignore' : 'stop';
  if (!candidate) return 'stop';
  return current ? 'ignore' : 'update';
}

/** Works out, node by node, what a group needs. `candidates` are the nodes that the job may use. Source: spec/lifecycle §3.13. */
export function reconcileSystemGroup(
  pass: Pass,
  group: TaskGroup,
  allocations: readonly AllocationState[],
  candidates: readonly NodeState[],
): SystemGroup {
  const { input } = pass;
  const job = input.job;
  const desired = desiredOf(pass, group.Name);
  const candidateIds = new Set(candidates.map((node) => node.id));
  const name = allocationName(job?.spec.Name ?? '', group.Name, 0);
  const occupied = new Set<string>();
  const result = { place: [] as NodeWish[], destructive: [] as SystemGroup['destructive'][number][] };
  const inPlace: InPlaceUpdate[] = [];
  const ignored: AllocationState[] = [];
  const disconnecting: Due[] = [];
  const returned: AllocationState[] = [];

  for (const alloc of allocations) {
    if (isTerminal(alloc)) continue;
    const current = alloc.jobModifyIndex === job?.jobModifyIndex;
    if (alloc.clientStatus !== 'unknown' && !isTainted(input.node(alloc.nodeId)) && needsReconnect(alloc)) {
      noteReturn(pass, alloc);
      returned.push(alloc);
      desired.Reconnect++;
    }
    const verdict = verdictOf(alloc, candidateIds.has(alloc.nodeId), current, pass);
    // What is moved away makes room for a new one at once; everything else holds its node for this pass.
    if (verdict !== 'stop-migrating') occupied.add(alloc.nodeId);
    switch (verdict) {
      case 'ignore':
        desired.Ignore++;
        ignored.push(alloc);
        break;
      case 'stop':
        if (stop(pass, alloc, NOT_NEEDED)) desired.Stop++;
        break;
      case 'stop-migrating':
        if (stop(pass, alloc, NODE_TAINTED)) desired.Migrate++;
        break;
      case 'lost':
        stopLost(pass, alloc);
        desired.Stop++;
        break;
      case 'unknown':
        disconnecting.push({ alloc, at: input.now + usFromNs(lostAfter(groupOf(alloc, input.versionOf(alloc)))) });
        desired.Disconnect++;
        ignored.push(alloc);
        break;
      case 'update': {
        const how = input.updateVerdict(alloc);
        if (how.kind === 'in-place') inPlace.push({ alloc, resources: how.resources });
        if (how.kind === 'destructive') result.destructive.push({ nodeId: alloc.nodeId, name, previous: alloc });
        if (how.kind === 'ignore') ignored.push(alloc);
        break;
      }
    }
  }
  markUnknown(pass, disconnecting);
  cancelFollowups(pass, returned);

  const ended = newestEnded(allocations);
  for (const { id } of candidates) {
    if (occupied.has(id)) continue;
    const previous = ended.get(id) ?? null;
    // What a sysbatch job has done on a node is done.
    const done = input.jobType === 'sysbatch' && previous !== null && isTerminal(previous);
    if (done && previous.jobModifyIndex === job?.jobModifyIndex) continue;
    result.place.push({ nodeId: id, name, previous });
  }
  desired.InPlaceUpdate += inPlace.length;
  return { group, ...result, inPlace, ignored };
}

function markUnknown(pass: Pass, disconnecting: readonly Due[]): void {
  const evaluations = addFollowups(pass, disconnecting, {
    trigger: 'max-disconnect-timeout',
    description: DELAYED_DISCONNECT,
  });
  for (const { alloc } of disconnecting) {
    const followupEvalId = evaluations.get(alloc.id) ?? '';
    update(pass, alloc, { clientStatus: 'unknown', clientDescription: UNKNOWN, followupEvalId });
  }
}

/** By node: the newest allocation that has ended or is about to. */
function newestEnded(allocations: readonly AllocationState[]): ReadonlyMap<string, AllocationState> {
  const newest = new Map<string, AllocationState>();
  for (const alloc of allocations) {
    if (!isTerminal(alloc) && !alloc.desiredTransition.Migrate) continue;
    const known = newest.get(alloc.nodeId);
    if (known === undefined || alloc.createIndex >= known.createIndex) newest.set(alloc.nodeId, alloc);
  }
  return newest;
}

/**
 * How many destructive updates may go ahead: max_parallel without those of this deployment that have not told of their health yet.
 * Explicitly unhealthy ones do not slow it down. A deployment that is paused or over lets none through, where Nomad would go on.
 * Source: spec/lifecycle §3.13.
 */
export function rollingLimit({ input, current }: Pass, { group, ignored, destructive }: SystemGroup): number {
  if (current !== null && current.status !== 'running') return 0;
  const limit = group.Update?.MaxParallel || input.job?.spec.Update.MaxParallel || destructive.length;
  const pending = ignored.filter(
    (alloc) =>
      current !== null &&
      alloc.deploymentId === current.id &&
      !isServerTerminal(alloc) &&
      (alloc.deploymentStatus?.healthy ?? null) === null,
  );
  return Math.max(0, limit - pending.length);
}
