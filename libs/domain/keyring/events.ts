import type { PublicKey, SealedRootKey } from './state.js';

/** Everything that happens to the keyring. */
export type KeyringEvent =
  | {
      readonly type: 'RootKeyAdded';
      readonly data: SealedRootKey & {
        readonly publicKey: PublicKey;
        /** `prepublished`: it is shown, and becomes active at `publishTime`. */
        readonly state: 'active' | 'prepublished';
        readonly publishTime: string;
        /** What was encrypted with the other keys is to be encrypted with this one. */
        readonly full: boolean;
      };
    }
  /** The time of a prepublished key has come: it is the active one now. */
  | { readonly type: 'RootKeyPublished'; readonly data: { readonly id: string } }
  /** Nothing is encrypted with it any more. */
  | { readonly type: 'RootKeyDeprecated'; readonly data: { readonly id: string } }
  | { readonly type: 'RootKeyRemoved'; readonly data: { readonly id: string } };
