import type { Index } from '@app/kernel';

/** Nomad: ACLRole; spec/http-api-more §8. */
export interface AclRoleDefinition {
  readonly name: string;
  readonly description: string;
  /** Names of policies, each once; some may have been deleted since. */
  readonly policies: readonly string[];
  /** Base64: differs when anything above does. */
  readonly hash: string;
}

export interface AclRoleState extends AclRoleDefinition {
  readonly id: string;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly purged: boolean;
}
