import { quoted } from '@app/kernel';
import type { Diagnostics } from '../diagnostics.js';
import type { Range } from '../source.js';
import type { Expression } from '../syntax/ast.js';
import { ANY, BOOL, NUMBER, STRING, type Type } from '../values/value.js';

const SUMMARY = 'Invalid type specification';
const PRIMITIVES: ReadonlyMap<string, Type> = new Map([
  ['bool', BOOL],
  ['string', STRING],
  ['number', NUMBER],
]);

/** A type as `list(string)` writes it. undefined: it is none, which the diagnostics tell. */
export function parseType(expression: Expression, diagnostics: Diagnostics, allowsAny: boolean): Type | undefined {
  const refuse = (detail: string, range: Range): undefined => {
    diagnostics.add(SUMMARY, detail, range);
  };
  if (expression.kind === 'reference' && expression.steps.length === 0) {
    const { root, range } = expression;
    if (root === 'any' && allowsAny) return ANY;
    if (root === 'any')
      return refuse('The keyword "any" cannot be used in this type specification: an exact type is required.', range);
    if (root === 'list' || root === 'set' || root === 'map')
      return refuse(`The ${root} type constructor requires one argument specifying the element type.`, range);
    if (root === 'object')
      return refuse(
        'The object type constructor requires one argument specifying the attribute types and values as a map.',
        range,
      );
    if (root === 'tuple')
      return refuse('The tuple type constructor requires one argument specifying the element types as a list.', range);
    return PRIMITIVES.get(root) ?? refuse(`The keyword ${quoted(root)} is not a valid type specification.`, range);
  }
  if (expression.kind !== 'call')
    return refuse(
      'A type specification is either a primitive type keyword (bool, number, string) or a complex type constructor call, like list(string).',
      expression.range,
    );
  const { name, args, range } = expression;
  if (PRIMITIVES.has(name) || name === 'any')
    return refuse(`Primitive type keyword ${quoted(name)} does not expect arguments.`, range);
  if (!['list', 'set', 'map', 'object', 'tuple'].includes(name))
    return refuse(`Keyword ${quoted(name)} is not a valid type constructor.`, range);
  const [argument, ...others] = args;
  if (argument === undefined || others.length > 0) {
    const what =
      name === 'object'
        ? 'the attribute types and values as a map'
        : name === 'tuple'
          ? 'the element types as a list'
          : 'the element type';
    return refuse(`The ${name} type constructor requires one argument specifying ${what}.`, range);
  }
  return constructed(name, argument, diagnostics, allowsAny);
}

function constructed(
  name: string,
  argument: Expression,
  diagnostics: Diagnostics,
  allowsAny: boolean,
): Type | undefined {
  if (name === 'list' || name === 'set' || name === 'map') {
    const element = parseType(argument, diagnostics, allowsAny);
    return element && { kind: name, element };
  }
  if (name === 'tuple') {
    if (argument.kind !== 'tuple') {
      diagnostics.add(SUMMARY, 'Tuple type constructor requires a list of element types.', argument.range);
      return undefined;
    }
    const elements = argument.items.map((item) => parseType(item, diagnostics, allowsAny));
    return elements.every((one) => one !== undefined) ? { kind: 'tuple', elements } : undefined;
  }
  if (argument.kind !== 'object') {
    diagnostics.add(
      SUMMARY,
      'Object type constructor requires a map whose keys are attribute names and whose values are the corresponding attribute types.',
      argument.range,
    );
    return undefined;
  }
  const members = new Map<string, Type>();
  for (const { key, literalKey, value } of argument.items) {
    if (literalKey === undefined) {
      diagnostics.add(SUMMARY, 'Object constructor map keys must be attribute names.', key.range);
      return undefined;
    }
    const type = parseType(value, diagnostics, allowsAny);
    if (type === undefined) return undefined;
    members.set(literalKey, type);
  }
  return { kind: 'object', members };
}
