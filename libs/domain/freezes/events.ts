import type { FreezeDefinition } from './state.js';

/** What a freeze was asked about. */
export interface FrozenChange {
  readonly freezeId: string;
  readonly namespace: string;
  readonly jobId: string;
  /** The name of the command. */
  readonly command: string;
}

export type FreezeEvent =
  /** All of it: nothing is left as it was. */
  | { readonly type: 'FreezeDefined'; readonly data: FreezeDefinition & { readonly id: string } }
  | { readonly type: 'FreezeDeleted'; readonly data: { readonly id: string } }
  | { readonly type: 'FreezeRefusedChange'; readonly data: FrozenChange }
  /** In the commit of the change. */
  | { readonly type: 'FreezeOverridden'; readonly data: FrozenChange };
