import type { Index } from '@app/kernel';
import { randomInt } from 'node:crypto';
import { MAX_ANSWER_DEPTH } from './limits.js';

// randomInt draws from fewer than 2^48 numbers at once: two draws make the 52 random bits.
const HALF = 2 ** 26;

/**
 * Stands for the index of a commit in states, rows and answers that are made before the append gives out the index: a random
 * integer in [2^52, 2^53), drawn once per process. The append replaces its 16 decimal digits by the real index wherever the text of a
 * snapshot, row or answer holds them. Nobody outside the process ever sees it, so no input can forge it.
 */
export const pendingIndex: Index = 2 ** 52 + randomInt(HALF) * HALF + randomInt(HALF);

/** The digits of {@link pendingIndex}, as they stand in JSON text. */
export const pendingDigits = String(pendingIndex);

/** The text with the pending index replaced by the real one. */
export const withIndex = (text: string, index: Index): string => text.replaceAll(pendingDigits, String(index));

/** The answer with every number that is the pending index replaced by the real one, in objects and arrays too. */
export function answerWithIndex<A>(answer: A, index: Index): A {
  return replaceIn(answer, index, MAX_ANSWER_DEPTH) as A;
}

function replaceIn(value: unknown, index: Index, depth: number): unknown {
  if (value === pendingIndex) return index;
  if (typeof value !== 'object' || value === null || depth === 0) return value;
  if (Array.isArray(value)) return value.map((item) => replaceIn(item, index, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaceIn(member, index, depth - 1)]));
}
