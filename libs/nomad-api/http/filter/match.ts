import { quoted } from '@app/kernel';
import { RE2JS, RE2JSException } from 're2js';
import { parseBool, parseFloat64, parseInt64, parseUint64 } from '../go-strconv.js';
import { ok, type Result } from '../result.js';
import type { Match } from './expression.js';
import type { ScalarType } from './type.js';
import { dereference, elementsOf, FilterFault, hasKey, kindOf, membersOf, type Value } from './value.js';

/** Integers may come as numbers, as bigints, or as decimal digits where a double would lose some. */
function integerOf(json: unknown): bigint {
  if (typeof json === 'bigint') return json;
  if (typeof json === 'number' && Number.isFinite(json)) return BigInt(Math.trunc(json));
  return typeof json === 'string' && /^-?[0-9]+$/.test(json) ? BigInt(json) : 0n;
}

/** Compares as the field's kind. The error is that of the text which cannot be coerced. */
function isEqual(type: ScalarType, json: unknown, text: string): Result<boolean> {
  const compare = <T>(wanted: Result<T>, actual: T): Result<boolean> =>
    wanted.ok ? ok(wanted.value === actual) : wanted;
  switch (type.kind) {
    case 'bool':
      return compare(parseBool(text), json === true);
    case 'int':
      return compare(parseInt64(text, 0), integerOf(json));
    case 'uint':
      return compare(parseUint64(text, 0), integerOf(json));
    case 'float':
      return compare(parseFloat64(text), Number(json ?? 0));
    case 'string':
      return ok((json ?? '') === text);
  }
}

const asScalar = ({ type }: Value): ScalarType | undefined => (type && 'kindName' in type ? type : undefined);

function unwrap(result: Result<boolean>): boolean {
  if (!result.ok) throw new FilterFault(`error getting match value in expression: ${result.error}`);
  return result.value;
}

function equals(value: Value, text: string): boolean {
  const type = asScalar(value);
  if (!type) throw new FilterFault('unable to find suitable primitive comparison function for matching');
  return unwrap(isEqual(type, value.json, text));
}

/** Elements of any type are compared each as its own; one that the text cannot be coerced to is simply not equal. */
function isAnyElement(elements: readonly unknown[], text: string): boolean {
  return elements.some((json) => {
    const item = dereference({ type: { kind: 'any', goType: 'interface {}' }, json });
    const type = asScalar(item);
    if (type) {
      const equal = isEqual(type, item.json, text);
      return equal.ok && equal.value;
    }
    if (!item.type) return false;
    throw new FilterFault(
      `unable to find suitable primitive comparison function for "in" comparison in interface slice: ${kindOf(item)}`,
    );
  });
}

function isElement(value: Value, text: string): boolean {
  const element = value.type?.kind === 'list' ? value.type.element : undefined;
  const elements = elementsOf(value.json);
  if (element?.kind === 'any') return isAnyElement(elements, text);
  const target = element?.kind === 'pointer' ? element.target : element;
  const type = asScalar({ type: target, json: undefined });
  if (!type) throw new FilterFault('unable to find suitable primitive comparison function for "in" comparison');
  unwrap(isEqual(type, undefined, text));
  return elements.some((json) => unwrap(isEqual(type, json, text)));
}

function contains(value: Value, match: Match): boolean {
  switch (value.type?.kind) {
    case 'map':
      return hasKey(value.json, match.value);
    case 'list':
      return isElement(value, match.value);
    case 'string':
      return String(value.json ?? '').includes(match.value);
    default: {
      const type = asScalar(value);
      if (type) unwrap(isEqual(type, value.json, match.value));
      throw unfit('in/contains', value, match);
    }
  }
}

const unfit = (operation: string, value: Value, { selector }: Match): FilterFault =>
  new FilterFault(
    `cannot perform ${operation} operations on type ${kindOf(value)} for selector: ${quoted(selector.text)}`,
  );

function isEmpty(value: Value, match: Match): boolean {
  switch (value.type?.kind) {
    case 'map':
      return Object.keys(membersOf(value.json)).length === 0;
    case 'list':
      return elementsOf(value.json).length === 0;
    case 'string':
      return (value.json ?? '') === '';
    default:
      throw unfit('is-empty', value, match);
  }
}

function isNil(value: Value, match: Match): boolean {
  switch (value.type?.kind) {
    case undefined:
      return true;
    case 'map':
    case 'list':
      return value.json === null || value.json === undefined;
    case 'struct':
      return false;
    default:
      throw unfit('is-nil', value, match);
  }
}

const patterns = new WeakMap<Match, RE2JS>();

function patternOf(match: Match): RE2JS {
  const known = patterns.get(match);
  if (known) return known;
  try {
    const pattern = RE2JS.compile(match.value);
    patterns.set(match, pattern);
    return pattern;
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new FilterFault(`failed to compile regular expression ${quoted(match.value)}: ${error.message}`);
  }
}

function isMatch(value: Value, match: Match): boolean {
  const { type, json } = value;
  const isBytes = type?.kind === 'list' && type.goType === '[]uint8';
  if (type?.kind !== 'string' && !isBytes) {
    throw new FilterFault(`value of type ${type?.goType ?? 'invalid'} is not convertible to []byte`);
  }
  const text = isBytes ? Buffer.from(String(json ?? ''), 'base64').toString('utf8') : String(json ?? '');
  return patternOf(match).matcher(text).find();
}

/** Whether a value fits, before negation. @throws FilterFault when the operator cannot be used on it. */
export function matches(value: Value, match: Match): boolean {
  switch (match.operator) {
    case 'equal':
      return equals(value, match.value);
    case 'in':
      return contains(value, match);
    case 'matches':
      return isMatch(value, match);
    case 'isEmpty':
      return isEmpty(value, match);
    case 'isNil':
      return isNil(value, match);
  }
}

/** What holds of a key that a map lacks: it is empty and nil, and nothing else. */
export const matchesMissing = ({ operator }: Match): boolean => operator === 'isEmpty' || operator === 'isNil';
