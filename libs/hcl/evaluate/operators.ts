import type { Range } from '../source.js';
import type { Expression } from '../syntax/ast.js';
import { convert } from '../values/convert.js';
import { add, compare, divide, multiply, negated, remainder, type Decimal } from '../values/decimal.js';
import { bool, BOOL, NUMBER, number, sameValue, UNKNOWN, type Type, type Value } from '../values/value.js';
import type { Evaluation } from './scope.js';

const ARITHMETIC: ReadonlyMap<string, (left: Decimal, right: Decimal) => Decimal | undefined> = new Map([
  ['+', add],
  ['-', (left, right) => add(left, negated(right))],
  ['*', multiply],
  ['/', divide],
  ['%', remainder],
]);
const COMPARISON: ReadonlyMap<string, (order: number) => boolean> = new Map([
  ['<', (order) => order < 0],
  ['<=', (order) => order <= 0],
  ['>', (order) => order > 0],
  ['>=', (order) => order >= 0],
]);

/** An operand in the type that its operator wants. undefined: it is refused, and that is told. */
function operand(
  value: Value,
  type: Type,
  which: string,
  expression: Expression,
  evaluation: Evaluation,
): Value | undefined {
  const converted = convert(value, type);
  if (converted.ok) return converted.value;
  evaluation.diagnostics.add(
    'Invalid operand',
    `Unsuitable value for ${which} operand: ${converted.problem}.`,
    expression.range,
  );
  return undefined;
}

export function binary(
  { operator, left, right, range }: Extract<Expression, { kind: 'binary' }>,
  [leftValue, rightValue]: readonly [Value, Value],
  evaluation: Evaluation,
): Value {
  if (operator === '==' || operator === '!=') {
    if (leftValue.kind === 'unknown' || rightValue.kind === 'unknown') return UNKNOWN;
    return bool(sameValue(leftValue, rightValue) === (operator === '=='));
  }
  const isLogic = operator === '&&' || operator === '||';
  const type = isLogic ? BOOL : NUMBER;
  const a = operand(leftValue, type, 'left', left, evaluation);
  const b = operand(rightValue, type, 'right', right, evaluation);
  if (a === undefined || b === undefined || a.kind === 'unknown' || b.kind === 'unknown') return UNKNOWN;
  const failed = (detail: string) => operationFailed(detail, range, evaluation);
  if (a.kind === 'null' || b.kind === 'null') return failed('argument must not be null');
  if (a.kind === 'bool' && b.kind === 'bool') return bool(operator === '&&' ? a.truth && b.truth : a.truth || b.truth);
  if (a.kind !== 'number' || b.kind !== 'number') return UNKNOWN;
  const comparison = COMPARISON.get(operator);
  if (comparison) return bool(comparison(compare(a.number, b.number)));
  if ((operator === '/' || operator === '%') && b.number.digits === 0n) return failed('division by zero');
  const result = ARITHMETIC.get(operator)?.(a.number, b.number);
  return result === undefined ? failed('number out of range') : number(result);
}

export function unary(
  { operator, operand: expression, range }: Extract<Expression, { kind: 'unary' }>,
  value: Value,
  evaluation: Evaluation,
): Value {
  const converted = convert(value, operator === '-' ? NUMBER : BOOL);
  if (!converted.ok) {
    evaluation.diagnostics.add(
      'Invalid operand',
      `Unsuitable value for unary operand: ${converted.problem}.`,
      expression.range,
    );
    return UNKNOWN;
  }
  const { value: given } = converted;
  if (given.kind === 'null') return operationFailed('argument must not be null', range, evaluation);
  if (given.kind === 'number') return number(negated(given.number));
  return given.kind === 'bool' ? bool(!given.truth) : UNKNOWN;
}

function operationFailed(detail: string, range: Range, { diagnostics }: Evaluation): Value {
  diagnostics.add('Operation failed', `Error during operation: ${detail}.`, range);
  return UNKNOWN;
}
