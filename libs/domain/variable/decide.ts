import {
  accept,
  KEYRING,
  reject,
  variableStream,
  type CommandContext,
  type Decision,
  type Index,
  type StateView,
} from '@app/kernel';
import { activeKey, type KeyringState } from '../keyring/state.js';
import { evolveVariable } from './evolve.js';
import type { VariableEvent } from './events.js';
import type { SealedItems, VariableLock, VariableState } from './state.js';

/** Which variable, and under what condition it may be changed. */
interface VariableCommand {
  readonly namespace: string;
  readonly path: string;
  /** ModifyIndex that it must have (0: must not exist), or null for no such check. */
  readonly cas: Index | null;
}

/**
 * What a change has met. `conflict`: the variable as it is, null where it does not exist or may not be shown. Indexes of a variable that was
 * changed are those of the commit where they are null.
 */
export type VariableAnswer =
  | { readonly kind: 'changed'; readonly variable: VariableState | null }
  | { readonly kind: 'conflict'; readonly variable: VariableState | null };

const UNKNOWN_INDEX = 0;

/**
 * Creates or replaces a variable. Nomad: Variables.Apply; spec/http-api-more §2. Rejection: keyring-moved, when its items were encrypted by a key
 * that is not the active one any more.
 */
export function writeVariable(
  view: StateView,
  context: CommandContext,
  command: VariableCommand & {
    readonly items: SealedItems;
    /** Of the lock that the writer holds; empty: none. */ readonly lockId: string;
  },
): Decision<VariableAnswer> {
  const { namespace, path, items } = command;
  const present = presentOf(view, command);
  const conflict = conflictOf(present, command.cas, command.lockId);
  if (conflict !== null) return accept([], conflict);
  if (!mayEncrypt(view, items)) return reject('keyring-moved');
  return changed(context, present, command, { type: 'VariableWritten', data: { namespace, path, ...items } });
}

/** Takes the lock of a variable, or takes it once more; creates the variable if need be. Rejection: keyring-moved. */
export function lockVariable(
  view: StateView,
  context: CommandContext,
  command: VariableCommand & {
    readonly items: SealedItems;
    /** Empty: a new lock. */
    readonly lockId: string;
    readonly ttl: number;
    readonly delay: number;
  },
): Decision<VariableAnswer> {
  const { namespace, path, items, ttl, delay } = command;
  const present = presentOf(view, command);
  const isFree = (present?.lock ?? null) === null;
  const conflict = isFree ? null : conflictOf(present, null, command.lockId);
  if (conflict !== null) return accept([], conflict);
  if (!mayEncrypt(view, items)) return reject('keyring-moved');
  // The owner's times stay those of the lock; the id of a lock that is over is not taken over.
  const lock: VariableLock = present?.lock ?? { id: context.newId(), ttl, delay };
  return changed(context, present, command, { type: 'VariableLocked', data: { namespace, path, ...items, lock } });
}

/** Gives the lock of a variable back. Rejections: variable-not-found-write, variable-not-locked. */
export function releaseVariable(
  view: StateView,
  context: CommandContext,
  command: Omit<VariableCommand, 'cas'> & { readonly lockId: string },
): Decision<VariableAnswer> {
  const present = presentOf(view, command);
  if (present === undefined) return reject('variable-not-found-write');
  if (present.lock === null) return reject('variable-not-locked');
  if (present.lock.id !== command.lockId) return accept([], { kind: 'conflict', variable: null });
  return changed(context, present, command, { type: 'VariableUnlocked', data: { cause: 'released' } });
}

/** Removes a lock that was lost and whose delay has passed. One that was released or taken anew meanwhile is none of its business. */
export function expireLock(
  view: StateView,
  _context: CommandContext,
  command: Omit<VariableCommand, 'cas'> & { readonly lockId: string },
): Decision {
  const { namespace, path, lockId } = command;
  if (presentOf(view, command)?.lock?.id !== lockId) return accept([]);
  const event: VariableEvent = { type: 'VariableUnlocked', data: { cause: 'expired' } };
  return accept([{ stream: variableStream(namespace, path), event }]);
}

/** Deletes a variable; one that does not exist is no error. */
export function deleteVariable(
  view: StateView,
  context: CommandContext,
  command: VariableCommand,
): Decision<VariableAnswer> {
  const present = presentOf(view, command);
  const conflict = conflictOf(present, command.cas, '');
  if (conflict !== null) return accept([], conflict);
  if (present === undefined) return accept([], { kind: 'changed', variable: null });
  return changed(context, present, command, { type: 'VariableDeleted', data: {} });
}

/** Puts the same items under the active key. `before`: what they were encrypted as; if that has changed, they need it no more. Rejection: keyring-moved. */
export function resealVariable(
  view: StateView,
  _context: CommandContext,
  command: Omit<VariableCommand, 'cas'> & { readonly before: string; readonly items: SealedItems },
): Decision {
  const { namespace, path, before, items } = command;
  if (presentOf(view, command)?.sealed !== before) return accept([]);
  if (!mayEncrypt(view, items)) return reject('keyring-moved');
  const event: VariableEvent = { type: 'VariableResealed', data: items };
  return accept([{ stream: variableStream(namespace, path), event }]);
}

function presentOf(view: StateView, { namespace, path }: { namespace: string; path: string }) {
  const state = view.read<VariableState>(variableStream(namespace, path));
  return state?.purged === false ? state : undefined;
}

/** A stale index shows what there is; a lock of somebody else shows nothing. */
function conflictOf(present: VariableState | undefined, cas: Index | null, lockId: string): VariableAnswer | null {
  if (cas !== null && cas !== (present?.modifyIndex ?? 0)) return { kind: 'conflict', variable: present ?? null };
  const isLockedOut = (present?.lock?.id ?? lockId) !== lockId;
  // Whoever names a lock must hold it.
  const holdsNothing = lockId !== '' && (present?.lock ?? null) === null;
  return isLockedOut || holdsNothing ? { kind: 'conflict', variable: null } : null;
}

/** Only the active key encrypts: one that is rotated out is never found in use again once it is not. */
const mayEncrypt = (view: StateView, { keyId }: SealedItems): boolean =>
  activeKey(view.read<KeyringState>(KEYRING))?.id === keyId;

function changed(
  context: CommandContext,
  present: VariableState | undefined,
  { namespace, path }: { readonly namespace: string; readonly path: string },
  event: VariableEvent,
): Decision<VariableAnswer> {
  const variable = evolveVariable(present, event, { index: UNKNOWN_INDEX, time: context.now }) ?? null;
  return accept([{ stream: variableStream(namespace, path), event }], { kind: 'changed', variable });
}
