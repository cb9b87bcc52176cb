import { quoted } from '@app/kernel';
import type { Expression, ForExpression } from '../syntax/ast.js';
import { convert } from '../values/convert.js';
import { integer } from '../values/decimal.js';
import {
  BOOL,
  isMapping,
  isSequence,
  number,
  object,
  STRING,
  text,
  tuple,
  typeName,
  typeOf,
  UNKNOWN,
  type Value,
} from '../values/value.js';
import type { Evaluation } from './scope.js';

type Evaluate = (expression: Expression, evaluation: Evaluation) => Value;

/** Keys and values of what can be iterated over: indexes of lists, members of maps by key, the values of a set. */
export function* entriesOf(value: Value): Iterable<readonly [Value, Value]> {
  if (isMapping(value)) for (const [name, member] of value.members) yield [text(name), member];
  else if (isSequence(value))
    for (const [i, item] of value.items.entries()) yield [value.kind === 'set' ? item : number(integer(i)), item];
}

/** A `for` expression. Order is that of what is iterated over; grouped values gather in tuples. */
export function iterate(expression: ForExpression, evaluation: Evaluation, evaluate: Evaluate): Value {
  const { diagnostics, budget } = evaluation;
  const collection = evaluate(expression.collection, evaluation);
  const { range } = expression.collection;
  if (collection.kind === 'unknown') return UNKNOWN;
  if (collection.kind === 'null') {
    diagnostics.add(
      'Iteration over null value',
      "A null value cannot be used as the collection in a 'for' expression.",
      range,
    );
    return UNKNOWN;
  }
  if (!isSequence(collection) && !isMapping(collection)) {
    diagnostics.add(
      'Iteration over non-iterable value',
      `A value of type ${typeName(typeOf(collection))} cannot be used as the collection in a 'for' expression.`,
      range,
    );
    return UNKNOWN;
  }
  const items: Value[] = [];
  const members = new Map<string, Value[]>();
  let isKnown = true;
  for (const [key, value] of entriesOf(collection)) {
    budget.spend(1);
    const names = new Map([[expression.valueName, value]]);
    if (expression.keyName !== undefined) names.set(expression.keyName, key);
    const inner: Evaluation = { ...evaluation, scope: { names, parent: evaluation.scope } };
    const included = isIncluded(expression, inner, evaluate);
    if (included === false) continue;
    const name = expression.key && keyOf(expression.key, inner, evaluate);
    const result = evaluate(expression.value, inner);
    if (included === undefined || (expression.key && name === undefined)) isKnown = false;
    else if (name === undefined) items.push(result);
    else if (!members.has(name)) members.set(name, [result]);
    else if (expression.group) members.get(name)!.push(result);
    else {
      diagnostics.add(
        'Duplicate object key',
        `Two different items produced the key ${quoted(name)} in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.`,
        expression.key?.range,
      );
      isKnown = false;
    }
    if (!isKnown) break;
  }
  if (!isKnown) return UNKNOWN;
  if (!expression.key) return tuple(items);
  return object([...members].map(([name, values]) => [name, expression.group ? tuple(values) : values[0]!]));
}

function isIncluded({ condition }: ForExpression, evaluation: Evaluation, evaluate: Evaluate): boolean | undefined {
  if (!condition) return true;
  const value = evaluate(condition, evaluation);
  if (value.kind === 'unknown') return undefined;
  const invalid = (detail: string) => {
    evaluation.diagnostics.add("Invalid 'for' condition", detail, condition.range);
    return undefined;
  };
  if (value.kind === 'null') return invalid("The value of the 'if' clause must not be null.");
  const truth = convert(value, BOOL);
  if (truth.ok && truth.value.kind === 'bool') return truth.value.truth;
  return invalid(`The 'if' clause value is invalid: ${truth.ok ? '' : truth.problem}.`);
}

function keyOf(expression: Expression, evaluation: Evaluation, evaluate: Evaluate): string | undefined {
  const value = evaluate(expression, evaluation);
  if (value.kind === 'unknown') return undefined;
  if (value.kind === 'null') {
    evaluation.diagnostics.add(
      'Invalid object key',
      "Key expression in 'for' expression must not produce a null value.",
      expression.range,
    );
    return undefined;
  }
  const name = convert(value, STRING);
  if (name.ok && name.value.kind === 'string') return name.value.text;
  evaluation.diagnostics.add(
    'Invalid object key',
    `The key expression produced an invalid result: ${name.ok ? '' : name.problem}.`,
    expression.range,
  );
  return undefined;
}
