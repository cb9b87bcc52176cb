import { asAttributes } from '../body/json-body.js';
import { evaluate } from '../evaluate/evaluate.js';
import type { Evaluation } from '../evaluate/scope.js';
import { startOf, type Body, type Expression } from '../syntax/ast.js';
import { jsonNumber } from '../values/json.js';
import { sizeOf } from '../values/size.js';
import { isKnown, isMapping, isSequence, type Value } from '../values/value.js';

/**
 * A body that may hold anything, as JSON: blocks and objects are lists of objects, labels a level each, what is null is left out. Dynamic
 * blocks are blocks like any other here.
 */
export function openBody(body: Body, evaluation: Evaluation): object {
  const members = new Map<string, unknown>();
  const attributes = body.json === undefined ? body.attributes : asAttributes(body.json, evaluation.diagnostics);
  for (const { name, expression } of attributes.values()) {
    const value = openValue(expression, evaluation);
    if (value !== undefined) members.set(name, value);
  }
  const blocks = new Map<string, unknown[]>();
  for (const block of body.blocks) {
    const inner = openBody(block.body, evaluation);
    const labelled = block.labels.reduceRight<object>(
      (content, label) => Object.fromEntries([[label, [content]]]),
      inner,
    );
    if (!blocks.has(block.type)) blocks.set(block.type, []);
    blocks.get(block.type)!.push(labelled);
  }
  return Object.fromEntries([...members, ...blocks]);
}

function openValue(expression: Expression, evaluation: Evaluation): unknown {
  const value = evaluate(expression, evaluation);
  if (!isKnown(value)) {
    evaluation.diagnostics.add('Unsuitable value type', 'Unsuitable value: value must be known', startOf(expression));
    return undefined;
  }
  evaluation.budget.spend(sizeOf(value));
  const json = jsonOf(value, evaluation);
  if (json === null) return undefined;
  return expression.kind === 'object' ? [json] : json;
}

function jsonOf(value: Value, evaluation: Evaluation): unknown {
  switch (value.kind) {
    case 'string':
      evaluation.budget.grow(value.text.length);
      return value.text;
    case 'number':
      return jsonNumber(value.number);
    case 'bool':
      return value.truth;
    case 'null':
    case 'unknown':
      return null;
    default:
  }
  if (isSequence(value)) return value.items.map((item) => jsonOf(item, evaluation));
  if (!isMapping(value)) return null;
  return Object.fromEntries(
    [...value.members]
      .filter(([, member]) => member.kind !== 'null')
      .map(([name, member]) => [name, jsonOf(member, evaluation)]),
  );
}
