import type { AllocatedResources, TaskGroup } from '@app/domain';

/** What an allocation takes of a node: MHz, MB, MB, and how many whole cores. */
export interface Usage {
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  readonly cores: number;
}

/** What a group asks for, in the form in which an allocation keeps it; ports and cores are filled in where it is placed. */
export function resourcesOf(group: TaskGroup): AllocatedResources {
  const tasks: AllocatedResources['Tasks'] = {};
  const lifecycles: AllocatedResources['TaskLifecycles'] = {};
  for (const { Name, Resources, Lifecycle } of group.Tasks) {
    tasks[Name] = {
      Cpu: { CpuShares: Resources.CPU, ReservedCores: null },
      // MemoryMaxMB is recorded only where memory may be oversubscribed, which is off (spec/lifecycle §8.4).
      Memory: { MemoryMB: Resources.MemoryMB + Resources.SecretsMB, MemoryMaxMB: 0 },
      Networks: null,
      Devices: null,
    };
    lifecycles[Name] = Lifecycle === null ? null : { Hook: Lifecycle.Hook, Sidecar: Lifecycle.Sidecar };
  }
  return { Tasks: tasks, TaskLifecycles: lifecycles, Shared: { Networks: null, DiskMB: group.EphemeralDisk.SizeMB, Ports: null } };
}

/**
 * The sum that must fit: tasks that never run at the same time share their room — the larger of main tasks with sidecars, prestart
 * tasks, and poststop tasks. Tasks with cores of their own are added on top. Source: spec/lifecycle §8.4.
 */
export function usageOf(resources: AllocatedResources): Usage {
  const disk = resources.Shared.DiskMB;
  const names = Object.keys(resources.Tasks);
  const only = names.length === 1 ? resources.Tasks[names[0] as string] : undefined;
  if (only !== undefined) {
    return { cpu: only.Cpu.CpuShares, memory: only.Memory.MemoryMB, disk, cores: only.Cpu.ReservedCores?.length ?? 0 };
  }
  const phases = { main: { cpu: 0, memory: 0 }, prestart: { cpu: 0, memory: 0 }, poststop: { cpu: 0, memory: 0 } };
  const onTop = { cpu: 0, memory: 0, cores: 0 };
  for (const name of names) {
    const task = resources.Tasks[name];
    if (task === undefined) continue;
    const cores = task.Cpu.ReservedCores?.length ?? 0;
    const target = cores > 0 ? onTop : phases[phaseOf(resources.TaskLifecycles[name])];
    target.cpu += task.Cpu.CpuShares;
    target.memory += task.Memory.MemoryMB;
    onTop.cores += cores;
  }
  const { main, prestart, poststop } = phases;
  return {
    cpu: Math.max(main.cpu, prestart.cpu, poststop.cpu) + onTop.cpu,
    memory: Math.max(main.memory, prestart.memory, poststop.memory) + onTop.memory,
    disk,
    cores: onTop.cores,
  };
}

function phaseOf(lifecycle: { Hook: string; Sidecar: boolean } | null | undefined): 'main' | 'prestart' | 'poststop' {
  if (lifecycle?.Hook === 'prestart' && !lifecycle.Sidecar) return 'prestart';
  return lifecycle?.Hook === 'poststop' ? 'poststop' : 'main';
}
