import { TemplateError } from './template-error.js';
import { Item, printed, textOfValue, type Value } from './value.js';

const VERB = /%([-+0# ]*)(\d{0,4})(?:\.(\d{0,3}))?([a-zA-Z%])/g;

/** Go's fmt.Sprintf with the verbs that templates use: `%s %v %q %d %x %X %o %b %c %t %f %e %g %%`, flags, width and precision. */
export function sprintf(format: string, values: readonly Value[]): string {
  let next = 0;
  const made = format.replace(VERB, (_, flags: string, width: string, precision: string | undefined, verb: string) => {
    if (verb === '%') return '%';
    if (next >= values.length) return `%!${verb}(MISSING)`;
    const text = verbOf(verb, values[next++], flags, precision);
    return padded(text, flags, Number(width));
  });
  if (next >= values.length) return made;
  return `${made}%!(EXTRA ${values
    .slice(next)
    .map((one) => `${kindOf(one)}=${printed(one)}`)
    .join(', ')})`;
}

function padded(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0')) return text.padStart(width);
  const [, sign = '', digits = ''] = /^([-+]?)([^]*)$/.exec(text) ?? [];
  return sign + digits.padStart(width - sign.length, '0');
}

function verbOf(verb: string, value: Value, flags: string, precision: string | undefined): string {
  const wrong = `%!${verb}(${kindOf(value)}=${printed(value)})`;
  switch (verb) {
    case 'v':
    case 's':
      if (verb === 's' && typeof value !== 'string' && !(value instanceof Item) && !Array.isArray(value)) return wrong;
      return precision === undefined ? printed(value) : Array.from(printed(value)).slice(0, Number(precision)).join('');
    case 'q':
      return JSON.stringify(textOfValue(value));
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong;
    case 'f':
    case 'F':
    case 'e':
    case 'g':
      return typeof value === 'number' ? signed(value, floatOf(verb, value, precision), flags) : wrong;
    case 'd':
      return typeof value === 'bigint' ? signed(value, String(value), flags) : wrong;
    case 'c':
      return typeof value === 'bigint' && value >= 0n && value <= 0x10ffffn
        ? String.fromCodePoint(Number(value))
        : wrong;
    case 'x':
    case 'X':
    case 'o':
    case 'b':
      return inBase(verb, value) ?? wrong;
    default:
      return wrong;
  }
}

const signed = (value: bigint | number, text: string, flags: string): string =>
  value >= 0 && flags.includes('+') ? `+${text}` : text;

function floatOf(verb: string, value: number, precision: string | undefined): string {
  const digits = Math.min(Number(precision || 6), 100);
  if (verb === 'g')
    return precision === undefined ? printed(value) : String(Number(value.toPrecision(Math.max(digits, 1))));
  if (verb === 'e') return value.toExponential(digits).replace(/e([-+])(\d)$/, 'e$10$2');
  return value.toFixed(digits);
}

function inBase(verb: string, value: Value): string | undefined {
  const base = verb === 'o' ? 8 : verb === 'b' ? 2 : 16;
  const plain =
    typeof value === 'bigint'
      ? value.toString(base)
      : typeof value === 'string' && base === 16
        ? Buffer.from(value).toString('hex')
        : undefined;
  return verb === 'X' ? plain?.toUpperCase() : plain;
}

function kindOf(value: Value): string {
  switch (typeof value) {
    case 'bigint':
      return 'int';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    case 'undefined':
      return '<nil>';
    default:
      if (value === null) return '<nil>';
      throw new TemplateError(`printf cannot print ${printed(value).slice(0, 100)} so`);
  }
}
