import type { AllocationState, JobVersion, NodeState, TaskGroup } from '@app/domain';
import { groupNamed, isServerTerminal, isTerminal } from '@app/domain';
import type { DurationNs, TimeUs } from '@app/kernel';
import { usFromNs } from '@app/kernel';
import type { ReconcileInput } from './pass.js';

export type Bucket = 'untainted' | 'migrate' | 'lost' | 'disconnecting' | 'reconnecting' | 'ignore' | 'expiring';
export type Buckets = Record<Bucket, AllocationState[]>;

type ClassifyInput = Pick<ReconcileInput, 'node' | 'versionOf' | 'now'>;

/** The group of an allocation, as its own job version has it. */
export const groupOf = (alloc: AllocationState, version: JobVersion | undefined): TaskGroup | undefined =>
  version && groupNamed(version.spec, alloc.taskGroup);

export const lostAfter = (group: TaskGroup | undefined): DurationNs => group?.Disconnect?.LostAfter ?? 0;
export const replacesDisconnected = (group: TaskGroup | undefined): boolean => group?.Disconnect?.Replace ?? true;

/** A client that was gone has told of this allocation again, and the scheduler has not taken note of it yet. Source: spec/lifecycle §3.3. */
export function needsReconnect(alloc: AllocationState): boolean {
  if (alloc.clientStatus !== 'unknown' && alloc.clientStatus !== 'running' && alloc.clientStatus !== 'failed')
    return false;
  return alloc.stateChanges.at(-1)?.value === 'unknown';
}

/** When the allocation was last given up as unknown; 0 if never. */
export const lastUnknown = (alloc: AllocationState): TimeUs =>
  alloc.stateChanges.findLast((change) => change.value === 'unknown')?.time ?? 0;

export const isGone = (node: NodeState | undefined): boolean => node === undefined || node.purged;

/** Missing, down, draining or disconnected. Source: spec/lifecycle §3.0. */
export const isTainted = (node: NodeState | undefined): boolean =>
  node === undefined || node.purged || node.status === 'down' || node.status === 'disconnected' || node.drain !== null;

/** The table of spec/lifecycle §3.3, row by row: the first that matches counts. */
export function bucketOf(alloc: AllocationState, input: ClassifyInput): Bucket {
  const reconnect = needsReconnect(alloc);
  const { clientStatus, desiredTransition } = alloc;
  if (reconnect && alloc.desiredStatus === 'run' && clientStatus === 'failed') return 'reconnecting';
  if (!reconnect && isServerTerminal(alloc)) return desiredTransition.MigrateDisablePlacement ? 'untainted' : 'ignore';
  if (!reconnect && isTerminal(alloc))
    return alloc.deploymentStatus?.canary && desiredTransition.Migrate ? 'migrate' : 'untainted';

  const group = groupOf(alloc, input.versionOf(alloc));
  if (clientStatus === 'unknown' && input.now >= lastUnknown(alloc) + usFromNs(lostAfter(group))) return 'expiring';
  if (reconnect && clientStatus === 'failed') return 'ignore';

  const node = input.node(alloc.nodeId);
  if (!isGone(node) && node?.status === 'disconnected') {
    if (clientStatus === 'unknown') return 'untainted';
    return clientStatus === 'pending' || lostAfter(group) === 0 ? 'lost' : 'disconnecting';
  }
  if (desiredTransition.Migrate) return 'migrate';
  if (!isTainted(node) || (node?.status === 'ready' && !node.purged)) return reconnect ? 'reconnecting' : 'untainted';
  if (isGone(node)) return 'lost';
  if (node?.status === 'down') {
    if (replacesDisconnected(group)) return 'lost';
    if (clientStatus === 'unknown') return 'untainted';
    return clientStatus === 'running' ? 'disconnecting' : 'lost';
  }
  return 'untainted';
}

/** Sorts allocations into their buckets, keeping their order. */
export function classify(allocations: readonly AllocationState[], input: ClassifyInput): Buckets {
  const buckets: Buckets = {
    untainted: [],
    migrate: [],
    lost: [],
    disconnecting: [],
    reconnecting: [],
    ignore: [],
    expiring: [],
  };
  for (const alloc of allocations) buckets[bucketOf(alloc, input)].push(alloc);
  return buckets;
}

/**
 * Allocations that were told to stop, on nodes that will never say they did: they are lost.
 * Source: spec/lifecycle §3.0, pre-step.
 */
export const stoppedOnLostNodes = (input: Pick<ReconcileInput, 'allocations' | 'node'>): readonly AllocationState[] =>
  input.allocations.filter((alloc) => {
    if (!isServerTerminal(alloc) || (alloc.clientStatus !== 'running' && alloc.clientStatus !== 'pending'))
      return false;
    const node = input.node(alloc.nodeId);
    return isGone(node) || node?.status === 'down';
  });
