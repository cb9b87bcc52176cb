import { ownProperty, byName } from '@app/kernel';
import type { AllocatedResources, TaskGroup } from '@app/domain';

/** What an allocation takes of a node: MHz, MB, MB, and how many whole cores. */
export interface Usage {
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  readonly cores: number;
}

/**
 * What a group asks for, in the form in which an allocation keeps it; ports and cores are filled in where it is placed. The largest memory is
 * told only where memory may be oversubscribed; it takes no room (spec/lifecycle §8.4).
 */
export function resourcesOf(group: TaskGroup, oversubscribes = false): AllocatedResources {
  const tasks = byName<AllocatedResources['Tasks'][string]>();
  const lifecycles = byName<AllocatedResources['TaskLifecycles'][string]>();
  for (const { Name, Resources, Lifecycle } of group.Tasks) {
    tasks[Name] = {
      Cpu: { CpuShares: Resources.CPU, ReservedCores: null },
      Memory: {
        MemoryMB: Resources.MemoryMB + Resources.SecretsMB,
        MemoryMaxMB: oversubscribes ? Resources.MemoryMaxMB : 0,
      },
      Networks: null,
      Devices: null,
    };
    lifecycles[Name] = Lifecycle === null ? null : { Hook: Lifecycle.Hook, Sidecar: Lifecycle.Sidecar };
  }
  return {
    Tasks: tasks,
    TaskLifecycles: lifecycles,
    Shared: { Networks: null, DiskMB: group.EphemeralDisk.SizeMB, Ports: null },
  };
}

/**
 * The sum that must fit: tasks that never run at the same time share their room — the larger of main tasks with sidecars, prestart
 * tasks, and poststop tasks. Tasks with cores of their own are added on top. Source: spec/lifecycle §8.4.
 */
export function usageOf(resources: AllocatedResources): Usage {
  // Called for every allocation of every node looked at: plain variables, and nothing built but the result.
  let [mainCpu, mainMemory, prestartCpu, prestartMemory, poststopCpu, poststopMemory] = [0, 0, 0, 0, 0, 0];
  let [onTopCpu, onTopMemory, cores] = [0, 0, 0];
  for (const name in resources.Tasks) {
    const task = ownProperty(resources.Tasks, name);
    if (task === undefined) continue;
    const { CpuShares, ReservedCores } = task.Cpu;
    const { MemoryMB } = task.Memory;
    const lifecycle = ownProperty(resources.TaskLifecycles, name);
    if (ReservedCores !== null && ReservedCores.length > 0) {
      cores += ReservedCores.length;
      onTopCpu += CpuShares;
      onTopMemory += MemoryMB;
    } else if (lifecycle?.Hook === 'prestart' && !lifecycle.Sidecar) {
      prestartCpu += CpuShares;
      prestartMemory += MemoryMB;
    } else if (lifecycle?.Hook === 'poststop') {
      poststopCpu += CpuShares;
      poststopMemory += MemoryMB;
    } else {
      mainCpu += CpuShares;
      mainMemory += MemoryMB;
    }
  }
  return {
    cpu: Math.max(mainCpu, prestartCpu, poststopCpu) + onTopCpu,
    memory: Math.max(mainMemory, prestartMemory, poststopMemory) + onTopMemory,
    disk: resources.Shared.DiskMB,
    cores,
  };
}

export const NO_USAGE: Usage = { cpu: 0, memory: 0, disk: 0, cores: 0 };

/** A usage with that of some allocations added (1) or taken away (-1). */
export function sumUsage(
  from: Usage,
  allocations: readonly { readonly allocatedResources: AllocatedResources }[],
  sign: 1 | -1,
): Usage {
  const sum = { ...from };
  for (const { allocatedResources } of allocations) {
    const usage = usageOf(allocatedResources);
    sum.cpu += sign * usage.cpu;
    sum.memory += sign * usage.memory;
    sum.disk += sign * usage.disk;
    sum.cores += sign * usage.cores;
  }
  return sum;
}
