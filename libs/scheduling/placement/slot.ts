import type { AllocatedResources, AllocationState, NodeState } from '@app/domain';
import type { GroupAsk } from './ask.js';
import type { PortsInUse } from './ports.js';
import { hostAddresses, markPorts, reservedPorts } from './ports.js';
import { usageOf } from './resources.js';

/**
 * A node as a pass sees it. What its allocations use is summed up when the node is first looked at, and kept up to date from then on; ports
 * only once somebody asks for one.
 */
export interface Slot {
  readonly node: NodeState;
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  /** null until the node is first looked at. */
  used: { cpu: number; memory: number; disk: number; cores: Set<number> } | null;
  ports: PortsInUse | null;
  /** Allocations of the job at hand that are to run here, and how many of each group. */
  own: number;
  ownByGroup: Map<string, number> | null;
}

export function slotOf(node: NodeState): Slot {
  const { NodeResources: total, ReservedResources: reserved } = node.description;
  return {
    node,
    cpu: total.Cpu.CpuShares - reserved.Cpu.CpuShares,
    memory: total.Memory.MemoryMB - reserved.Memory.MemoryMB,
    disk: total.Disk.DiskMB - reserved.Disk.DiskMB,
    used: null,
    ports: null,
    own: 0,
    ownByGroup: null,
  };
}

type LoadedSlot = Slot & { used: NonNullable<Slot['used']> };

/** Sums up what the allocations on the node use. */
export function load(slot: Slot, allocations: () => Iterable<AllocationState>): LoadedSlot {
  if (slot.used === null) {
    slot.used = { cpu: 0, memory: 0, disk: 0, cores: new Set() };
    for (const alloc of allocations()) charge(slot, alloc.allocatedResources, 1);
  }
  return slot as LoadedSlot;
}

/** Adds (1) or takes away (-1) what an allocation uses, as far as it has been summed up. */
export function charge(slot: Slot, resources: AllocatedResources, sign: 1 | -1): void {
  if (slot.used === null) return;
  const { cpu, memory, disk, cores } = usageOf(resources);
  slot.used.cpu += sign * cpu;
  slot.used.memory += sign * memory;
  slot.used.disk += sign * disk;
  if (cores > 0) {
    for (const task of Object.values(resources.Tasks)) {
      for (const core of task.Cpu.ReservedCores ?? []) sign === 1 ? slot.used.cores.add(core) : slot.used.cores.delete(core);
    }
  }
  if (slot.ports !== null) markPorts(slot.ports, resources, sign === 1);
}

/** The ports in use, those that the node keeps for itself included. */
export function portsOf(slot: Slot, allocations: () => Iterable<AllocationState>): PortsInUse {
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

export function freeCores(slot: LoadedSlot): readonly number[] {
  const { ReservableCpuCores, TotalCpuCores } = slot.node.description.NodeResources.Cpu;
  const all = ReservableCpuCores ?? Array.from({ length: TotalCpuCores }, (_, core) => core);
  return all.filter((core) => !slot.used.cores.has(core));
}

/** What is exhausted first if the group came here too, or null when it fits. Source: spec/lifecycle §8.4. */
export function exhaustedDimension(ask: GroupAsk, slot: LoadedSlot): string | null {
  let { cpu } = ask.usage;
  if (ask.cores > 0) {
    if (freeCores(slot).length < ask.cores) return 'cores';
    cpu += ask.cores * coreSpeed(slot);
  }
  if (slot.used.cpu + cpu > slot.cpu) return 'cpu';
  if (slot.used.memory + ask.usage.memory > slot.memory) return 'memory';
  return slot.used.disk + ask.usage.disk > slot.disk ? 'disk' : null;
}
