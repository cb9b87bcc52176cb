import { MAX_DEPTH } from '../budget.js';
import { HclError } from '../diagnostics.js';
import { isMapping, isSequence, type Value } from './value.js';

const CHARS_PER_STEP = 64;
const known = new WeakMap<object, { readonly size: number; readonly depth: number }>();

/**
 * The steps that it takes to walk through a value, with each part as often as it appears.
 * @throws HclError when it is nested too deeply.
 */
export const sizeOf = (value: Value): number => measure(value).size;

function measure(value: Value): { readonly size: number; readonly depth: number } {
  if (value.kind === 'string') return { size: 1 + Math.floor(value.text.length / CHARS_PER_STEP), depth: 1 };
  const parts = isSequence(value) ? value.items : isMapping(value) ? value.members.values() : undefined;
  if (parts === undefined) return { size: 1, depth: 1 };
  const remembered = known.get(value);
  if (remembered !== undefined) return remembered;
  let [size, depth] = [1, 1];
  for (const part of parts) {
    const inner = measure(part);
    size += inner.size;
    depth = Math.max(depth, inner.depth + 1);
  }
  if (depth > MAX_DEPTH) throw new HclError('values are nested too deeply');
  const measured = { size, depth };
  known.set(value, measured);
  return measured;
}
