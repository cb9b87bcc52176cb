import { parseDocument } from 'yaml';
import { fromDouble, integer, showNumber } from '../values/decimal.js';
import {
  bool,
  isMapping,
  isSequence,
  number,
  object,
  text,
  tuple,
  untypedNull,
  type Mapping,
  type Sequence,
  type Value,
} from '../values/value.js';
import { problem } from './function.js';

/** So many times may an alias repeat something. */
const MAX_ALIASES = 50;

export function yamlDecode(written: string): Value {
  let plain: unknown;
  try {
    const document = parseDocument(written, { intAsBigInt: true, prettyErrors: false });
    const [error] = document.errors;
    if (error) return problem(error.message);
    plain = document.toJS({ maxAliasCount: MAX_ALIASES, mapAsMap: true });
  } catch (error) {
    return problem(error instanceof Error ? error.message : 'invalid YAML');
  }
  return valueOf(plain, 0);
}

const MAX_DEPTH = 200;

function valueOf(plain: unknown, depth: number): Value {
  if (depth > MAX_DEPTH) return problem('nested too deeply');
  if (plain === null || plain === undefined) return untypedNull;
  if (typeof plain === 'string') return text(plain);
  if (typeof plain === 'boolean') return bool(plain);
  if (typeof plain === 'bigint') return number(integer(plain));
  if (typeof plain === 'number') return number(fromDouble(plain) ?? problem('number out of range'));
  if (Array.isArray(plain)) return tuple(plain.map((item) => valueOf(item, depth + 1)));
  if (plain instanceof Map) {
    return object([...plain].map(([name, member]) => [keyText(name), valueOf(member, depth + 1)]));
  }
  return problem('unsupported value');
}

const keyText = (key: unknown): string =>
  typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean' || typeof key === 'number'
    ? String(key)
    : problem('mapping keys must be scalars');

/** Block style with texts and keys in double quotes, texts of several lines literally. */
export const yamlEncode = (value: Value): string => {
  const written = block(value, 0);
  return written.startsWith('\n') ? written.slice(1) + '\n' : written.trimStart() + '\n';
};

/** A value behind `-` or a key: on the same line, or on lines of its own. */
function block(value: Value, indent: number): string {
  if (isSequence(value)) return value.items.length === 0 ? ' []' : sequence(value, indent);
  if (isMapping(value)) return value.members.size === 0 ? ' {}' : mapping(value, indent);
  return ` ${scalar(value, indent)}`;
}

function sequence({ items }: Sequence, indent: number): string {
  const pad = ' '.repeat(indent);
  return items
    .map((item) => {
      const inner = block(item, indent + 2);
      return `\n${pad}-${inner.startsWith('\n') ? ` ${inner.trimStart()}` : inner}`;
    })
    .join('');
}

function mapping({ members }: Mapping, indent: number): string {
  const pad = ' '.repeat(indent);
  return [...members]
    .map(([name, member]) => {
      // A list goes as far left as its key.
      const inner = block(member, isSequence(member) ? indent : indent + 2);
      return `\n${pad}${doubleQuoted(name)}:${inner}`;
    })
    .join('');
}

function scalar(value: Value, indent: number): string {
  switch (value.kind) {
    case 'number':
      return showNumber(value.number);
    case 'bool':
      return String(value.truth);
    case 'string':
      return value.text.includes('\n') ? literalBlock(value.text, indent) : doubleQuoted(value.text);
    default:
      return 'null';
  }
}

function literalBlock(value: string, indent: number): string {
  const chomping = !value.endsWith('\n') ? '-' : value.endsWith('\n\n') || value === '\n' ? '+' : '';
  const lines = value.replace(/\n$/, '').split('\n');
  const pad = ' '.repeat(Math.max(indent, 2));
  const hint = /^[ \n]/.test(value) ? '2' : '';
  return `|${hint}${chomping}\n${lines.map((line) => (line === '' ? '' : pad + line)).join('\n')}`;
}

const doubleQuoted = (value: string): string => JSON.stringify(value);
