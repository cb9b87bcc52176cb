import {
  accept,
  KEYRING,
  reject,
  type CommandContext,
  type Decision,
  type Index,
  type NewEvent,
  type StateView,
  type TimeNs,
} from '@app/kernel';
import type { KeyringEvent } from './events.js';
import { activeKey, rootKey, type KeyringState, type PublicKey, type SealedRootKey } from './state.js';

/** Keys that a keyring holds at most: each is shown to everybody who checks signatures. */
export const MAX_ROOT_KEYS = 100;

/** A key that was just made, outside of the decision. */
export interface NewRootKey extends SealedRootKey {
  readonly publicKey: PublicKey;
}

const on = (event: KeyringEvent): NewEvent => ({ stream: KEYRING, event });
const keyringOf = (view: StateView): KeyringState | undefined => view.read<KeyringState>(KEYRING);

/** Gives the cluster its first key. One that has an active key already stays as it is. */
export function initialiseKeyring(
  view: StateView,
  _context: CommandContext,
  { key }: { readonly key: NewRootKey },
): Decision {
  if (activeKey(keyringOf(view)) !== undefined) return accept([]);
  return accept([on({ type: 'RootKeyAdded', data: { ...key, state: 'active', publishTime: '0', full: false } })]);
}

/** Nomad: Keyring.Rotate; spec/http-api-more §3. Rejection: keyring-full (detail: how many keys there may be). */
export function rotateKeyring(
  view: StateView,
  _context: CommandContext,
  command: { readonly key: NewRootKey; readonly full: boolean; /** `0`: now. */ readonly publishTime: TimeNs },
): Decision {
  const { key, full, publishTime } = command;
  if ((keyringOf(view)?.keys.length ?? 0) >= MAX_ROOT_KEYS) return reject('keyring-full', String(MAX_ROOT_KEYS));
  const state = publishTime === '0' ? 'active' : 'prepublished';
  return accept([on({ type: 'RootKeyAdded', data: { ...key, state, publishTime, full } })]);
}

/**
 * Nomad: Keyring.Delete. `use` is what a query found before; a key that has changed since may have been used since, so its ModifyIndex then comes with it.
 * Rejections: root-key-not-found, root-key-active, root-key-in-use, keyring-moved.
 */
export function removeRootKey(
  view: StateView,
  _context: CommandContext,
  command: { readonly id: string; readonly use: { readonly inUse: boolean; readonly modifyIndex: Index } | null },
): Decision {
  const key = rootKey(keyringOf(view), command.id);
  if (key === undefined) return reject('root-key-not-found');
  if (key.status === 'active') return reject('root-key-active');
  if (command.use?.inUse) return reject('root-key-in-use');
  if (command.use !== null && command.use.modifyIndex !== key.modifyIndex) return reject('keyring-moved');
  return accept([on({ type: 'RootKeyRemoved', data: { id: key.id } })]);
}

/** Makes a prepublished key the active one, once its time has come. */
export function publishRootKey(view: StateView, context: CommandContext, { id }: { readonly id: string }): Decision {
  const key = rootKey(keyringOf(view), id);
  if (key?.status !== 'prepublished' || BigInt(key.publishTime) > BigInt(context.now) * 1000n) return accept([]);
  return accept([on({ type: 'RootKeyPublished', data: { id } })]);
}

/** Says of a key that nothing is encrypted with it any more: found by a query, which nothing can overtake, because only the active key encrypts. */
export function deprecateRootKey(view: StateView, _context: CommandContext, { id }: { readonly id: string }): Decision {
  if (rootKey(keyringOf(view), id)?.status !== 'rekeying') return accept([]);
  return accept([on({ type: 'RootKeyDeprecated', data: { id } })]);
}
