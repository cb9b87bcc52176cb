import { isExactNumber, type Steps } from '@app/kernel';
import { Chunks, type Body } from '@app/streaming';

/** Members and elements that are made text in one step. */
const AT_A_TIME = 16;
/** How deep lists and objects are taken apart; what is below is made text at once. */
const MAX_DEPTH = 3;
const CHUNK_CHARACTERS = 256 * 1024;

/** What `JSON.stringify` writes, in steps: for answers that may be of any size. The value must be plain data. */
export function* jsonSteps(value: unknown): Steps<Body> {
  const parts: Buffer[] = [];
  let text = '';
  const write = (piece: string): void => {
    text += piece;
    if (text.length < CHUNK_CHARACTERS) return;
    parts.push(Buffer.from(text));
    text = '';
  };
  yield* pieces(value, MAX_DEPTH, write);
  const last = Buffer.from(text);
  return parts.length === 0 ? last : new Chunks([...parts, last]);
}

const isWhole = (value: unknown): boolean =>
  typeof value !== 'object' || value === null || isExactNumber(value) || 'toJSON' in value;

function* pieces(value: unknown, depth: number, write: (piece: string) => void): Steps<void> {
  if (depth === 0 || isWhole(value)) return write(JSON.stringify(value) ?? 'null');
  if (Array.isArray(value)) {
    write('[');
    for (const [n, element] of (value as unknown[]).entries()) {
      if (n > 0) write(',');
      yield* pieces(element, depth - 1, write);
      if (n % AT_A_TIME === 0) yield;
    }
    return write(']');
  }
  write('{');
  let n = 0;
  for (const [name, member] of Object.entries(value as object)) {
    // What has no text is left out.
    if (member === undefined || typeof member === 'function' || typeof member === 'symbol') continue;
    write(`${n === 0 ? '' : ','}${JSON.stringify(name)}:`);
    yield* pieces(member, depth - 1, write);
    if (n++ % AT_A_TIME === 0) yield;
  }
  return write('}');
}
