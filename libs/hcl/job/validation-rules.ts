import { quoted } from '@app/kernel';
import { contentOf } from '../body/content.js';
import { evaluate } from '../evaluate/evaluate.js';
import { EMPTY_SCOPE, type Evaluation } from '../evaluate/scope.js';
import { showRange, type Range } from '../source.js';
import type { Block, Expression } from '../syntax/ast.js';
import { references } from '../syntax/references.js';
import { convert } from '../values/convert.js';
import { BOOL, object, type Value } from '../values/value.js';

/** What a value of a variable must be like, and what to say when it is not. */
export interface Rule {
  readonly condition: Expression;
  readonly message: string;
  readonly range: Range;
}

const SCHEMA = {
  attributes: ['condition', 'error_message'].map((name) => ({ name, required: true })),
  blocks: [],
};
/** A capital first, a full stop or question mark last. */
const SENTENCES = /^\p{Lu}.*[.?!]$/su;

/** A `validation` block. undefined: something is wrong with it. */
export function parseRule(variable: string, block: Block, evaluation: Evaluation): Rule | undefined {
  const { diagnostics } = evaluation;
  const before = diagnostics.count;
  const constant: Evaluation = { ...evaluation, scope: EMPTY_SCOPE, unknownNames: 'constant' };
  const { attributes } = contentOf(block.body, SCHEMA, constant);
  const condition = attributes.get('condition')?.expression;
  const messageExpression = attributes.get('error_message')?.expression;
  if (condition) checkReferences(variable, condition, evaluation);
  const message = messageExpression && evaluate(messageExpression, constant);
  if (messageExpression && message && message.kind !== 'unknown') {
    if (message.kind !== 'string')
      diagnostics.add('Invalid validation error message', 'Error message must be a string.', messageExpression.range);
    else if (message.text === '')
      diagnostics.add(
        'Invalid validation error message',
        'An empty string is not a valid nor useful error message.',
        messageExpression.range,
      );
    else if (!SENTENCES.test(message.text))
      diagnostics.add(
        'Invalid validation error message',
        'Validation error message must be at least one full English sentence starting with an uppercase letter and ending with a period or question mark.',
        messageExpression.range,
      );
  }
  if (diagnostics.count > before || !condition || message?.kind !== 'string') return undefined;
  return { condition, message: message.text, range: block.headRange };
}

function checkReferences(variable: string, condition: Expression, { diagnostics }: Evaluation): void {
  const found = references(condition);
  const isOwn = ({ root, steps }: (typeof found)[number]) =>
    root === 'var' && steps[0]?.kind === 'attribute' && steps[0].name === variable;
  const other = found.find((one) => !isOwn(one));
  if (other)
    diagnostics.add(
      'Invalid reference in variable validation',
      `The condition for variable ${quoted(variable)} can only refer to the variable itself, using var.${variable}.`,
      other.range,
    );
  else if (found.length === 0)
    diagnostics.add(
      'Invalid variable validation condition',
      `The condition for variable ${quoted(variable)} must refer to var.${variable} in order to test incoming values.`,
      condition.range,
    );
}

/** Holds a value against a rule. */
export function checkRule(
  { condition, message, range }: Rule,
  given: { readonly name: string; readonly value: Value; readonly range: Range; readonly from: string },
  evaluation: Evaluation,
): void {
  const { diagnostics } = evaluation;
  const names = new Map([['var', object([[given.name, given.value]])]]);
  const result = evaluate(condition, { ...evaluation, scope: { names }, unknownNames: 'error' });
  if (result.kind === 'unknown') return;
  const invalid = (detail: string) => diagnostics.add('Invalid variable validation result', detail, condition.range);
  if (result.kind === 'null') {
    invalid('Validation condition expression must return either true or false, not null.');
    return;
  }
  const truth = convert(result, BOOL);
  if (!truth.ok) invalid(`Invalid validation condition result value: ${truth.problem}.`);
  else if (truth.value.kind === 'bool' && !truth.value.truth)
    diagnostics.add(
      `Invalid value for ${given.from} variable`,
      `${message}\n\nThis was checked by the validation rule at ${showRange(range)}.`,
      given.range,
    );
}
