import { assertNever, type Fact } from '@app/kernel';
import type { NodePoolEvent } from './events.js';
import { presentNodePool, type NodePoolState } from './state.js';

/** The state of a node pool after one more event. */
export function evolveNodePool(
  state: NodePoolState | undefined,
  { type, data }: NodePoolEvent,
  { index }: Fact,
): NodePoolState | undefined {
  switch (type) {
    case 'NodePoolDefined':
      return {
        ...data,
        createIndex: presentNodePool(data.name, state)?.createIndex ?? index,
        modifyIndex: index,
        purged: false,
      };
    case 'NodePoolDeleted':
      return state && { ...state, modifyIndex: index, purged: true };
  }
  return assertNever(type);
}
