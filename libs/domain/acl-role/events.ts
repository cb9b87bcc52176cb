import type { AclRoleDefinition } from './state.js';

export type AclRoleEvent =
  /** All of it: nothing is left as it was. */
  | { readonly type: 'AclRoleDefined'; readonly data: AclRoleDefinition & { readonly id: string } }
  | { readonly type: 'AclRoleDeleted'; readonly data: Readonly<Record<string, never>> };
