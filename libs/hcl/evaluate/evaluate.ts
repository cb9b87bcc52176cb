import { quoted } from '@app/kernel';
import { Diagnostics, didYouMean } from '../diagnostics.js';
import { call } from '../functions/call.js';
import type { Expression, ObjectItem } from '../syntax/ast.js';
import { convert, unified } from '../values/convert.js';
import { sizeOf } from '../values/size.js';
import { BOOL, isSequence, object, STRING, text, tuple, typeOf, UNKNOWN, type Value } from '../values/value.js';
import { iterate } from './iterate.js';
import { binary, unary } from './operators.js';
import { itemOf, lookUp, type Evaluation, type Scope } from './scope.js';
import { elementAt, follow } from './steps.js';

type Of<K extends Expression['kind']> = Extract<Expression, { readonly kind: K }>;

/** The value of an expression; unknown where something is wrong, which the diagnostics then tell. */
export function evaluate(expression: Expression, evaluation: Evaluation): Value {
  evaluation.budget.spend(1);
  const value = valueOf(expression, evaluation);
  // What is made of one value twice, and of that twice, is small in memory but not for whoever walks through it.
  if (MAKING.has(expression.kind)) evaluation.budget.spend(sizeOf(value));
  return value;
}

const MAKING: ReadonlySet<Expression['kind']> = new Set(['tuple', 'object', 'for', 'splat', 'call']);

function valueOf(expression: Expression, evaluation: Evaluation): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'reference':
      return reference(expression, evaluation);
    case 'steps':
      return follow(evaluate(expression.source, evaluation), expression.steps, evaluation);
    case 'index': {
      const collection = evaluate(expression.collection, evaluation);
      return elementAt(collection, evaluate(expression.key, evaluation), expression.brackets, evaluation);
    }
    case 'item':
      return itemOf(evaluation.scope) ?? UNKNOWN;
    case 'splat':
      return splat(expression, evaluation);
    case 'call':
      return call(expression, evaluation, evaluate);
    case 'conditional':
      return conditional(expression, evaluation);
    case 'binary': {
      const left = evaluate(expression.left, evaluation);
      const right = evaluate(expression.right, evaluation);
      evaluation.budget.spend(sizeOf(left) + sizeOf(right));
      return binary(expression, [left, right], evaluation);
    }
    case 'unary':
      return unary(expression, evaluate(expression.operand, evaluation), evaluation);
    case 'tuple':
      return tuple(expression.items.map((item) => evaluate(item, evaluation)));
    case 'object':
      return objectOf(expression, evaluation);
    case 'for':
      return iterate(expression, evaluation, evaluate);
    case 'template':
      return template(expression, evaluation);
    case 'wrap':
      return evaluate(expression.wrapped, evaluation);
    case 'join': {
      const parts = evaluate(expression.tuple, evaluation);
      if (!isSequence(parts)) return UNKNOWN;
      const texts = parts.items.map((part) => (part.kind === 'string' ? part.text : ''));
      evaluation.budget.grow(texts.reduce((sum, one) => sum + one.length, 0));
      return parts.items.some((part) => part.kind !== 'string') ? UNKNOWN : text(texts.join(''));
    }
    case 'parentheses':
      return evaluate(expression.inner, evaluation);
  }
}

function reference(expression: Of<'reference'>, evaluation: Evaluation): Value {
  const { root, steps, range } = expression;
  const value = lookUp(evaluation.scope, root);
  if (value !== undefined) return follow(value, steps, evaluation);
  const rootRange = { ...range, end: range.start + root.length };
  if (evaluation.unknownNames === 'runtime') {
    const written = expression.written ?? range.source.slice(range);
    evaluation.budget.grow(written.length);
    return text(`\${${written}}`);
  }
  if (evaluation.unknownNames === 'constant')
    evaluation.diagnostics.add('Variables not allowed', 'Variables may not be used here.', rootRange);
  else {
    evaluation.diagnostics.add(
      'Unknown variable',
      () => `There is no variable named ${quoted(root)}.${didYouMean(root, namesIn(evaluation.scope))}`,
      rootRange,
    );
  }
  return UNKNOWN;
}

const namesIn = (scope: Scope): readonly string[] => [
  ...scope.names.keys(),
  ...(scope.parent ? namesIn(scope.parent) : []),
];

function splat(expression: Of<'splat'>, evaluation: Evaluation): Value {
  const source = evaluate(expression.source, evaluation);
  if (source.kind === 'unknown') return UNKNOWN;
  if (source.kind === 'null') return tuple([]);
  const items = isSequence(source) ? source.items : [source];
  const each = items.map((item) => {
    evaluation.budget.spend(1);
    return evaluate(expression.each, { ...evaluation, scope: { names: new Map(), parent: evaluation.scope, item } });
  });
  return tuple(each);
}

function conditional(expression: Of<'conditional'>, evaluation: Evaluation): Value {
  const { diagnostics, budget } = evaluation;
  // Both are evaluated, as both decide on the type; what is wrong with the one that is not chosen does not matter.
  const branch = (one: Expression) => {
    const own = new Diagnostics();
    return { value: evaluate(one, { ...evaluation, diagnostics: own }), own };
  };
  const [whenTrue, whenFalse] = [branch(expression.whenTrue), branch(expression.whenFalse)];
  budget.spend(sizeOf(whenTrue.value) + sizeOf(whenFalse.value));
  const type = unified([whenTrue.value, whenFalse.value].map(typeOf));
  if (type === undefined) {
    diagnostics.add(
      'Inconsistent conditional result types',
      'The true and false result expressions must have consistent types.',
      { ...expression.whenTrue.range, end: expression.whenFalse.range.end },
    );
    return UNKNOWN;
  }
  const condition = evaluate(expression.condition, evaluation);
  const { range } = expression.condition;
  if (condition.kind === 'unknown') return UNKNOWN;
  if (condition.kind === 'null') {
    diagnostics.add('Null condition', 'The condition value is null. Conditions must either be true or false.', range);
    return UNKNOWN;
  }
  const truth = convert(condition, BOOL);
  if (!truth.ok || truth.value.kind !== 'bool') {
    diagnostics.add('Incorrect condition type', 'The condition expression must be of type bool.', range);
    return UNKNOWN;
  }
  const chosen = truth.value.truth ? whenTrue : whenFalse;
  diagnostics.addAll(chosen.own);
  const converted = convert(chosen.value, type);
  return converted.ok ? converted.value : UNKNOWN;
}

function objectOf(expression: Of<'object'>, evaluation: Evaluation): Value {
  const members: [string, Value][] = [];
  let isKnown = true;
  for (const item of expression.items) {
    const key = keyOf(item, evaluation);
    const value = evaluate(item.value, evaluation);
    if (key === undefined) isKnown = false;
    else members.push([key, value]);
  }
  return isKnown ? object(members) : UNKNOWN;
}

function keyOf({ key, literalKey }: ObjectItem, evaluation: Evaluation): string | undefined {
  if (literalKey !== undefined) return literalKey;
  const { diagnostics } = evaluation;
  if (key.kind === 'reference') {
    diagnostics.add(
      'Ambiguous attribute key',
      "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a literal name containing periods, wrap it in quotes to create a string literal.",
      key.range,
    );
    return undefined;
  }
  const value = evaluate(key, evaluation);
  if (value.kind === 'unknown') return undefined;
  if (value.kind === 'null') {
    diagnostics.add('Null value as key', "Can't use a null value as a key.", key.range);
    return undefined;
  }
  const name = convert(value, STRING);
  if (name.ok && name.value.kind === 'string') return name.value.text;
  diagnostics.add('Incorrect key type', `Can't use this value as a key: ${name.ok ? '' : name.problem}.`, key.range);
  return undefined;
}

function template(expression: Of<'template'>, evaluation: Evaluation): Value {
  let result = '';
  let isKnown = true;
  for (const part of expression.parts) {
    const value = evaluate(part, evaluation);
    const written = templatePart(value, part, evaluation);
    if (written === undefined) isKnown = false;
    else {
      evaluation.budget.grow(written.length);
      result += written;
    }
  }
  return isKnown ? text(result) : UNKNOWN;
}

function templatePart(value: Value, part: Expression, { diagnostics }: Evaluation): string | undefined {
  if (value.kind === 'unknown') return undefined;
  const invalid = (detail: string) => diagnostics.add('Invalid template interpolation value', detail, part.range);
  if (value.kind === 'null') {
    invalid('The expression result is null. Cannot include a null value in a string template.');
    return undefined;
  }
  const converted = convert(value, STRING);
  if (converted.ok && converted.value.kind === 'string') return converted.value.text;
  invalid(`Cannot include the given value in a string template: ${converted.ok ? '' : converted.problem}.`);
  return undefined;
}
