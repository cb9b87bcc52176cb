import type { Decimal } from './decimal.js';

export type Type =
  | { readonly kind: 'string' | 'number' | 'bool' | 'any' }
  | { readonly kind: 'list' | 'set' | 'map'; readonly element: Type }
  | { readonly kind: 'tuple'; readonly elements: readonly Type[] }
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, Type> };

/** A value of the language. `unknown` stands for one whose evaluation failed. */
export type Value =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly number: Decimal }
  | { readonly kind: 'bool'; readonly truth: boolean }
  | { readonly kind: 'null'; readonly type: Type }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'tuple'; readonly items: readonly Value[] }
  /** The items of a set are in order, each once. */
  | { readonly kind: 'list' | 'set'; readonly items: readonly Value[]; readonly element: Type }
  /** Members are in the order of their keys. */
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, Value> }
  | { readonly kind: 'map'; readonly members: ReadonlyMap<string, Value>; readonly element: Type };

export type Sequence = Extract<Value, { readonly items: readonly Value[] }>;
export type Mapping = Extract<Value, { readonly members: ReadonlyMap<string, Value> }>;

export const STRING: Type = { kind: 'string' };
export const NUMBER: Type = { kind: 'number' };
export const BOOL: Type = { kind: 'bool' };
export const ANY: Type = { kind: 'any' };
export const listOf = (element: Type): Type => ({ kind: 'list', element });
export const setOf = (element: Type): Type => ({ kind: 'set', element });
export const mapOf = (element: Type): Type => ({ kind: 'map', element });

export const UNKNOWN: Value = { kind: 'unknown' };
export const untypedNull: Value = { kind: 'null', type: ANY };
export const text = (value: string): Value => ({ kind: 'string', text: value });
export const number = (value: Decimal): Value => ({ kind: 'number', number: value });
export const bool = (truth: boolean): Value => ({ kind: 'bool', truth });
export const tuple = (items: readonly Value[]): Value => ({ kind: 'tuple', items });
export const list = (element: Type, items: readonly Value[]): Value => ({ kind: 'list', items, element });
export const object = (members: Iterable<readonly [string, Value]>): Value => ({
  kind: 'object',
  members: sorted(members),
});
export const map = (element: Type, members: Iterable<readonly [string, Value]>): Value => ({
  kind: 'map',
  members: sorted(members),
  element,
});

/** By code point, as Go compares texts. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  let at = 0;
  while (a[at] === b[at]) at += 1;
  const [left, right] = [a.codePointAt(at) ?? -1, b.codePointAt(at) ?? -1];
  return left < right ? -1 : 1;
}

/** A later member of one name wins. */
const sorted = (members: Iterable<readonly [string, Value]>): ReadonlyMap<string, Value> =>
  new Map([...new Map(members)].sort(([a], [b]) => compareTexts(a, b)));

export const isSequence = (value: Value): value is Sequence => 'items' in value;
export const isMapping = (value: Value): value is Mapping => 'members' in value;

export function typeOf(value: Value): Type {
  switch (value.kind) {
    case 'string':
    case 'number':
    case 'bool':
      return { kind: value.kind };
    case 'null':
      return value.type;
    case 'unknown':
      return ANY;
    case 'tuple':
      return { kind: 'tuple', elements: value.items.map(typeOf) };
    case 'list':
    case 'set':
    case 'map':
      return { kind: value.kind, element: value.element };
    case 'object':
      return { kind: 'object', members: new Map([...value.members].map(([name, member]) => [name, typeOf(member)])) };
  }
}

/** What a type is called in a diagnostic. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'any':
      return 'dynamic';
    case 'list':
    case 'set':
    case 'map':
      return `${type.kind} of ${type.element.kind === 'any' ? 'any single type' : typeName(type.element)}`;
    default:
      return type.kind;
  }
}

export function sameType(a: Type, b: Type): boolean {
  if (a.kind !== b.kind) return false;
  if ('element' in a && 'element' in b) return sameType(a.element, b.element);
  if (a.kind === 'tuple' && b.kind === 'tuple')
    return a.elements.length === b.elements.length && a.elements.every((one, i) => sameType(one, b.elements[i]!));
  if (a.kind === 'object' && b.kind === 'object')
    return (
      a.members.size === b.members.size &&
      [...a.members].every(([name, type]) => b.members.has(name) && sameType(type, b.members.get(name)!))
    );
  return true;
}

/** Whether a value is known down to its last part. */
export function isKnown(value: Value): boolean {
  if (value.kind === 'unknown') return false;
  if (isSequence(value)) return value.items.every(isKnown);
  return isMapping(value) ? [...value.members.values()].every(isKnown) : true;
}

/** Equal in type and value. */
export function sameValue(a: Value, b: Value): boolean {
  if (a.kind === 'null' || b.kind === 'null') return a.kind === b.kind;
  if (a.kind !== b.kind) return false;
  if (a.kind === 'string' && b.kind === 'string') return a.text === b.text;
  if (a.kind === 'bool' && b.kind === 'bool') return a.truth === b.truth;
  if (a.kind === 'number' && b.kind === 'number')
    return a.number.digits === b.number.digits && a.number.exponent === b.number.exponent;
  if (isSequence(a) && isSequence(b))
    return a.items.length === b.items.length && a.items.every((item, i) => sameValue(item, b.items[i]!));
  if (isMapping(a) && isMapping(b)) {
    const { members } = b;
    return (
      a.members.size === members.size &&
      [...a.members].every(([name, member]) => members.has(name) && sameValue(member, members.get(name)!))
    );
  }
  return false;
}
