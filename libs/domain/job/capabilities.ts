import type { Task } from '../nomad.js';

/*
 * What a task wants its agent to do for it, beside running its driver. Nomad's client agents do all of it. Ours say in an attribute of their node
 * what they do not, so that the scheduler passes them over and metrics name the reason.
 */

export type Capability = 'artifact' | 'csi_plugin' | 'identity' | 'secret' | 'template' | 'volume_mount';

/** The attribute of a node that lists what its agent does not do, separated by commas. Absent: it does everything. */
export const LACKING_ATTRIBUTE = 'rollbook.lacks';

const isDelivered = (identity: Task['Identity']): boolean => identity?.['Env'] === true || identity?.['File'] === true;
const some = (list: readonly unknown[] | null): boolean => (list ?? []).length > 0;

/** In alphabetical order. */
export function neededCapabilities(task: Task): Capability[] {
  const needs: Readonly<Record<Capability, boolean>> = {
    artifact: some(task.Artifacts),
    csi_plugin: task.CSIPluginConfig !== null,
    identity: [task.Identity, ...(task.Identities ?? [])].some(isDelivered),
    secret: some(task.Secrets),
    template: some(task.Templates),
    volume_mount: some(task.VolumeMounts),
  };
  return (Object.keys(needs) as Capability[]).filter((capability) => needs[capability]);
}

/** Whether an agent with this attribute does it. */
export const lacks = (attribute: string | undefined, capability: Capability): boolean =>
  (attribute ?? '').split(',').includes(capability);
