import type { NamespaceDefinition } from './state.js';

export type NamespaceEvent =
  /** All of it: nothing is left as it was. */
  | { readonly type: 'NamespaceDefined'; readonly data: NamespaceDefinition & { readonly name: string } }
  | { readonly type: 'NamespaceDeleted'; readonly data: Readonly<Record<string, never>> };
