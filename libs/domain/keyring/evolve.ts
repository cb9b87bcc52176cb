import { assertNever, type Fact } from '@app/kernel';
import type { KeyringEvent } from './events.js';
import type { KeyringState, RootKey, RootKeyStatus } from './state.js';

const NO_KEYS: KeyringState = { keys: [], modifyIndex: 0 };

/** The keyring after one more event. */
export function evolveKeyring(before: KeyringState | undefined, event: KeyringEvent, fact: Fact): KeyringState {
  const state = before ?? NO_KEYS;
  const { type, data } = event;
  const become = (key: RootKey, status: RootKeyStatus): RootKey =>
    key.status === status ? key : { ...key, status, modifyIndex: fact.index };
  const retire = (key: RootKey): RootKey => (key.status === 'active' ? become(key, 'inactive') : key);
  const withKeys = (keys: readonly RootKey[]): KeyringState => ({ keys, modifyIndex: fact.index });
  switch (type) {
    case 'RootKeyAdded': {
      const { state: status, full, id, sealed, publicKey, publishTime } = data;
      const rekeyed = (key: RootKey): RootKey =>
        key.status === 'active' || key.status === 'inactive' ? become(key, 'rekeying') : key;
      const others = status === 'active' ? state.keys.map(full ? rekeyed : retire) : state.keys;
      const { index, time } = fact;
      return withKeys([
        ...others,
        { id, sealed, publicKey, status, publishTime, createTime: time, createIndex: index, modifyIndex: index },
      ]);
    }
    case 'RootKeyPublished':
      if (!state.keys.some((key) => key.id === data.id)) return state;
      return withKeys(state.keys.map((key) => (key.id === data.id ? become(key, 'active') : retire(key))));
    case 'RootKeyDeprecated':
      return withKeys(state.keys.map((key) => (key.id === data.id ? become(key, 'deprecated') : key)));
    case 'RootKeyRemoved':
      return withKeys(state.keys.filter((key) => key.id !== data.id));
  }
  return assertNever(type);
}
