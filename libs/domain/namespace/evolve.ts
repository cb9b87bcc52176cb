import { assertNever, type Fact } from '@app/kernel';
import type { NamespaceEvent } from './events.js';
import { presentNamespace, type NamespaceState } from './state.js';

/** The state of a namespace after one more event. */
export function evolveNamespace(
  state: NamespaceState | undefined,
  { type, data }: NamespaceEvent,
  { index }: Fact,
): NamespaceState | undefined {
  switch (type) {
    case 'NamespaceDefined':
      return {
        ...data,
        createIndex: presentNamespace(data.name, state)?.createIndex ?? index,
        modifyIndex: index,
        purged: false,
      };
    case 'NamespaceDeleted':
      return state && { ...state, modifyIndex: index, purged: true };
  }
  return assertNever(type);
}
