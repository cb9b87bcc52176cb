import { draftsOf, fill, type Draft } from './inherit.js';

/** Shares of a CPU only where no cores are reserved. */
export function canonicalResources(resources: Draft | undefined): void {
  if (!resources) return;
  const reservesCores = resources['Cores'] !== null && resources['Cores'] !== undefined;
  fill(resources, { CPU: reservesCores ? 0 : 100, Cores: 0, MemoryMB: 300 });
  for (const member of ['Devices', 'DiskMB', 'IOPS', 'MemoryMaxMB', 'NUMA', 'Networks', 'SecretsMB']) {
    resources[member] ??= null;
  }
  for (const device of draftsOf(resources['Devices'])) {
    fill(device, { Count: 1 });
    for (const affinity of draftsOf(device['Affinities'])) fill(affinity, { Weight: 50 });
  }
}

export function canonicalLogs(logs: Draft | undefined): void {
  if (!logs) return;
  fill(logs, { MaxFiles: 10, MaxFileSizeMB: 10, Disabled: false });
  logs['Enabled'] ??= null;
}
