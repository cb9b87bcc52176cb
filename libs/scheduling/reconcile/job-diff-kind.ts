import { ownProperty } from '@app/kernel';
import { groupNamed, type JobSpec, type NetworkResource, type Service, type Task, type TaskGroup } from '@app/domain';

/*
 * Whether a change of a group's specification can be made where its allocations run. Source: spec/lifecycle §4. What is not mentioned here
 * (count, policies, constraints, checks, kill settings …) does not need new tasks.
 */

/** True when allocations of the group must be replaced to get from one version of the job to the other. */
export function requiresReplacement(oldJob: JobSpec, newJob: JobSpec, groupName: string): boolean {
  const before = groupNamed(oldJob, groupName);
  const after = groupNamed(newJob, groupName);
  if (before === undefined || after === undefined) return true;
  if (before.Tasks.length !== after.Tasks.length || !same(groupEssentials(before), groupEssentials(after))) return true;
  return after.Tasks.some((task) => {
    const former = before.Tasks.find(({ Name }) => Name === task.Name);
    if (former === undefined) return true;
    return !same(taskEssentials(oldJob, before, former), taskEssentials(newJob, after, task));
  });
}

const groupEssentials = (group: TaskGroup): unknown => [
  group.EphemeralDisk,
  (group.Networks ?? []).map(networkEssentials),
  { cluster: group.Consul?.['Cluster'] ?? '', partition: group.Consul?.['Partition'] ?? '' },
  (group.Services ?? []).filter(({ Connect }) => Connect !== null).map(meshEssentials),
  group.Volumes,
  group.RestartPolicy?.RenderTemplates ?? false,
];

const networkEssentials = (network: NetworkResource): unknown => [
  network.Mode ?? '',
  network.MBits ?? 0,
  network.Hostname ?? '',
  network.DNS ?? null,
  network.CNI ?? null,
  byLabel(
    (network.ReservedPorts ?? []).map((port) => [port.Label, port.Value ?? 0, port.To ?? 0, port.HostNetwork ?? '']),
  ),
  byLabel((network.DynamicPorts ?? []).map((port) => [port.Label, port.To ?? 0, port.HostNetwork ?? ''])),
];

const byLabel = (ports: readonly unknown[][]): unknown =>
  ports.toSorted((a, b) => String(a[0]).localeCompare(String(b[0])));

function meshEssentials({ Name, Connect, PortLabel, Cluster }: Service): unknown {
  const sidecar = Connect?.['SidecarService'];
  const port =
    typeof sidecar === 'object' && sidecar !== null && !Array.isArray(sidecar) ? (sidecar['Port'] ?? '') : null;
  return [Name, PortLabel, Cluster, Connect?.['Native'], Connect?.['Gateway'], Connect?.['SidecarTask'], port];
}

const taskEssentials = (job: JobSpec, group: TaskGroup, task: Task): unknown => [
  task.Driver,
  task.User,
  task.Config,
  task.Env,
  task.Artifacts,
  task.Vault,
  task.Secrets,
  task.Consul,
  task.Templates,
  task.CSIPluginConfig,
  task.VolumeMounts,
  { ...job.Meta, ...group.Meta, ...task.Meta },
  task.RestartPolicy?.RenderTemplates ?? false,
  task.Identity,
  task.Identities,
  task.LogConfig?.Disabled ?? false,
  [
    task.Resources.CPU,
    task.Resources.Cores,
    task.Resources.MemoryMB,
    task.Resources.MemoryMaxMB,
    task.Resources.Devices,
    task.Resources.NUMA,
    task.Resources.SecretsMB,
    (task.Resources.Networks ?? []).map(networkEssentials),
  ],
];

/** Deep equality of JSON values; the order of an object's keys does not matter, and absent, null and empty are the same. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => same(item, b[i]));
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    same(ownProperty(left, key), ownProperty(right, key)),
  );
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0);
