import { quoted } from '@app/kernel';
import type { Range } from '../source.js';
import type { Step } from '../syntax/ast.js';
import { convert } from '../values/convert.js';
import { wholeOf } from '../values/decimal.js';
import { isMapping, isSequence, NUMBER, STRING, typeName, typeOf, UNKNOWN, type Value } from '../values/value.js';
import type { Evaluation } from './scope.js';

type Report = Pick<Evaluation, 'diagnostics'>;

export function follow(value: Value, steps: readonly Step[], evaluation: Report): Value {
  return steps.reduce((from, step) => {
    if (step.kind === 'attribute') return attributeOf(from, step.name, step.range, evaluation);
    return elementAt(from, step.key, step.range, evaluation);
  }, value);
}

function attributeOf(value: Value, name: string, range: Range, { diagnostics }: Report): Value {
  if (value.kind === 'unknown') return UNKNOWN;
  const unsupported = (detail: string): Value => {
    diagnostics.add('Unsupported attribute', detail, range);
    return UNKNOWN;
  };
  if (value.kind === 'null') {
    diagnostics.add(
      'Attempt to get attribute from null value',
      'This value is null, so it does not have any attributes.',
      range,
    );
    return UNKNOWN;
  }
  if (isMapping(value)) {
    const member = value.members.get(name);
    if (member !== undefined) return member;
    if (value.kind === 'object') return unsupported(`This object does not have an attribute named ${quoted(name)}.`);
    diagnostics.add('Missing map element', `This map does not have an element with the key ${quoted(name)}.`, range);
    return UNKNOWN;
  }
  if (isSequence(value)) {
    const [first] = value.items;
    const isOfObjects = value.kind !== 'tuple' && first?.kind === 'object';
    return unsupported(
      isOfObjects
        ? `Can't access attributes on a ${value.kind} of objects. Did you mean to access an attribute for a specific element of the ${value.kind}, or across all elements of the ${value.kind}?`
        : 'This value does not have any attributes.',
    );
  }
  return unsupported(`Can't access attributes on a primitive-typed value (${typeName(typeOf(value))}).`);
}

/** `value[key]`. */
export function elementAt(value: Value, key: Value, range: Range, { diagnostics }: Report): Value {
  const invalid = (detail: string): Value => {
    diagnostics.add('Invalid index', detail, range);
    return UNKNOWN;
  };
  if (value.kind === 'null') {
    diagnostics.add('Attempt to index null value', 'This value is null, so it does not have any indices.', range);
    return UNKNOWN;
  }
  if (key.kind === 'null') return invalid("Can't use a null value as an indexing key.");
  if (value.kind === 'unknown' || key.kind === 'unknown') return UNKNOWN;
  const missing = 'The given key does not identify an element in this collection value';
  if (isMapping(value)) {
    const name = convert(key, STRING);
    if (!name.ok) return invalid(`${missing}: ${name.problem}.`);
    const member = name.value.kind === 'string' ? value.members.get(name.value.text) : undefined;
    return member ?? invalid(`${missing}.`);
  }
  if (value.kind === 'tuple' || value.kind === 'list') {
    const index = convert(key, NUMBER);
    if (!index.ok) return invalid(`${missing}: ${index.problem}.`);
    const at = index.value.kind === 'number' ? wholeOf(index.value.number) : undefined;
    return (at === undefined ? undefined : value.items[Number(at)]) ?? invalid(`${missing}.`);
  }
  if (value.kind === 'set')
    return invalid(
      "Elements of a set are identified only by their value and don't have any separate index or key to select with, so it's only possible to perform operations across all elements of the set.",
    );
  return invalid('This value does not have any indices.');
}
