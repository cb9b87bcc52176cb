import { assertNever, type Fact } from '@app/kernel';
import type { AclBindingRuleEvent } from './events.js';
import type { AclBindingRuleState } from './state.js';

/** The state of a binding rule after one more event. */
export function evolveAclBindingRule(
  state: AclBindingRuleState | undefined,
  { type, data }: AclBindingRuleEvent,
  { index, time }: Fact,
): AclBindingRuleState | undefined {
  switch (type) {
    case 'AclBindingRuleDefined':
      return {
        ...data,
        createTime: state?.createTime ?? time,
        modifyTime: time,
        createIndex: state?.createIndex ?? index,
        modifyIndex: index,
        purged: false,
      };
    case 'AclBindingRuleDeleted':
      return state && { ...state, modifyIndex: index, purged: true };
  }
  return assertNever(type);
}
