import { assertNever, type Fact } from '@app/kernel';
import type { AclPolicyEvent } from './events.js';
import type { AclPolicyState } from './state.js';

/** The state of a policy after one more event. */
export function evolveAclPolicy(
  state: AclPolicyState | undefined,
  { type, data }: AclPolicyEvent,
  { index }: Fact,
): AclPolicyState | undefined {
  switch (type) {
    case 'AclPolicyDefined':
      return {
        ...data,
        createIndex: state === undefined || state.purged ? index : state.createIndex,
        modifyIndex: index,
        purged: false,
      };
    case 'AclPolicyDeleted':
      return state && { ...state, modifyIndex: index, purged: true };
  }
  return assertNever(type);
}
