import type { DurationNs, Index, TimeUs } from '@app/kernel';

export type AclTokenType = 'client' | 'management';

/** A secret that its holder may give away: it is exchanged for the token, once. */
export interface OneTimeSecret {
  readonly digest: string;
  readonly expiresAt: TimeUs;
}

/** Of a token's secret only the digest is known. Nomad: ACLToken; spec/http-api §2.7. */
export interface AclTokenState {
  readonly accessorId: string;
  readonly name: string;
  readonly type: AclTokenType;
  readonly policies: readonly string[] | null;
  /** Ids of roles, also of some that were deleted since. */
  readonly roles: readonly string[] | null;
  readonly isGlobal: boolean;
  readonly createTime: TimeUs;
  /** As it was asked for; 0: not. */
  readonly expirationTtl: DurationNs;
  /** From then on the token is unknown; 0: never. */
  readonly expirationTime: TimeUs;
  /** SHA-256, hexadecimal. */
  readonly secretDigest: string;
  /** Base64: differs when anything above does. */
  readonly hash: string;
  /** Those not exchanged yet, oldest first. */
  readonly oneTimeSecrets: readonly OneTimeSecret[];
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly purged: boolean;
}

/** Whether a token is of no use any more. */
export const isExpired = ({ expirationTime }: Pick<AclTokenState, 'expirationTime'>, now: TimeUs): boolean =>
  expirationTime !== 0 && expirationTime <= now;
