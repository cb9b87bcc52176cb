import type { AllocatedResources } from '@app/domain';
import { ownProperty, setOwnProperty } from '@app/kernel';
import type { GroupAsk } from './ask.js';
import type { PortOffer } from './ports.js';
import type { Occupancy, Slot } from './slot.js';
import { coreSpeed, freeCores } from './slot.js';

/** The group's resources with the ports and cores of this node. Without either they are the same object for all allocations of a pass. */
export function fillIn(
  { template, group, cores }: GroupAsk,
  slot: Slot,
  { offer, occupancy }: { readonly offer: PortOffer | null; readonly occupancy: Occupancy },
): AllocatedResources {
  let resources = template;
  if (offer?.kind === 'offered') {
    resources = { ...resources, Shared: { ...resources.Shared, Networks: offer.networks, Ports: offer.ports } };
  }
  if (cores === 0) return resources;
  const free = [...freeCores(slot, occupancy)];
  const tasks = { ...resources.Tasks };
  for (const { Name, Resources } of group.Tasks) {
    const task = ownProperty(tasks, Name);
    if (task === undefined || Resources.Cores === 0) continue;
    const ReservedCores = free.splice(0, Resources.Cores);
    const reserved = { ...task, Cpu: { CpuShares: Resources.Cores * coreSpeed(slot), ReservedCores } };
    setOwnProperty(tasks, Name, reserved);
  }
  return { ...resources, Tasks: tasks };
}

/** New figures, with the ports, networks and cores that the allocation has. */
export function keepPlace(template: AllocatedResources, present: AllocatedResources): AllocatedResources {
  const tasks = Object.entries(template.Tasks).map(([name, task]) => {
    const former = ownProperty(present.Tasks, name);
    if (former === undefined) return [name, task] as const;
    const Cpu = former.Cpu.ReservedCores === null ? task.Cpu : former.Cpu;
    return [name, { ...task, Cpu, Networks: former.Networks, Devices: former.Devices }] as const;
  });
  const { Networks, Ports } = present.Shared;
  return { ...template, Tasks: Object.fromEntries(tasks), Shared: { ...template.Shared, Networks, Ports } };
}
