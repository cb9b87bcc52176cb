import type { NamedObjects } from '../edge/named.js';
import { NAMESPACES } from '../namespaces/namespaces.controller.js';
import type { Scope } from './contexts.js';

/** A condition for the rows of a search. */
export interface NamespaceFilter {
  readonly [column: string]: string | readonly string[];
}

/** The namespaces that a search finds jobs and what belongs to them in: the one that is asked for, or all whose jobs may be read. */
export async function namespacesOf({ namespace, permissions }: Scope, named: NamedObjects): Promise<NamespaceFilter> {
  if (namespace !== '*') return { namespace };
  if (permissions.isManagement) return {};
  const all = (await named.all(NAMESPACES)).map(({ name }) => name);
  return { namespace: all.filter((name) => permissions.inNamespace(name, 'read-job')) };
}
