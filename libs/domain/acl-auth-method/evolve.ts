import { assertNever, type Fact } from '@app/kernel';
import type { AclAuthMethodEvent } from './events.js';
import { NO_METHOD_SECRETS, type AclAuthMethodState } from './state.js';

/** The state of an auth method after one more event. */
export function evolveAclAuthMethod(
  state: AclAuthMethodState | undefined,
  { type, data }: AclAuthMethodEvent,
  { index, time }: Fact,
): AclAuthMethodState | undefined {
  switch (type) {
    case 'AclAuthMethodDefined': {
      const before = state?.purged === false ? state : undefined;
      return {
        ...data,
        createTime: before?.createTime ?? time,
        modifyTime: time,
        createIndex: before?.createIndex ?? index,
        modifyIndex: index,
        purged: false,
      };
    }
    case 'AclAuthMethodDeleted':
      return state && { ...state, secrets: NO_METHOD_SECRETS, modifyIndex: index, purged: true };
  }
  return assertNever(type);
}
