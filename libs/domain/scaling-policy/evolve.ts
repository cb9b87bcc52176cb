import { assertNever, type Fact } from '@app/kernel';
import type { ScalingPolicyEvent } from './events.js';
import type { ScalingPolicyState } from './state.js';

/** The state of a scaling policy after one more event. */
export function evolveScalingPolicy(
  state: ScalingPolicyState | undefined,
  { type, data }: ScalingPolicyEvent,
  { index }: Fact,
): ScalingPolicyState | undefined {
  switch (type) {
    case 'ScalingPolicySet':
      return { ...data, createIndex: state?.createIndex ?? index, modifyIndex: index, purged: false };
    case 'ScalingPolicyRemoved':
      return state && { ...state, modifyIndex: index, purged: true };
  }
  return assertNever(type);
}
