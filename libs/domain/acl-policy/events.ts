import type { AclPolicyDefinition } from './state.js';

export type AclPolicyEvent =
  /** All of it: nothing is left as it was. */
  | { readonly type: 'AclPolicyDefined'; readonly data: AclPolicyDefinition & { readonly name: string } }
  | { readonly type: 'AclPolicyDeleted'; readonly data: Readonly<Record<string, never>> };
