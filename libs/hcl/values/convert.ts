import { parseNumber, showNumber, compare } from './decimal.js';
import { keyOf } from './json.js';
import {
  ANY,
  bool,
  compareTexts,
  isMapping,
  isSequence,
  list,
  map,
  number,
  object,
  sameType,
  text,
  tuple,
  typeName,
  typeOf,
  UNKNOWN,
  type Type,
  type Value,
} from './value.js';

/** A value in another type, or why it cannot be had. */
export type Converted = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly problem: string };

const ok = (value: Value): Converted => ({ ok: true, value });
const no = (problem: string): Converted => ({ ok: false, problem });

/** Converts as HCL does: numbers, bools and texts into each other where they read alike, sequences into lists and sets, objects into maps. */
export function convert(value: Value, type: Type): Converted {
  if (type.kind === 'any' || value.kind === 'unknown') return ok(value);
  if (value.kind === 'null') return ok({ kind: 'null', type });
  switch (type.kind) {
    case 'string':
    case 'number':
    case 'bool':
      return primitive(value, type);
    case 'list':
    case 'set':
      return isSequence(value) ? elements(value.items, type) : no(mismatch(value, type));
    case 'map':
      return isMapping(value) ? members(value.members, type) : no(mismatch(value, type));
    case 'tuple':
      return value.kind === 'tuple' && value.items.length === type.elements.length
        ? gathered(
            value.items.map((item, i) => convert(item, type.elements[i]!)),
            tuple,
          )
        : no('tuple required');
    case 'object':
      return isMapping(value) ? ofShape(value.members, type.members) : no('object required');
  }
}

function primitive(value: Value, type: Type): Converted {
  if (value.kind === type.kind) return ok(value);
  if (type.kind === 'string') {
    if (value.kind === 'number') return ok(text(showNumber(value.number)));
    if (value.kind === 'bool') return ok(text(String(value.truth)));
  } else if (value.kind === 'string') {
    if (type.kind === 'number') {
      const parsed = parseNumber(value.text);
      return parsed ? ok(number(parsed)) : no('a number is required');
    }
    if (value.text === 'true' || value.text === '1') return ok(bool(true));
    if (value.text === 'false' || value.text === '0') return ok(bool(false));
    const lower = value.text.toLowerCase();
    return no(
      (lower === 'true' || lower === 'false') && /^(True|TRUE|False|FALSE)$/.test(value.text)
        ? `a bool is required; to convert from string, use lowercase "${lower}"`
        : 'a bool is required',
    );
  }
  return no(mismatch(value, type));
}

function mismatch(value: Value, type: Type): string {
  const isStructural = value.kind === 'tuple' || value.kind === 'object';
  if (isStructural && 'element' in type) return `${typeName(type)} required`;
  return `${typeName(type)} required, but have ${typeName(typeOf(value))}`;
}

function gathered(parts: readonly Converted[], make: (values: readonly Value[]) => Value): Converted {
  const problem = parts.find((part) => !part.ok);
  return problem ?? ok(make(parts.map((part) => (part.ok ? part.value : UNKNOWN))));
}

function elements(items: readonly Value[], type: Extract<Type, { element: Type }>): Converted {
  const element = type.element.kind === 'any' ? unified(items.map(typeOf)) : type.element;
  if (element === undefined) return no(`all ${type.kind} elements must have the same type`);
  const converted: Value[] = [];
  for (const [i, item] of items.entries()) {
    const one = convert(item, element);
    if (!one.ok) return no(`element ${i}: ${one.problem}`);
    converted.push(one.value);
  }
  return ok(type.kind === 'set' ? set(element, converted) : list(element, converted));
}

function members(given: ReadonlyMap<string, Value>, type: Extract<Type, { element: Type }>): Converted {
  const element = type.element.kind === 'any' ? unified([...given.values()].map(typeOf)) : type.element;
  if (element === undefined) return no('all map elements must have the same type');
  const converted: [string, Value][] = [];
  for (const [name, member] of given) {
    const one = convert(member, element);
    if (!one.ok) return no(`element ${JSON.stringify(name)}: ${one.problem}`);
    converted.push([name, one.value]);
  }
  return ok(map(element, converted));
}

function ofShape(given: ReadonlyMap<string, Value>, shape: ReadonlyMap<string, Type>): Converted {
  const missing = [...shape.keys()].filter((name) => !given.has(name)).sort(compareTexts);
  if (missing.length === 1) return no(`attribute ${JSON.stringify(missing[0])} is required`);
  if (missing.length > 1) {
    const names = missing.map((name) => JSON.stringify(name));
    const head = missing.length === 2 ? names[0] : `${names.slice(0, -1).join(', ')},`;
    return no(`attributes ${head} and ${names.at(-1)} are required`);
  }
  const converted: [string, Value][] = [];
  for (const [name, type] of shape) {
    const one = convert(given.get(name)!, type);
    if (!one.ok) return no(`attribute ${JSON.stringify(name)}: ${one.problem}`);
    converted.push([name, one.value]);
  }
  return ok(object(converted));
}

/** A set: texts and numbers in their order, each once. */
export function set(element: Type, items: readonly Value[]): Value {
  const distinct = [...new Map(items.map((item) => [keyOf(item), item])).values()];
  return { kind: 'set', element, items: distinct.sort(order) };
}

function order(a: Value, b: Value): number {
  if (a.kind === 'number' && b.kind === 'number') return compare(a.number, b.number);
  if (a.kind === 'string' && b.kind === 'string') return compareTexts(a.text, b.text);
  if (a.kind === 'bool' && b.kind === 'bool') return Number(a.truth) - Number(b.truth);
  return compareTexts(keyOf(a), keyOf(b));
}

/** The type that all can be converted to. undefined: there is none. */
export function unified(types: readonly Type[]): Type | undefined {
  return types.reduce<Type | undefined>((sum, type) => sum && unify(sum, type), ANY);
}

const PRIMITIVE = new Set(['string', 'number', 'bool']);

function unify(a: Type, b: Type): Type | undefined {
  if (a.kind === 'any') return b;
  if (b.kind === 'any' || sameType(a, b)) return a;
  if (PRIMITIVE.has(a.kind) && PRIMITIVE.has(b.kind)) {
    return a.kind === 'string' || b.kind === 'string' ? { kind: 'string' } : undefined;
  }
  const [left, right] = [elementsOf(a), elementsOf(b)];
  if (left && right) {
    if (a.kind === 'tuple' && b.kind === 'tuple' && left.length === right.length) {
      const pairs = left.map((one, i) => unify(one, right[i]!));
      if (pairs.every((one) => one !== undefined)) return { kind: 'tuple', elements: pairs };
    }
    const element = unified([...left, ...right]);
    const kind = a.kind === 'set' && b.kind === 'set' ? 'set' : 'list';
    return element && { kind, element };
  }
  const [from, to] = [membersOf(a), membersOf(b)];
  if (!from || !to) return undefined;
  if (a.kind === 'object' && b.kind === 'object' && a.members.size === b.members.size) {
    const pairs = [...a.members].map(
      ([name, type]) => [name, b.members.has(name) ? unify(type, b.members.get(name)!) : undefined] as const,
    );
    if (pairs.every((pair): pair is readonly [string, Type] => pair[1] !== undefined))
      return { kind: 'object', members: new Map(pairs) };
  }
  const element = unified([...from, ...to]);
  return element && { kind: 'map', element };
}

const elementsOf = (type: Type): readonly Type[] | undefined =>
  type.kind === 'tuple' ? type.elements : type.kind === 'list' || type.kind === 'set' ? [type.element] : undefined;
const membersOf = (type: Type): readonly Type[] | undefined =>
  type.kind === 'object' ? [...type.members.values()] : type.kind === 'map' ? [type.element] : undefined;
