import type { NodePoolDefinition } from './state.js';

export type NodePoolEvent =
  /** All of it: nothing is left as it was. */
  | { readonly type: 'NodePoolDefined'; readonly data: NodePoolDefinition & { readonly name: string } }
  | { readonly type: 'NodePoolDeleted'; readonly data: Readonly<Record<string, never>> };
