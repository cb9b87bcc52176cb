import type { AllocationState, NodeState } from '@app/domain';
import { isClientTerminal, isTerminal } from '@app/domain';
import type { ClusterView } from '../ports.js';
import { resolveTarget } from './constraints.js';
import type { Usage } from './resources.js';
import { NO_USAGE, sumUsage } from './resources.js';
import type { Occupancy, Slot } from './slot.js';
import { charge, countOwn, slotOf } from './slot.js';
import { countProperty, type PropertyCounts } from './spread.js';

/** The room on nodes as one pass sees it: what runs there, without what its plan stops and with what it places. */
export interface Room {
  slotFor(node: NodeState): Slot;
  occupancyOf(slot: Slot): Occupancy;
  /** The plan stops the allocation: its room is free for others. */
  release(alloc: AllocationState): void;
  /** The plan does not stop it after all. */
  restore(alloc: AllocationState): void;
  /** The plan places an allocation of the job at hand. */
  count(slot: Slot, group: string): void;
  /** Counts the allocations that the job at hand has already; what is counted by property is kept up to date from then on. */
  countJob(): void;
  /** A property of nodes whose values are counted, over a group or the whole job. */
  newProperty(attribute: string, group: string | null): PropertyCounts;
}

export function roomOf(cluster: ClusterView, job: { readonly namespace: string; readonly id: string }): Room {
  const slots = new Map<string, Slot>();
  const classes = new Map<string, string>();
  const released = new Map<string, Map<string, AllocationState>>();
  const properties: PropertyCounts[] = [];
  let counted = false;

  const slotFor = (node: NodeState): Slot => {
    let slot = slots.get(node.id);
    if (slot === undefined) {
      const computedClass = classes.get(node.computedClass) ?? node.computedClass;
      classes.set(computedClass, computedClass);
      slots.set(node.id, (slot = slotOf(node, computedClass)));
    }
    return slot;
  };
  const isOwn = (alloc: AllocationState): boolean => alloc.jobId === job.id && alloc.namespace === job.namespace;
  const isReleased = (alloc: AllocationState): boolean => released.get(alloc.nodeId)?.has(alloc.id) ?? false;
  const count = (slot: Slot, group: string, change: 1 | -1): void => {
    countOwn(slot, group, change);
    for (const property of properties) countProperty(property, slot.node.description, group, change);
  };
  const recharge = (alloc: AllocationState, sign: 1 | -1): void => {
    const slot = slots.get(alloc.nodeId);
    if (slot === undefined) return;
    if (!isClientTerminal(alloc)) charge(slot, alloc.allocatedResources, sign);
    if (counted && isOwn(alloc) && !isTerminal(alloc)) count(slot, alloc.taskGroup, sign);
  };

  return {
    slotFor,
    occupancyOf: ({ node }) => occupancyOn(cluster, node.id, released.get(node.id)),
    release: (alloc) => {
      if (isReleased(alloc)) return;
      const ofNode = released.get(alloc.nodeId) ?? new Map<string, AllocationState>();
      released.set(alloc.nodeId, ofNode.set(alloc.id, alloc));
      recharge(alloc, -1);
    },
    restore: (alloc) => {
      if (released.get(alloc.nodeId)?.delete(alloc.id)) recharge(alloc, 1);
    },
    count: (slot, group) => count(slot, group, 1),
    countJob: () => {
      if (counted) return;
      counted = true;
      for (const alloc of cluster.allocationsOfJob(job.namespace, job.id)) {
        const node = isTerminal(alloc) || isReleased(alloc) ? undefined : cluster.node(alloc.nodeId);
        if (node !== undefined) count(slotFor(node), alloc.taskGroup, 1);
      }
    },
    newProperty: (attribute, group) => {
      const property: PropertyCounts = { group, valueOf: resolveTarget(attribute), counts: new Map() };
      for (const slot of slots.values()) {
        for (const own of slot.ownByGroup) countProperty(property, slot.node.description, own.group, own.count);
      }
      properties.push(property);
      return property;
    },
  };
}

/** What is on a node without what was released there; both are found out only when asked for. */
export function occupancyOn(
  cluster: ClusterView,
  nodeId: string,
  released?: ReadonlyMap<string, AllocationState>,
): Occupancy {
  const allocations = (): readonly AllocationState[] => {
    const live = cluster.liveAllocationsOnNode(nodeId);
    return released === undefined ? live : live.filter((alloc) => !released.has(alloc.id));
  };
  const usage = (): Usage => {
    const known = cluster.usedOnNode?.(nodeId);
    if (known === undefined) return sumUsage(NO_USAGE, allocations(), 1);
    if (released === undefined) return known;
    const gone = [...released.values()].filter((alloc) => !isClientTerminal(alloc));
    return sumUsage(known, gone, -1);
  };
  return { allocations, usage };
}
