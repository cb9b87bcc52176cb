import { goDuration, isoFromUs } from '@app/kernel';
import type { AclTokenState } from './state.js';

/** The names of roles by their ids. */
export type RoleNames = ReadonlyMap<string, string>;

/** Nomad: ACLTokenListStub. Lists do not look the names of roles up. */
export const renderAclTokenStub = (state: AclTokenState): object => ({
  AccessorID: state.accessorId,
  Name: state.name,
  Type: state.type,
  Policies: state.policies,
  Roles: state.roles && state.roles.map((ID) => ({ ID, Name: '' })),
  Global: state.isGlobal,
  Hash: state.hash,
  CreateTime: isoFromUs(state.createTime),
  ExpirationTime: isoFromUs(state.expirationTime),
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});

/** Nomad: ACLToken. Roles that are gone are left out. @param secret empty: not to be told */
export const renderAclToken = (state: AclTokenState, names: RoleNames, secret: string): object => ({
  ExpirationTTL: state.expirationTtl === 0 ? '' : goDuration(state.expirationTtl),
  ...renderAclTokenStub(state),
  SecretID: secret,
  Roles: state.roles && state.roles.filter((ID) => names.has(ID)).map((ID) => ({ ID, Name: names.get(ID)! })),
});
