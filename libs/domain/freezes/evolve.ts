import { assertNever, type Fact } from '@app/kernel';
import type { FreezeEvent } from './events.js';
import { NO_FREEZES, type FreezesState } from './state.js';

/** The windows, or what came of them, after one more event. */
export function evolveFreezes(
  state: FreezesState | undefined,
  { type, data }: FreezeEvent,
  { index }: Fact,
): FreezesState {
  const before = { ...(state ?? NO_FREEZES), modifyIndex: index };
  switch (type) {
    case 'FreezeDefined': {
      const known = before.windows.find(({ id }) => id === data.id);
      const defined = { ...data, createIndex: known?.createIndex ?? index, modifyIndex: index };
      const windows =
        known === undefined
          ? [...before.windows, defined]
          : before.windows.map((window) => (window.id === data.id ? defined : window));
      return { ...before, windows };
    }
    case 'FreezeDeleted':
      return { ...before, windows: before.windows.filter(({ id }) => id !== data.id) };
    case 'FreezeRefusedChange':
      return { ...before, refused: before.refused + 1 };
    case 'FreezeOverridden':
      return { ...before, overridden: before.overridden + 1 };
  }
  return assertNever(type);
}
