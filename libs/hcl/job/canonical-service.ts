import { canonicalLogs, canonicalResources } from './canonical-shared.js';
import { draftOf, draftsOf, draftWith, fill, type Draft } from './inherit.js';

/** @param names of the job, the group and, for its services, the task: a service without a name is called by them */
export function canonicalServices(owner: Draft, names: readonly unknown[]): void {
  for (const service of draftsOf(owner['Services'])) {
    service['Name'] ||= names.join('-');
    service['AddressMode'] ||= 'auto';
    service['OnUpdate'] ||= 'require_healthy';
    service['Provider'] ||= 'consul';
    service['Cluster'] ||= 'default';
    const restart = draftOf(service['CheckRestart']);
    for (const check of draftsOf(service['Checks'])) {
      check['CheckRestart'] = mergedRestart(restart, draftOf(check['CheckRestart']));
      check['OnUpdate'] ||= service['OnUpdate'];
      for (const member of ['SuccessBeforePassing', 'FailuresBeforeCritical', 'FailuresBeforeWarning']) {
        if (Number(check[member]) < 0) check[member] = 0;
      }
    }
    canonicalConnect(draftOf(service['Connect']));
  }
}

/** A check's own members count before those of its service. */
function mergedRestart(service: Draft | undefined, check: Draft | undefined): Draft | null {
  if (!service && !check) return null;
  return draftWith([
    ['Limit', check?.['Limit'] || service?.['Limit'] || 0],
    ['Grace', check?.['Grace'] ?? service?.['Grace'] ?? 1e9],
    ['IgnoreWarnings', Boolean(check?.['IgnoreWarnings'] || service?.['IgnoreWarnings'])],
  ]);
}

function canonicalConnect(connect: Draft | undefined): void {
  const sidecar = draftOf(connect?.['SidecarTask']);
  if (sidecar) {
    fill(sidecar, { Resources: {}, LogConfig: {}, KillTimeout: 5e9, ShutdownDelay: 0 });
    canonicalResources(draftOf(sidecar['Resources']));
    canonicalLogs(draftOf(sidecar['LogConfig']));
  }
  fill(draftOf(draftOf(connect?.['Gateway'])?.['Proxy']), { ConnectTimeout: 5e9 });
}
