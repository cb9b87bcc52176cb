import type { AclAuthMethodDefinition } from './state.js';

export type AclAuthMethodEvent =
  /** All of it, with what was left as it was. */
  | { readonly type: 'AclAuthMethodDefined'; readonly data: AclAuthMethodDefinition }
  | { readonly type: 'AclAuthMethodDeleted'; readonly data: Readonly<Record<string, never>> };
