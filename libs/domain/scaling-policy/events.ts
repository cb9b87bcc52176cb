import type { ScalingPolicyDefinition } from './state.js';

export type ScalingPolicyEvent =
  /** All of it: nothing is left as it was. */
  | { readonly type: 'ScalingPolicySet'; readonly data: ScalingPolicyDefinition }
  | { readonly type: 'ScalingPolicyRemoved'; readonly data: Readonly<Record<string, never>> };
