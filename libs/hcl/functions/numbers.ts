import { quoted } from '@app/kernel';
import {
  compare,
  fromDouble,
  integer,
  negated,
  rounded,
  showNumber,
  toDouble,
  wholeOf,
  ZERO,
  type Decimal,
} from '../values/decimal.js';
import { NUMBER, number, type Value } from '../values/value.js';
import { num, param, problem, textOf, type FunctionTable, type HclFunction } from './function.js';

export const decimalOf = (value: Value | undefined): Decimal => (value?.kind === 'number' ? value.number : ZERO);

/** A whole number of a size that can be counted to. */
export function wholeArgument(value: Value | undefined, argument: number): number {
  const whole = wholeOf(decimalOf(value));
  if (whole === undefined) return problem('a whole number is required', argument);
  return whole > 2n ** 31n || whole < -(2n ** 31n) ? problem('number out of range', argument) : Number(whole);
}

const double = (value: number): Value => number(fromDouble(value) ?? problem('number out of range'));

const ofOne = (run: (value: Decimal) => Decimal): HclFunction => ({
  parameters: [num],
  run: ([value]) => number(run(decimalOf(value))),
});
const extreme = (sign: 1 | -1): HclFunction => ({
  parameters: [],
  rest: param('numbers', NUMBER),
  run: (args) => {
    if (args.length === 0) return problem('must pass at least one number');
    return number(args.map(decimalOf).reduce((best, one) => (compare(one, best) === sign ? one : best)));
  },
});

export const numberFunctions: FunctionTable = {
  abs: ofOne((value) => (value.digits < 0n ? negated(value) : value)),
  ceil: ofOne((value) => rounded(value, 'ceil')),
  floor: ofOne((value) => rounded(value, 'floor')),
  signum: ofOne(({ digits }) => integer(digits === 0n ? 0 : digits < 0n ? -1 : 1)),
  log: {
    parameters: [num, param('base', NUMBER)],
    run: ([value, base]) => double(Math.log(toDouble(decimalOf(value))) / Math.log(toDouble(decimalOf(base)))),
  },
  pow: {
    parameters: [num, param('power', NUMBER)],
    run: ([value, power]) => double(toDouble(decimalOf(value)) ** toDouble(decimalOf(power))),
  },
  max: extreme(1),
  min: extreme(-1),
  parseint: {
    parameters: [param('number'), param('base', NUMBER)],
    run: ([value, base]) => {
      if (value?.kind !== 'string') {
        return problem(`first argument must be a string, not ${value?.kind ?? 'dynamic'}`, 0);
      }
      return number(integer(parsedWhole(textOf(value), wholeArgument(base, 1))));
    },
  },
};

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const MAX_DIGITS = 150;

function parsedWhole(written: string, base: number): bigint {
  if (base < 2 || base > 62) {
    return problem(`base must be a whole number between 2 and 62 inclusive`, 1);
  }
  const digits = base <= 36 ? written.toLowerCase() : written;
  const unsigned = /^[+-]/.test(digits) ? digits.slice(1) : digits;
  const values = Array.from(unsigned, (digit) => DIGITS.indexOf(digit));
  const isNumber = values.length > 0 && values.every((value) => value >= 0 && value < base);
  if (!isNumber || values.length > MAX_DIGITS) {
    return problem(`cannot parse ${quoted(written)} as a base ${base} integer`, 0);
  }
  const magnitude = values.reduce((sum, value) => sum * BigInt(base) + BigInt(value), 0n);
  return digits.startsWith('-') ? -magnitude : magnitude;
}

export const shown = (value: Value): string => showNumber(decimalOf(value));
