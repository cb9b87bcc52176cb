import type { AclBindingRuleDefinition } from './state.js';

export type AclBindingRuleEvent =
  /** All of it, with what was left as it was. */
  | { readonly type: 'AclBindingRuleDefined'; readonly data: AclBindingRuleDefinition }
  | { readonly type: 'AclBindingRuleDeleted'; readonly data: Readonly<Record<string, never>> };
