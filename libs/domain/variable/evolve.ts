import { assertNever, type Fact } from '@app/kernel';
import type { VariableEvent } from './events.js';
import type { VariableLock, VariableState } from './state.js';

/** The state of a variable after one more event. */
export function evolveVariable(
  state: VariableState | undefined,
  event: VariableEvent,
  fact: Fact,
): VariableState | undefined {
  if (event.type === 'VariableWritten') return written(state, event.data, state?.lock ?? null, fact);
  if (event.type === 'VariableLocked') return written(state, event.data, event.data.lock, fact);
  if (state === undefined || state.purged) return state;
  const { type, data } = event;
  switch (type) {
    case 'VariableUnlocked':
      return { ...state, lock: null, modifyIndex: fact.index, modifyTime: fact.time };
    case 'VariableDeleted':
      return { ...state, sealed: '', lock: null, modifyIndex: fact.index, modifyTime: fact.time, purged: true };
    case 'VariableResealed':
      return { ...state, keyId: data.keyId, sealed: data.sealed };
  }
  return assertNever(type);
}

function written(
  before: VariableState | undefined,
  data: Pick<VariableState, 'namespace' | 'path' | 'keyId' | 'sealed'>,
  lock: VariableLock | null,
  { index, time }: Fact,
): VariableState {
  const isNew = before === undefined || before.purged;
  return {
    namespace: data.namespace,
    path: data.path,
    keyId: data.keyId,
    sealed: data.sealed,
    lock,
    createIndex: isNew ? index : before.createIndex,
    createTime: isNew ? time : before.createTime,
    modifyIndex: index,
    modifyTime: time,
    purged: false,
  };
}
