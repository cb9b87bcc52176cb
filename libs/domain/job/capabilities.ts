import type { Task, TaskGroup } from '../nomad.js';

/*
 * What a group and its tasks want their agent to do for them, beside running drivers. Nomad's client agents do all of it. Ours say in an attribute of their node
 * what they do not, so that the scheduler passes them over and metrics name the reason.
 */

export type TaskCapability =
  'artifact' | 'csi_plugin' | 'identity' | 'secret' | 'secrets_size' | 'template' | 'volume_mount';
export type GroupCapability = 'cni_args' | 'dns' | 'hostname';
export type Capability = TaskCapability | GroupCapability;

/** The attribute of a node that lists what its agent does not do, separated by commas. Absent: it does everything. */
export const LACKING_ATTRIBUTE = 'rollbook.lacks';

const isDelivered = (identity: Task['Identity']): boolean => identity?.['Env'] === true || identity?.['File'] === true;
const some = (list: readonly unknown[] | null): boolean => (list ?? []).length > 0;

/** In alphabetical order. */
export function taskCapabilities(task: Task): TaskCapability[] {
  const needs: Readonly<Record<TaskCapability, boolean>> = {
    artifact: some(task.Artifacts),
    csi_plugin: task.CSIPluginConfig !== null,
    identity: [task.Identity, ...(task.Identities ?? [])].some(isDelivered),
    secret: some(task.Secrets),
    secrets_size: (task.Resources?.SecretsMB ?? 0) > 0,
    template: some(task.Templates),
    volume_mount: some(task.VolumeMounts),
  };
  return (Object.keys(needs) as TaskCapability[]).filter((capability) => needs[capability]);
}

/** What the group asks for beside what its tasks do, in alphabetical order. */
export function groupCapabilities({ Networks }: Pick<TaskGroup, 'Networks'>): GroupCapability[] {
  const networks = Networks ?? [];
  const needs: Readonly<Record<GroupCapability, boolean>> = {
    cni_args: networks.some(({ CNI }) => CNI != null),
    dns: networks.some(({ DNS }) => DNS != null),
    hostname: networks.some(({ Hostname }) => Boolean(Hostname)),
  };
  return (Object.keys(needs) as GroupCapability[]).filter((capability) => needs[capability]);
}

/** Whether an agent with this attribute does it. */
export const lacks = (attribute: string | undefined, capability: Capability): boolean =>
  (attribute ?? '').split(',').includes(capability);
