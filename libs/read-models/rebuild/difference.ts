import { ownProperty } from '@app/kernel';
import { SHOWN_VALUE } from './limits.js';

const isContainer = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function shown(value: unknown): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length > SHOWN_VALUE ? `${text.slice(0, SHOWN_VALUE)}…` : text;
}

/** The first place where a stored value is not what the log says, in words; undefined if they are equal. */
export function difference(stored: unknown, folded: unknown, path: string): string | undefined {
  if (!isContainer(stored) || !isContainer(folded)) {
    return stored === folded ? undefined : `${path} is ${shown(stored)}, the log says ${shown(folded)}`;
  }
  for (const name of new Set([...Object.keys(stored), ...Object.keys(folded)])) {
    const found = difference(
      ownProperty(stored, name),
      ownProperty(folded, name),
      path === '' ? name : `${path}.${name}`,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As {@link difference}, for JSON texts that must be equal byte for byte. */
export function textDifference(stored: string, folded: string, path: string): string | undefined {
  if (stored === folded) return undefined;
  try {
    const found = difference(JSON.parse(stored), JSON.parse(folded), path);
    return found ?? `${path} has the members of what the log says in another order or spelling`;
  } catch {
    return `${path} is ${shown(stored)}, the log says ${shown(folded)}`;
  }
}
