import { assertNever, type Fact } from '@app/kernel';
import type { AclRoleEvent } from './events.js';
import type { AclRoleState } from './state.js';

/** The state of a role after one more event. */
export function evolveAclRole(
  state: AclRoleState | undefined,
  { type, data }: AclRoleEvent,
  { index }: Fact,
): AclRoleState | undefined {
  switch (type) {
    case 'AclRoleDefined':
      return { ...data, createIndex: state?.createIndex ?? index, modifyIndex: index, purged: false };
    case 'AclRoleDeleted':
      return state && { ...state, modifyIndex: index, purged: true };
  }
  return assertNever(type);
}
