/** A number with its digits: `digits × 10^exponent`, no zero at the end of the digits. */
export interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

/** As many digits as HCL's 512 bits hold. */
const PRECISION = 154;
/** Beyond, writing a number out would be the work. */
const MAX_EXPONENT = 1_000;
const TEN = 10n;
const LIMIT = TEN ** BigInt(PRECISION);

export const ZERO: Decimal = { digits: 0n, exponent: 0 };
export const integer = (value: bigint | number): Decimal => normal(BigInt(value), 0)!;

/** undefined: out of range. */
function normal(digits: bigint, exponent: number): Decimal | undefined {
  if (digits === 0n) return ZERO;
  let [kept, power] = [digits, exponent];
  if (kept >= LIMIT || kept <= -LIMIT) {
    const excess = (kept < 0n ? -kept : kept).toString().length - PRECISION;
    kept = roundedQuotient(kept, TEN ** BigInt(excess));
    power += excess;
  }
  const zeros = /0*$/.exec(kept.toString())![0].length;
  if (zeros > 0) {
    kept /= TEN ** BigInt(zeros);
    power += zeros;
  }
  return Math.abs(power) > MAX_EXPONENT ? undefined : { digits: kept, exponent: power };
}

function roundedQuotient(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  const isUp = (rest < 0n ? -rest : rest) * 2n >= (divisor < 0n ? -divisor : divisor);
  if (!isUp) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

/** Reads digits with an optional sign, fraction and exponent. undefined: no number, or one that is out of range. */
export function parseNumber(written: string): Decimal | undefined {
  const parts = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(written);
  if (!parts || written.length > 2 * MAX_EXPONENT) return undefined;
  const [, sign, whole, fraction = '', exponent = '0'] = parts;
  return normal(BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`), Number(exponent) - fraction.length);
}

export function fromDouble(value: number): Decimal | undefined {
  return Number.isFinite(value) ? parseNumber(String(value)) : undefined;
}

const aligned = (left: Decimal, right: Decimal) => {
  const exponent = Math.min(left.exponent, right.exponent);
  const scaled = ({ digits, exponent: power }: Decimal) => digits * TEN ** BigInt(power - exponent);
  return { left: scaled(left), right: scaled(right), exponent };
};

export function add(a: Decimal, b: Decimal): Decimal | undefined {
  const { left, right, exponent } = aligned(a, b);
  return normal(left + right, exponent);
}

export const negated = ({ digits, exponent }: Decimal): Decimal => ({ digits: -digits, exponent });

export const multiply = (a: Decimal, b: Decimal): Decimal | undefined =>
  normal(a.digits * b.digits, a.exponent + b.exponent);

/** The divisor is not 0. */
export const divide = (a: Decimal, b: Decimal): Decimal | undefined =>
  normal(roundedQuotient(a.digits * LIMIT * LIMIT, b.digits), a.exponent - b.exponent - 2 * PRECISION);

/** The rest of a division towards zero, with the sign of the dividend; the divisor is not 0. */
export function remainder(a: Decimal, b: Decimal): Decimal | undefined {
  const { left, right, exponent } = aligned(a, b);
  return normal(left % right, exponent);
}

export function compare(a: Decimal, b: Decimal): number {
  const { left, right } = aligned(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

export const isWhole = ({ exponent }: Decimal): boolean => exponent >= 0;

/** The whole number that it is. undefined: it has a fraction. */
export const wholeOf = ({ digits, exponent }: Decimal): bigint | undefined =>
  exponent < 0 ? undefined : digits * TEN ** BigInt(exponent);

/** The next whole number below or above. */
export function rounded({ digits, exponent }: Decimal, towards: 'floor' | 'ceil'): Decimal {
  if (exponent >= 0) return { digits, exponent };
  const divisor = TEN ** BigInt(-exponent);
  const quotient = digits / divisor;
  const goesOn = digits % divisor !== 0n;
  if (towards === 'floor') return integer(goesOn && digits < 0n ? quotient - 1n : quotient);
  return integer(goesOn && digits > 0n ? quotient + 1n : quotient);
}

/** All its digits, without an exponent. */
export function showNumber({ digits, exponent }: Decimal): string {
  const sign = digits < 0n ? '-' : '';
  const written = (digits < 0n ? -digits : digits).toString();
  if (exponent >= 0) return sign + written + '0'.repeat(exponent);
  const padded = written.padStart(1 - exponent, '0');
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

export const toDouble = (value: Decimal): number => Number(`${value.digits}e${value.exponent}`);
