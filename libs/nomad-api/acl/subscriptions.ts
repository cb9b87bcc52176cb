import type { NamespaceCapability, Permissions } from '@app/domain';

const NAMESPACED: ReadonlyMap<string, readonly NamespaceCapability[]> = new Map<string, readonly NamespaceCapability[]>(
  [
    ['Deployment', ['read-job']],
    ['Allocation', ['read-job']],
    ['Evaluation', ['read-job']],
    ['Job', ['read-job']],
    ['Service', ['read-job']],
    ['HostVolume', ['host-volume-read']],
    ['CSIVolume', ['csi-read-volume']],
  ],
);

/**
 * Whether events of a topic and a namespace may be followed; spec/http-api §4.7. Without a namespace of its own, or for all of them, an event is
 * asked about with `*`: then it must be granted somewhere, and each event is asked about again with its own.
 */
export function mayFollow(permissions: Permissions, topic: string, namespace: string): boolean {
  if (permissions.isManagement) return true;
  const needed = NAMESPACED.get(topic);
  if (needed !== undefined)
    return namespace === '*' ? permissions.inAnyNamespace(...needed) : permissions.inNamespace(namespace, ...needed);
  if (topic === 'Node') return permissions.level('node', 'read');
  if (topic === 'Operator') return permissions.level('operator', 'read');
  if (topic === 'CSIPlugin') return permissions.level('plugin', 'read');
  // NodePool, Variable, the objects of ACLs, `*`, and topics that nobody knows.
  return false;
}
