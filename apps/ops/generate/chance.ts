import { hash } from 'node:crypto';

/** What is drawn at random, the same for the same seed. */
export interface Chance {
  /** In [0, 1). */
  number(): number;
  /** In [0, below). */
  below(below: number): number;
  pick<T>(items: readonly T[]): T;
  uuid(): string;
}

/** sfc32: 128 bits of state, so that two seeds do not draw the same ids. */
export function chanceOf(seed: number): Chance {
  const words = new Int32Array(
    Uint8Array.from(Buffer.from(hash('sha256', `rollbook ledger ${seed}`, 'hex'), 'hex')).buffer,
  );
  let [a = 0, b = 0, c = 0, d = 0] = words;
  const next = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  const digits = (): string => next().toString(16).padStart(8, '0');
  const number = (): number => next() / 2 ** 32;
  const below = (most: number): number => Math.floor(number() * most);
  return {
    number,
    below,
    pick: <T>(items: readonly T[]): T => items[below(items.length)] as T,
    uuid: () => {
      const [one, two, three, four] = [digits(), digits(), digits(), digits()];
      const variant = '89ab'[Number.parseInt(three[0]!, 16) & 3]!;
      return `${one}-${two.slice(0, 4)}-4${two.slice(5)}-${variant}${three.slice(1, 4)}-${three.slice(4)}${four}`;
    },
  };
}
