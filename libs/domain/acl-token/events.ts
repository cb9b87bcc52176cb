import type { DurationNs, TimeUs } from '@app/kernel';
import type { AclTokenType } from './state.js';

/** What may be changed of a token. */
export interface AclTokenGrants {
  readonly name: string;
  readonly type: AclTokenType;
  readonly policies: readonly string[] | null;
  readonly roles: readonly string[] | null;
  readonly hash: string;
}

export type AclTokenEvent =
  | {
      readonly type: 'AclTokenCreated';
      readonly data: AclTokenGrants & {
        readonly accessorId: string;
        readonly isGlobal: boolean;
        readonly createTime: TimeUs;
        readonly expirationTtl: DurationNs;
        readonly expirationTime: TimeUs;
        readonly secretDigest: string;
      };
    }
  /** All of what may be changed. */
  | { readonly type: 'AclTokenChanged'; readonly data: AclTokenGrants }
  | {
      readonly type: 'OneTimeSecretIssued';
      readonly data: { readonly oneTimeDigest: string; readonly expiresAt: TimeUs };
    }
  | { readonly type: 'OneTimeSecretExchanged'; readonly data: { readonly oneTimeDigest: string } }
  /** Its time was over; it has been of no use since. */
  | { readonly type: 'AclTokenExpired'; readonly data: Readonly<Record<string, never>> }
  | { readonly type: 'AclTokenDeleted'; readonly data: Readonly<Record<string, never>> };
