import { renderVariableMetadata, type SealedItems, type VariableState } from '@app/domain';
import type { Index } from '@app/kernel';
import type { Items, Keyring } from '@app/keyring';
import { compareBytes } from '../http/index.js';

/** Items as JSON text, in the order of their names' bytes. Names are texts of anybody's choice: no object is made of them. */
export const itemsText = (items: Items): string =>
  `{${[...items]
    .sort(([a], [b]) => compareBytes(a, b))
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join(',')}}`;

/** Nomad: VariableDecrypted. `items`: JSON text. */
export function variableText(variable: VariableState, items: string, showsLock: boolean): string {
  const metadata = JSON.stringify(renderVariableMetadata(variable, showsLock));
  return `${metadata.slice(0, -1)},"Items":${items}}`;
}

/** What stands where a conflicting variable does not exist, or is not for the caller. */
export const noVariable = (namespace: string, path: string): VariableState => ({
  namespace,
  path,
  keyId: '',
  sealed: '',
  lock: null,
  createIndex: 0,
  modifyIndex: 0,
  createTime: 0,
  modifyTime: 0,
  purged: false,
});

/** The answer to a write as it may be kept for whoever repeats its key: with the items as the log has them. */
export interface KeptAnswer {
  readonly kind: 'changed' | 'conflict';
  readonly variable: VariableState | null;
}

/** The variable as it is after the commit with this index; decisions do not know theirs. */
export const withCommitIndex = (variable: VariableState, index: Index): VariableState => ({
  ...variable,
  createIndex: variable.createIndex || index,
  modifyIndex: variable.modifyIndex || index,
});

/** The items of a stored variable as JSON text. */
export const openedText = async (keyring: Keyring, variable: VariableState & SealedItems): Promise<string> =>
  itemsText(await keyring.openItems(variable.namespace, variable.path, variable));
