import { assertNever, type Fact } from '@app/kernel';
import type { AclTokenEvent } from './events.js';
import type { AclTokenState } from './state.js';

/** Most secrets of one token that wait to be exchanged; the oldest makes room. */
const MAX_ONE_TIME_SECRETS = 16;

/** The state of a token after one more event. */
export function evolveAclToken(
  state: AclTokenState | undefined,
  { type, data }: AclTokenEvent,
  { index }: Fact,
): AclTokenState | undefined {
  switch (type) {
    case 'AclTokenCreated':
      return { ...data, oneTimeSecrets: [], createIndex: index, modifyIndex: index, purged: false };
    case 'AclTokenChanged':
      return state && { ...state, ...data, modifyIndex: index };
    case 'OneTimeSecretIssued':
      return (
        state && {
          ...state,
          oneTimeSecrets: [...state.oneTimeSecrets, { digest: data.oneTimeDigest, expiresAt: data.expiresAt }].slice(
            -MAX_ONE_TIME_SECRETS,
          ),
        }
      );
    case 'OneTimeSecretExchanged':
      return (
        state && {
          ...state,
          oneTimeSecrets: state.oneTimeSecrets.filter(({ digest }) => digest !== data.oneTimeDigest),
        }
      );
    case 'AclTokenExpired':
    case 'AclTokenDeleted':
      return state && { ...state, oneTimeSecrets: [], modifyIndex: index, purged: true };
  }
  return assertNever(type);
}
