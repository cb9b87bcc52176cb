import { quoted } from '@app/kernel';
import type { Budget } from '../budget.js';
import { convert } from '../values/convert.js';
import { isWhole, toDouble, wholeOf } from '../values/decimal.js';
import { encode } from '../values/json.js';
import { BOOL, isSequence, NUMBER, STRING, type Type, type Value } from '../values/value.js';
import { problem } from './function.js';
import { decimalOf, shown } from './numbers.js';

const VERB = /%(?:(%)|([-+ 0#]*)(\d+)?(?:\.(\d*))?(?:\[(\d+)\])?(.?))/gsu;
const MAX_WIDTH = 10_000;

/** Go's verbs for values of the language: `%s %q %d %f %e %g %x %X %b %o %t %v %#v`, with flags, width, precision and `[n]`. */
export function formatText(format: string, args: readonly Value[], budget: Budget): string {
  let next = 0;
  let highest = 0;
  let isIndexed = false;
  const result = format.replace(
    VERB,
    (_, percent?: string, flags = '', width?: string, precision?: string, index?: string, verb = '', at = 0) => {
      if (percent !== undefined) return '%';
      if (verb === '') return problem(`unrecognized format character "%" at offset ${at}`, 0);
      if (index !== undefined) isIndexed = true;
      const number = index === undefined ? (next += 1) : (next = Number(index));
      highest = Math.max(highest, number);
      const value = args[number - 1];
      if (value === undefined) {
        return problem(
          `not enough arguments for "%${flags}${verb}" at ${at}: need index ${number} but have ${args.length} total`,
          0,
        );
      }
      if (Number(width ?? 0) > MAX_WIDTH || Number(precision ?? 0) > MAX_WIDTH)
        return problem('width is out of range', 0);
      const written = formatted(verb, value, {
        flags,
        width: Number(width ?? 0),
        precision: precision === undefined ? undefined : Number(precision),
        at,
        argument: number,
      });
      budget.grow(written.length);
      return written;
    },
  );
  if (!isIndexed && highest < args.length) {
    return problem(
      highest === 0
        ? 'too many arguments; no verbs in format string'
        : `too many arguments; only ${highest} used by format string`,
      highest + 1,
    );
  }
  budget.grow(format.length);
  return result;
}

interface Spec {
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
  readonly at: number;
  readonly argument: number;
}

function formatted(verb: string, value: Value, spec: Spec): string {
  const wanted = (type: Type) => {
    const converted = convert(value, type);
    if (!converted.ok) {
      return problem(
        `unsupported value for "%${spec.flags}${verb}" at ${spec.at}: ${converted.problem}`,
        spec.argument,
      );
    }
    if (converted.value.kind === 'null')
      return problem(
        `unsupported value for "%${spec.flags}${verb}" at ${spec.at}: null value cannot be formatted`,
        spec.argument,
      );
    return converted.value;
  };
  switch (verb) {
    case 'v':
      return padded(spec.flags.includes('#') ? encode(value) : natural(value), spec);
    case 't':
      return padded(natural(wanted(BOOL)), spec);
    case 's':
    case 'q': {
      const given = wanted(STRING);
      const all = given.kind === 'string' ? given.text : '';
      const cut = spec.precision === undefined ? all : Array.from(all).slice(0, spec.precision).join('');
      return padded(verb === 'q' ? quoted(cut) : cut, spec);
    }
    case 'd':
    case 'b':
    case 'o':
    case 'x':
    case 'X':
      return wholeNumber(verb, wanted(NUMBER), spec);
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      return realNumber(verb, toDouble(decimalOf(wanted(NUMBER))), spec);
    default:
      return problem(`unsupported format verb ${quoted(verb)} at offset ${spec.at + 1}`, 0);
  }
}

function natural(value: Value): string {
  if (value.kind === 'string') return value.text;
  if (value.kind === 'number') return isWhole(value.number) ? shown(value) : String(toDouble(value.number));
  return encode(value);
}

const RADIX: ReadonlyMap<string, number> = new Map(Object.entries({ d: 10, b: 2, o: 8, x: 16, X: 16 }));

function wholeNumber(verb: string, value: Value, spec: Spec): string {
  const decimal = decimalOf(value);
  const whole = wholeOf(decimal) ?? BigInt(Math.trunc(toDouble(decimal)));
  const digits = (whole < 0n ? -whole : whole).toString(RADIX.get(verb));
  return signed(verb === 'X' ? digits.toUpperCase() : digits, whole < 0n, spec);
}

function realNumber(verb: string, value: number, spec: Spec): string {
  const magnitude = Math.abs(value);
  const precision = Math.min(spec.precision ?? 6, 100);
  let digits: string;
  if (verb === 'f') digits = magnitude.toFixed(precision);
  else if (verb === 'e' || verb === 'E') digits = magnitude.toExponential(precision);
  else
    digits =
      spec.precision === undefined ? String(magnitude) : String(Number(magnitude.toPrecision(Math.max(1, precision))));
  digits = digits.replace(/e([+-])(\d)$/, 'e$10$2');
  return signed(verb === 'E' || verb === 'G' ? digits.toUpperCase() : digits, value < 0, spec);
}

function signed(digits: string, isNegative: boolean, spec: Spec): string {
  const sign = isNegative ? '-' : spec.flags.includes('+') ? '+' : spec.flags.includes(' ') ? ' ' : '';
  if (spec.flags.includes('0') && !spec.flags.includes('-'))
    return sign + digits.padStart(spec.width - sign.length, '0');
  return padded(sign + digits, spec);
}

const padded = (written: string, { flags, width }: Spec): string =>
  flags.includes('-') ? written.padEnd(width) : written.padStart(width);

/** One text for each element of the lists among the arguments, which are as long as each other. */
export function formatList(format: string, args: readonly Value[], budget: Budget): readonly string[] {
  let length: number | undefined;
  let longest = 0;
  for (const [i, arg] of args.entries()) {
    if (!isSequence(arg)) continue;
    if (length !== undefined && arg.items.length !== length) {
      return problem(
        `argument ${i + 1} has length ${arg.items.length}, which is inconsistent with argument ${longest + 1} of length ${length}`,
        i + 1,
      );
    }
    length = arg.items.length;
    longest = i;
  }
  return Array.from({ length: length ?? 1 }, (_, row) => {
    budget.spend(args.length + 1);
    return formatText(
      format,
      args.map((arg) => (isSequence(arg) ? arg.items[row]! : arg)),
      budget,
    );
  });
}
