import type { ReadModels, TableName } from '@app/read-models';
import type { Scope } from './contexts.js';

/** A condition for the rows of a search. */
export interface NamespaceFilter {
  readonly [column: string]: string | readonly string[];
}

/** The namespaces in which rows of a table are found: the one that is asked for, or all whose jobs may be read. */
export async function namespacesOf(
  { namespace, permissions }: Scope,
  table: TableName,
  readModels: ReadModels,
): Promise<NamespaceFilter> {
  if (namespace !== '*') return { namespace };
  if (permissions.isManagement) return {};
  const all = await readModels.namespacesOf(table);
  return { namespace: all.filter((name) => permissions.inNamespace(name, 'read-job')) };
}
