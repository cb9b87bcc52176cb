import { rawNumber } from '@app/domain';
import { parseNumber, showNumber, toDouble, wholeOf, type Decimal } from './decimal.js';
import { bool, isSequence, number, object, text, tuple, untypedNull, type Value } from './value.js';

const MAX_INT64 = 2n ** 63n - 1n;

/** A number as Go encodes what it decoded: whole ones with their digits as far as 64 bits hold them, others as a double. */
export function jsonNumber(value: Decimal): unknown {
  const whole = wholeOf(value);
  if (whole === undefined || whole > MAX_INT64 || whole < -MAX_INT64 - 1n) return toDouble(value);
  return Number.isSafeInteger(Number(whole)) ? Number(whole) : rawNumber(whole.toString());
}

/** The canonical key of a value: equal values have equal ones. */
export function keyOf(value: Value): string {
  return value.kind === 'number' ? showNumber(value.number) : `${value.kind}:${encode(value)}`;
}

/** JSON as `jsonencode` writes it: compact, keys in order, `<`, `>` and `&` escaped. */
export function encode(value: Value): string {
  switch (value.kind) {
    case 'string':
      return escaped(value.text);
    case 'number':
      return showNumber(value.number);
    case 'bool':
      return String(value.truth);
    case 'null':
    case 'unknown':
      return 'null';
    default:
      return isSequence(value)
        ? `[${value.items.map(encode).join(',')}]`
        : `{${[...value.members].map(([name, member]) => `${escaped(name)}:${encode(member)}`).join(',')}}`;
  }
}

const escaped = (value: string): string =>
  JSON.stringify(value.toWellFormed()).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A number of a JSON text, as it is written there. */
class Digits {
  constructor(readonly written: string) {}
}
type Parse = (
  json: string,
  reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown;

/** A JSON text as a value; numbers keep their digits. @throws SyntaxError */
export const decode = (json: string): Value =>
  valueOf(
    (JSON.parse as Parse)(json, (_, value, { source }) =>
      typeof value === 'number' ? new Digits(source ?? String(value)) : value,
    ),
  );

function valueOf(plain: unknown): Value {
  if (plain === null || plain === undefined) return untypedNull;
  if (typeof plain === 'string') return text(plain);
  if (typeof plain === 'boolean') return bool(plain);
  if (plain instanceof Digits) {
    const read = parseNumber(plain.written);
    if (read === undefined) throw new SyntaxError('number out of range');
    return number(read);
  }
  if (Array.isArray(plain)) return tuple(plain.map(valueOf));
  return object(Object.entries(plain).map(([name, member]) => [name, valueOf(member)]));
}
