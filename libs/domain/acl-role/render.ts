import type { AclRoleState } from './state.js';

/** Nomad: ACLRole. */
export const renderAclRole = (state: AclRoleState): object => ({
  ID: state.id,
  Name: state.name,
  Description: state.description,
  Policies: state.policies.map((Name) => ({ Name })),
  Hash: state.hash,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});
