import { taskCapabilities, type Capability, type Task } from '@app/domain';

/** What this agent does not do for a group or a task. Whoever teaches it one takes the name away; docs/compatibility.md follows. */
export const LACKING_CAPABILITIES: readonly Capability[] = [
  'cni_args',
  'csi_plugin',
  'dns',
  'hostname',
  'secret',
  'secrets_size',
  'volume_mount',
];

/**
 * A server that knows this agent does not send it such a task; one of an earlier release may.
 * @throws Error which names what the task asks for and does not get.
 */
export function refuseLacking(task: Task): void {
  const lacking = taskCapabilities(task).filter((capability) => LACKING_CAPABILITIES.includes(capability));
  if (lacking.length > 0) throw new Error(`not supported by this agent: ${lacking.join(', ')}`);
}
