import { MAX_CORES, type AllocatedResources, type AllocationState, type NodeState } from '@app/domain';
import type { GroupAsk } from './ask.js';
import type { PortsInUse } from './ports.js';
import { hostAddresses, markPorts, reservedPorts } from './ports.js';
import type { Usage } from './resources.js';
import { usageOf } from './resources.js';

/**
 * A node as a pass sees it. What its allocations use is summed up when the node is first looked at, and kept up to date from then on; ports
 * only once somebody asks for one.
 */
export interface Slot {
  readonly node: NodeState;
  /** The one string for its class, so that look-ups compare by identity. */
  readonly computedClass: string;
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  /** null until the node is first looked at. */
  used: { cpu: number; memory: number; disk: number } | null;
  /** null until somebody asks for one. */
  ports: PortsInUse | null;
  cores: Set<number> | null;
  /** Allocations of the job at hand that are to run here, and how many of each group. */
  own: number;
  ownByGroup: OwnCount[];
}

/** Mostly there is one, so a list is quicker than a map. */
export interface OwnCount {
  readonly group: string;
  count: number;
}

/** Allocations of a group of the job at hand that are to run on the node. */
export const siblingsOn = ({ ownByGroup }: Pick<Slot, 'ownByGroup'>, group: string): number =>
  ownByGroup.length === 0 ? 0 : (ownByGroup.find((own) => own.group === group)?.count ?? 0);

/** Counts an allocation of a group of the job at hand that is to run on the node (1), or is not to any more (-1). */
export function countOwn(slot: Slot, group: string, change: 1 | -1): void {
  slot.own += change;
  const known = slot.ownByGroup.find((own) => own.group === group);
  if (known === undefined) slot.ownByGroup.push({ group, count: change });
  else known.count += change;
}

export function slotOf(node: NodeState, computedClass: string): Slot {
  const { NodeResources: total, ReservedResources: reserved } = node.description;
  return {
    node,
    computedClass,
    cpu: total.Cpu.CpuShares - reserved.Cpu.CpuShares,
    memory: total.Memory.MemoryMB - reserved.Memory.MemoryMB,
    disk: total.Disk.DiskMB - reserved.Disk.DiskMB,
    used: null,
    ports: null,
    cores: null,
    own: 0,
    ownByGroup: [],
  };
}

/** The allocations that use a node, as the plan has them so far, and what they use together. */
export interface Occupancy {
  readonly allocations: () => readonly AllocationState[];
  readonly usage: () => Pick<Usage, 'cpu' | 'memory' | 'disk'>;
}

export const usedBy = (slot: Slot, occupancy: Occupancy): NonNullable<Slot['used']> =>
  (slot.used ??= { ...occupancy.usage() });

/** Adds (1) or takes away (-1) what an allocation uses, as far as it is known already what others use. */
export function charge(slot: Slot, resources: AllocatedResources, sign: 1 | -1): void {
  if (slot.used !== null) {
    const { cpu, memory, disk } = usageOf(resources);
    slot.used.cpu += sign * cpu;
    slot.used.memory += sign * memory;
    slot.used.disk += sign * disk;
  }
  if (slot.cores !== null) markCores(slot.cores, resources, sign === 1);
  if (slot.ports !== null) markPorts(slot.ports, resources, sign === 1);
}

function markCores(cores: Set<number>, resources: AllocatedResources, taken: boolean): void {
  for (const core of Object.values(resources.Tasks).flatMap((task) => task.Cpu.ReservedCores ?? [])) {
    if (taken) cores.add(core);
    else cores.delete(core);
  }
}

/** The ports in use, those that the node keeps for itself included. */
export function portsOf(slot: Slot, { allocations }: Occupancy): PortsInUse {
  if (slot.ports === null) {
    slot.ports = new Map();
    const kept = reservedPorts(slot.node.description.ReservedResources.Networks.ReservedHostPorts);
    for (const ip of [...hostAddresses(slot.node.description).values()].flat()) slot.ports.set(ip, new Set(kept));
    for (const alloc of allocations()) markPorts(slot.ports, alloc.allocatedResources, true);
  }
  return slot.ports;
}

/** MHz of one core. */
export function coreSpeed({ node }: Slot): number {
  const { CpuShares, TotalCpuCores } = node.description.NodeResources.Cpu;
  return TotalCpuCores > 0 ? Math.floor(CpuShares / TotalCpuCores) : 0;
}

export function freeCores(slot: Slot, { allocations }: Occupancy): readonly number[] {
  if (slot.cores === null) {
    slot.cores = new Set();
    for (const alloc of allocations()) markCores(slot.cores, alloc.allocatedResources, true);
  }
  const { cores } = slot;
  const { ReservableCpuCores, TotalCpuCores } = slot.node.description.NodeResources.Cpu;
  const all = ReservableCpuCores ?? Array.from({ length: Math.min(TotalCpuCores, MAX_CORES) }, (_, core) => core);
  return all.filter((core) => !cores.has(core));
}

/** MHz that the group takes here: cores count with the speed of this node's. */
export const cpuAsked = (ask: GroupAsk, slot: Slot): number =>
  ask.cores === 0 ? ask.usage.cpu : ask.usage.cpu + ask.cores * coreSpeed(slot);

/** What there is too little of if the group came here too; not below 0 where there is enough. */
export function shortage(ask: GroupAsk, slot: Slot, occupancy: Occupancy): Usage {
  const used = usedBy(slot, occupancy);
  return {
    cpu: Math.max(0, used.cpu + cpuAsked(ask, slot) - slot.cpu),
    memory: Math.max(0, used.memory + ask.usage.memory - slot.memory),
    disk: Math.max(0, used.disk + ask.usage.disk - slot.disk),
    cores: ask.cores === 0 ? 0 : Math.max(0, ask.cores - freeCores(slot, occupancy).length),
  };
}

/** What is exhausted first if the group came here too, or null when it fits. Source: spec/lifecycle §8.4. */
export function exhaustedDimension(ask: GroupAsk, slot: Slot, occupancy: Occupancy): string | null {
  if (ask.cores > 0 && freeCores(slot, occupancy).length < ask.cores) return 'cores';
  const used = usedBy(slot, occupancy);
  if (used.cpu + cpuAsked(ask, slot) > slot.cpu) return 'cpu';
  if (used.memory + ask.usage.memory > slot.memory) return 'memory';
  return used.disk + ask.usage.disk > slot.disk ? 'disk' : null;
}
