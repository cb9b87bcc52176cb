import type { Index, TimeNs, TimeUs } from '@app/kernel';

/** What a root key is good for; one is `active` at any time. Nomad: RootKeyState. */
export type RootKeyStatus = 'active' | 'inactive' | 'prepublished' | 'rekeying' | 'deprecated';

/** The public half of a signing key: members of a JSON Web Key (RFC 7517), base64url. */
export interface PublicKey {
  readonly n: string;
  readonly e: string;
}

/** A root key as it may be written down: its data key and its signing key only encrypted, by the key encryption key of the servers. */
export interface SealedRootKey {
  readonly id: string;
  readonly sealed: string;
}

/** Nomad: RootKeyMeta, and the key itself, sealed. */
export interface RootKey extends SealedRootKey {
  readonly publicKey: PublicKey;
  readonly status: RootKeyStatus;
  /** When a prepublished key becomes active; `0`: none such. */
  readonly publishTime: TimeNs;
  readonly createTime: TimeUs;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
}

/** All root keys, oldest first. There is one keyring for the whole cluster. */
export interface KeyringState {
  readonly keys: readonly RootKey[];
  readonly modifyIndex: Index;
}

export const activeKey = (keyring: KeyringState | undefined): RootKey | undefined =>
  keyring?.keys.find((key) => key.status === 'active');
export const rootKey = (keyring: KeyringState | undefined, id: string): RootKey | undefined =>
  keyring?.keys.find((key) => key.id === id);
