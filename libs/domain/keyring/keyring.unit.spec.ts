import { KEYRING, type CommandContext, type StateView } from '@app/kernel';
import { event, given } from '@app/testing';
import {
  deprecateRootKey,
  initialiseKeyring,
  MAX_ROOT_KEYS,
  publishRootKey,
  removeRootKey,
  rotateKeyring,
} from './decide.js';
import { activeKey, type KeyringState } from './state.js';

const key = (id: string) => ({ id, sealed: `sealed ${id}`, publicKey: { n: 'n', e: 'AQAB' } });
const initialised = (view: StateView, context: CommandContext) =>
  initialiseKeyring(view, context, { key: key('first') });
const rotated =
  (id: string, full = false, publishTime = '0') =>
  (view: StateView, context: CommandContext) =>
    rotateKeyring(view, context, { key: key(id), full, publishTime });
const removed =
  (id: string, use: Parameters<typeof removeRootKey>[2]['use'] = null) =>
  (view: StateView, context: CommandContext) =>
    removeRootKey(view, context, { id, use });
const statuses = ({ keys }: KeyringState) => Object.fromEntries(keys.map(({ id, status }) => [id, status]));

describe('the keyring', () => {
  test('a cluster gets its first key once', () => {
    given(initialised)
      .when((view, context) => initialiseKeyring(view, context, { key: key('other') }))
      .thenNothing();
  });

  test('rotating makes a new key the active one, and the old one stays for what it has encrypted', () => {
    const { after } = given(initialised).when(rotated('second'));
    expect(statuses(after.state<KeyringState>(KEYRING))).toEqual({ first: 'inactive', second: 'active' });
  });

  test('rotating fully gives every other key work to do away with, the inactive ones too', () => {
    const { after } = given(initialised, rotated('second')).when(rotated('third', true));
    expect(statuses(after.state<KeyringState>(KEYRING))).toEqual({
      first: 'rekeying',
      second: 'rekeying',
      third: 'active',
    });
  });

  test('a key that is published ahead leaves the active one active until its time has come', () => {
    const story = given(initialised, rotated('second', false, '2000000000000000000'));
    expect(activeKey(story.state<KeyringState>(KEYRING))?.id).toBe('first');
    story.when((view, context) => publishRootKey(view, context, { id: 'second' })).thenNothing();
    const { after } = story.later(1e16).when((view, context) => publishRootKey(view, context, { id: 'second' }));
    expect(statuses(after.state<KeyringState>(KEYRING))).toEqual({ first: 'inactive', second: 'active' });
  });

  test('the active key cannot be removed, even by force', () => {
    given(initialised).when(removed('first')).thenRejected('root-key-active');
  });

  test('an unknown key cannot be removed', () => {
    given(initialised).when(removed('none')).thenRejected('root-key-not-found');
  });

  test('a key in use is removed only by force', () => {
    const story = given(initialised, rotated('second'));
    const { modifyIndex } = story.state<KeyringState>(KEYRING).keys[0]!;
    story.when(removed('first', { inUse: true, modifyIndex })).thenRejected('root-key-in-use');
    story.when(removed('first')).thenAppended(event(KEYRING, 'RootKeyRemoved', { id: 'first' }));
  });

  test('a key that was still active when its use was looked for is not removed on that word', () => {
    const story = given(initialised);
    const { modifyIndex } = story.state<KeyringState>(KEYRING).keys[0]!;
    story
      .and(rotated('second'))
      .when(removed('first', { inUse: false, modifyIndex }))
      .thenRejected('keyring-moved');
  });

  test('only a key that is being replaced becomes deprecated', () => {
    const story = given(initialised, rotated('second'));
    story.when((view, context) => deprecateRootKey(view, context, { id: 'first' })).thenNothing();
    const { after } = story
      .and(rotated('third', true))
      .when((view, context) => deprecateRootKey(view, context, { id: 'first' }));
    expect(statuses(after.state<KeyringState>(KEYRING))['first']).toBe('deprecated');
  });

  test('the number of keys is bounded', () => {
    const many = Array.from({ length: MAX_ROOT_KEYS - 1 }, (_, n) => rotated(`key ${n}`));
    given(initialised, ...many)
      .when(rotated('one more'))
      .thenRejected('keyring-full', String(MAX_ROOT_KEYS));
  });
});
