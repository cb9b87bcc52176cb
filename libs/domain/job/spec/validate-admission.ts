import type { JobSpec, Service, TaskGroup } from '../../nomad.js';
import { connectRole } from './connect-tasks.js';
import { isObject, members } from './read.js';

/*
 * What a server looks at before and after the job itself: products that it is not connected to, features that need another edition. One
 * mistake of each kind is told. Source: what a real server answers.
 */

/** The first text that is one. */
const first = <T>(list: readonly T[], check: (one: T) => string | null): string[] => {
  for (const one of list) {
    const error = check(one);
    if (error !== null) return [error];
  }
  return [];
};

function sidecarError(group: TaskGroup, service: Service): string | null {
  const networks = group.Networks ?? [];
  const mode = networks[0]?.Mode ?? '';
  const lower = 'must not contain uppercase characters';
  if (networks.length !== 1)
    return `Consul Connect sidecars require exactly 1 network, found ${networks.length} in group "${group.Name}"`;
  if (mode !== 'bridge' && !mode.startsWith('cni/'))
    return `Consul Connect sidecar requires bridge network, found "${mode}" in group "${group.Name}"`;
  if (group.Name.toLowerCase() !== group.Name)
    return `Consul Connect group name "${group.Name}" in group "${group.Name}" ${lower}`;
  if (service.Name.toLowerCase() !== service.Name)
    return `Consul Connect service name "${service.Name}" in group "${group.Name}" ${lower}`;
  return null;
}

function gatewayError(group: TaskGroup): string | null {
  const networks = group.Networks ?? [];
  if (networks.length !== 1)
    return `Consul Connect gateways require exactly 1 network, found ${networks.length} in group "${group.Name}"`;
  return ['bridge', 'host'].includes(networks[0]?.Mode ?? '')
    ? null
    : 'Consul Connect Gateway service requires Task Group with network mode of type "bridge" or "host"';
}

function meshError(group: TaskGroup): string | null {
  for (const service of group.Services ?? []) {
    const role = connectRole(service);
    const error =
      role === null
        ? null
        : role === 'sidecar'
          ? sidecarError(group, service)
          : role === 'native'
            ? null
            : gatewayError(group);
    if (error !== null) return error;
  }
  return upstreamError(group);
}

/** Two upstreams of a group cannot listen on one address. */
function upstreamError(group: TaskGroup): string | null {
  const listeners = new Map<string, string>();
  for (const service of group.Services ?? []) {
    const upstreams = members(members(service.Connect?.['SidecarService'])['Proxy'])['Upstreams'];
    for (const upstream of Array.isArray(upstreams) ? upstreams.filter(isObject) : []) {
      const port = Number(upstream['LocalBindPort'] ?? 0);
      if (port === 0) continue;
      const address = `${String(upstream['LocalBindAddress'] || '127.0.0.1')}:${port}`;
      const other = listeners.get(address);
      if (other !== undefined)
        return `Consul Connect services "${other}" and "${service.Name}" in group "${group.Name}" using same address for upstreams (${address})`;
      listeners.set(address, service.Name);
    }
  }
  return null;
}

const clusterOf = (block: unknown): string => String(members(block)['Cluster'] ?? 'default') || 'default';
const vaultClusters = (job: JobSpec) =>
  job.TaskGroups.flatMap((group) =>
    group.Tasks.filter(({ Vault }) => Vault !== null).map(({ Vault }) => clusterOf(Vault)),
  );

function consulClusters(job: JobSpec): string[] {
  const ofServices = (services: readonly Service[] | null) =>
    (services ?? []).filter(({ Provider }) => Provider === 'consul').map(clusterOf);
  return job.TaskGroups.flatMap((group) => [
    ...(group.Consul === null ? [] : [clusterOf(group.Consul)]),
    ...ofServices(group.Services),
    ...group.Tasks.flatMap((task) => [
      ...ofServices(task.Services),
      ...(task.Consul === null ? [] : [clusterOf(task.Consul)]),
    ]),
  ]);
}

/** Refused before the job itself is looked at. This server knows no Vault. */
export const earlyErrors = (job: JobSpec): string[] => [
  ...first(job.TaskGroups, meshError),
  ...first(vaultClusters(job), (cluster) => `Vault "${cluster}" not enabled but used in the job`),
  ...first(consulClusters(job), (cluster) =>
    cluster === 'default' ? null : 'non-default Consul cluster requires Nomad Enterprise',
  ),
];

const tasksOf = (job: JobSpec) => job.TaskGroups.flatMap((group) => group.Tasks);

/** Refused after it: what no server of this edition does. */
export const lateErrors = (job: JobSpec): string[] => [
  ...first(tasksOf(job), ({ Resources: { NUMA: numa } }) =>
    numa !== null && ['prefer', 'require'].includes(String(numa['Affinity']))
      ? 'numa scheduling requires Nomad Enterprise'
      : null,
  ),
  ...first(tasksOf(job), ({ Schedule }) => (Schedule === null ? null : 'task schedules require Nomad Enterprise')),
];
