import type { Index, TimeUs } from '@app/kernel';

export type BindType = 'role' | 'policy' | 'management';

/** What whoever logs in gets. Nomad: ACLBindingRule; spec/http-api-more §10. */
export interface AclBindingRuleDefinition {
  readonly id: string;
  readonly description: string;
  readonly authMethod: string;
  /** A filter over the mapped claims; empty: everybody. */
  readonly selector: string;
  readonly bindType: BindType;
  /** The name of a role or policy, with `${value.…}` in it; empty for management. */
  readonly bindName: string;
  /** Base64: differs when anything above does. */
  readonly hash: string;
}

export interface AclBindingRuleState extends AclBindingRuleDefinition {
  readonly createTime: TimeUs;
  readonly modifyTime: TimeUs;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly purged: boolean;
}
