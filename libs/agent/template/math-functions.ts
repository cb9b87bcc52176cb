import { TemplateError } from './template-error.js';
import { printed, type TemplateFunction, type Value } from './value.js';

type Whole = (a: bigint, b: bigint) => bigint;
type Broken = (a: number, b: number) => number;

const number = (value: Value): bigint | number => {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  throw new TemplateError(`expected a number, got ${printed(value).slice(0, 100)}`);
};

/** Whole numbers of 64 bits stay such; with a float both are floats. The second of the arguments comes first in the sum: `5 | subtract 2` is 3. */
const arithmetic =
  (whole: Whole, broken: Broken): TemplateFunction =>
  ([right, left]) => {
    const [a, b] = [number(left), number(right)];
    if (typeof a === 'bigint' && typeof b === 'bigint') return BigInt.asIntN(64, whole(a, b));
    return broken(Number(a), Number(b));
  };

const divisor = <T extends bigint | number>(value: T): T => {
  if (Number(value) === 0) throw new TemplateError('division by zero');
  return value;
};

export const MATH_FUNCTIONS: readonly (readonly [string, TemplateFunction])[] = [
  [
    'add',
    arithmetic(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  ],
  [
    'subtract',
    arithmetic(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  ],
  [
    'multiply',
    arithmetic(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ],
  [
    'divide',
    arithmetic(
      (a, b) => a / divisor(b),
      (a, b) => a / divisor(b),
    ),
  ],
  [
    'modulo',
    arithmetic(
      (a, b) => a % divisor(b),
      (a, b) => a % divisor(b),
    ),
  ],
  ['minimum', arithmetic((a, b) => (a < b ? a : b), Math.min)],
  ['maximum', arithmetic((a, b) => (a > b ? a : b), Math.max)],
];
