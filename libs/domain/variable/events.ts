import type { SealedItems, VariableLock } from './state.js';

/** Everything that happens to a variable. Items are in no event but encrypted. */
export type VariableEvent =
  | {
      readonly type: 'VariableWritten';
      readonly data: SealedItems & { readonly namespace: string; readonly path: string };
    }
  | {
      readonly type: 'VariableLocked';
      readonly data: SealedItems & { readonly namespace: string; readonly path: string; readonly lock: VariableLock };
    }
  | { readonly type: 'VariableUnlocked'; readonly data: { readonly cause: 'released' | 'expired' } }
  | { readonly type: 'VariableDeleted'; readonly data: Readonly<Record<string, never>> }
  /** The same items under another key: no change to those who read it. */
  | { readonly type: 'VariableResealed'; readonly data: SealedItems };
