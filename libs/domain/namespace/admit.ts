import { quoted } from '@app/kernel';
import type { JobSpec } from '../nomad.js';
import { presentNodePool, type NodePoolState } from '../node-pool/state.js';
import { presentNamespace, type NamespaceCapabilities, type NamespaceState } from './state.js';

/** The states of the streams of the namespace and the pool that a job names. */
export interface Places {
  readonly namespace: NamespaceState | undefined;
  readonly nodePool: NodePoolState | undefined;
}

/** Why a job may not be where it wants to be: places that do not exist, what its namespace does not allow. Nomad's texts. */
export function placeProblems(spec: JobSpec, places: Places): string[] {
  const problems: string[] = [];
  const namespace = presentNamespace(spec.Namespace, places.namespace);
  if (namespace === undefined)
    problems.push(`job ${quoted(spec.ID)} is in nonexistent namespace ${quoted(spec.Namespace)}`);
  else if (namespace.capabilities !== null) problems.push(...forbidden(spec, namespace.name, namespace.capabilities));
  if (presentNodePool(spec.NodePool, places.nodePool) === undefined)
    problems.push(`job ${quoted(spec.ID)} is in nonexistent node pool ${quoted(spec.NodePool)}`);
  return problems;
}

function forbidden(spec: JobSpec, namespace: string, allowed: NamespaceCapabilities): string[] {
  const drivers = spec.TaskGroups.flatMap((group) => group.Tasks.map((task) => task.Driver));
  const modes = spec.TaskGroups.flatMap((group) => (group.Networks ?? []).map((network) => network.Mode || 'host'));
  return [
    ...refusal('task driver', drivers, allowed.EnabledTaskDrivers, allowed.DisabledTaskDrivers, namespace),
    ...refusal('group network mode', modes, allowed.EnabledNetworkModes, allowed.DisabledNetworkModes, namespace),
  ];
}

/** What is enabled counts only if something is; what is disabled always does. */
function refusal(
  what: string,
  used: readonly string[],
  enabled: readonly string[] | null,
  disabled: readonly string[] | null,
  namespace: string,
): string[] {
  const refused = [...new Set(used)].filter(
    (one) => (enabled?.length && !enabled.includes(one)) || disabled?.includes(one),
  );
  const [first] = refused;
  if (first === undefined) return [];
  const where = `allowed in namespace ${quoted(namespace)}`;
  return refused.length === 1
    ? [`used ${what} ${quoted(first)} is not ${where}`]
    : [`used ${what}s [${refused.map(quoted).join(' ')}] are not ${where}`];
}
