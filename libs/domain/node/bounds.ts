import type { NodeDescription } from './state.js';

/* What a machine can be. A node that claims more would make the scheduler count it out. */

export const MAX_CORES = 4096;
export const MAX_PORT = 65_535;
const MAX_MEGA = 1e12;
const MAX_PORTS_TEXT = 4096;
const MAX_NETWORKS = 256;
const MAX_DRIVERS = 256;
const MAX_ATTRIBUTES = 4096;
const MAX_TEXT = 64 * 1024;
const MAX_DESCRIPTION = 1024 * 1024;

const isCount = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most;

/** What of a description no machine has, or an empty text. Values are looked at whatever their types say. */
export function beyondBounds(description: NodeDescription): string {
  const { NodeResources: resources, ReservedResources: reserved } = description;
  const { Cpu: cpu } = resources;
  const cores = cpu.ReservableCpuCores ?? [];
  const ports = reserved.Networks.ReservedHostPorts;
  const wrong: readonly (readonly [string, boolean])[] = [
    ['NodeResources.Cpu.CpuShares', !isCount(cpu.CpuShares, MAX_MEGA)],
    ['NodeResources.Cpu.TotalCpuCores', !isCount(cpu.TotalCpuCores, MAX_CORES)],
    [
      'NodeResources.Cpu.ReservableCpuCores',
      cores.length > MAX_CORES || cores.some((core) => !isCount(core, MAX_PORT)),
    ],
    ['NodeResources.Memory', !isCount(resources.Memory.MemoryMB, MAX_MEGA)],
    ['NodeResources.Disk', !isCount(resources.Disk.DiskMB, MAX_MEGA)],
    ['NodeResources.MinDynamicPort', !isCount(resources.MinDynamicPort, MAX_PORT)],
    ['NodeResources.MaxDynamicPort', !isCount(resources.MaxDynamicPort, MAX_PORT)],
    ['NodeResources.Networks', (resources.Networks ?? []).length > MAX_NETWORKS],
    ['NodeResources.NodeNetworks', (resources.NodeNetworks ?? []).length > MAX_NETWORKS],
    ['ReservedResources.Networks.ReservedHostPorts', typeof ports !== 'string' || ports.length > MAX_PORTS_TEXT],
    ['ReservedResources.Cpu', !isCount(reserved.Cpu.CpuShares, MAX_MEGA)],
    ['ReservedResources.Memory', !isCount(reserved.Memory.MemoryMB, MAX_MEGA)],
    ['ReservedResources.Disk', !isCount(reserved.Disk.DiskMB, MAX_MEGA)],
    ['Drivers', Object.keys(description.Drivers).length > MAX_DRIVERS],
    ['Attributes', !areAttributes(description.Attributes)],
    ['Meta', !areAttributes(description.Meta)],
  ];
  const first = wrong.find(([, isWrong]) => isWrong)?.[0];
  if (first !== undefined) return first;
  return JSON.stringify(description).length > MAX_DESCRIPTION ? 'its size' : '';
}

/** Agents may say nothing of them. */
const areAttributes = (all: Readonly<Record<string, unknown>> | null | undefined): boolean => {
  const entries = Object.entries(all ?? {});
  return (
    entries.length <= MAX_ATTRIBUTES &&
    entries.every(([key, value]) => key.length <= MAX_TEXT && (typeof value !== 'string' || value.length <= MAX_TEXT))
  );
};
