import { quoted, ownProperty } from '@app/kernel';
import { parseInt64 } from '../go-strconv.js';
import { any, bool, float64, list, map, string, type FilterType } from './type.js';

/** Evaluation stops with this text; thrown and caught within this folder. */
export class FilterFault {
  constructor(readonly text: string) {}
}

/** A value with its type; `invalid` is what is behind a nil pointer. Absent JSON is the type's zero value. */
export type Value =
  { readonly type: FilterType; readonly json: unknown } | { readonly type: undefined; readonly json: undefined };
export const INVALID: Value = { type: undefined, json: undefined };

/** What a path led to: a value, or nothing because a map lacks the last key. */
export type Found = { readonly value: Value } | undefined;

const dynamicType = (json: unknown): FilterType => {
  if (typeof json === 'string') return string;
  if (typeof json === 'boolean') return bool;
  if (typeof json === 'number') return float64;
  return Array.isArray(json) ? list(any) : map(any);
};

/** The value without interfaces and pointers around it. */
export function dereference(value: Value): Value {
  const { json } = value;
  let { type } = value;
  while (type?.kind === 'pointer' || type?.kind === 'any') {
    if (json === null || json === undefined) return INVALID;
    type = type.kind === 'pointer' ? type.target : dynamicType(json);
  }
  return type ? { type, json } : INVALID;
}

/** Go's name of a value's kind, as error texts have it. */
export function kindOf({ type }: Value): string {
  if (!type) return 'invalid';
  switch (type.kind) {
    case 'list':
      return 'slice';
    case 'pointer':
      return 'ptr';
    case 'any':
      return 'interface';
    case 'map':
    case 'struct':
      return type.kind;
    case 'bool':
    case 'int':
    case 'uint':
    case 'float':
    case 'string':
      return type.kindName;
  }
}

/** The elements of a list; those of a byte string are its bytes. */
export function elementsOf(json: unknown): readonly unknown[] {
  if (Array.isArray(json)) return json;
  return typeof json === 'string' ? [...Buffer.from(json, 'base64')] : [];
}

/** The own members of a map or struct. */
export const membersOf = (json: unknown): Readonly<Record<string, unknown>> =>
  typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};

export const hasKey = (json: unknown, key: string): boolean => Object.hasOwn(membersOf(json), key);

const spell = (path: readonly string[]): string =>
  path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
export { spell as spellPath };

/** Follows a path. @throws FilterFault where it leads nowhere, except at a key that a map lacks as its last part. */
export function find(document: Value, path: readonly string[]): Found {
  let current = document;
  for (const [i, part] of path.entries()) {
    const container = dereference(current);
    const missing = (reason: string) =>
      new FilterFault(`error finding value in datum: ${spell(path)} at part ${i}: ${reason}`);
    switch (container.type?.kind) {
      case 'struct': {
        const field = Object.hasOwn(container.type.fields, part) ? ownProperty(container.type.fields, part) : undefined;
        if (!field) throw missing(`couldn't find key: struct field with name ${quoted(part)}`);
        const isEmbedded = field.kind === 'struct' && field.embedded === true;
        current = { type: field, json: isEmbedded ? container.json : ownProperty(membersOf(container.json), part) };
        break;
      }
      case 'map':
        if (!hasKey(container.json, part)) {
          if (i > 0 && i === path.length - 1 && current.type?.kind !== 'pointer') return undefined;
          throw missing(`couldn't find key ${quoted(part)}`);
        }
        current = { type: container.type.element, json: ownProperty(membersOf(container.json), part) };
        break;
      case 'list': {
        const elements = elementsOf(container.json);
        const index = parseInt64(part || '0', 0);
        if (!index.ok) throw missing(`couldn't convert value ${quoted(part)} to type int`);
        if (index.value < 0n || index.value >= elements.length) {
          throw missing(`index ${index.value} is out of range (length = ${elements.length})`);
        }
        current = { type: container.type.element, json: elements[Number(index.value)] };
        break;
      }
      default:
        throw new FilterFault(
          `error finding value in datum: ${spell(path)}: at part ${i}, invalid value kind: ${kindOf(container)}`,
        );
    }
  }
  return { value: current };
}
