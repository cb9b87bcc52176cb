import { quoted } from '@app/kernel';
import { evaluate } from '../evaluate/evaluate.js';
import { entriesOf } from '../evaluate/iterate.js';
import type { Evaluation } from '../evaluate/scope.js';
import type { Attribute, Block, Body, Expression } from '../syntax/ast.js';
import { convert } from '../values/convert.js';
import { isMapping, isSequence, object, STRING, typeName, typeOf, type Value } from '../values/value.js';
import type { BlockSchema, BodySchema, Content, ScopedBlock } from './schema.js';
import { missingArgument } from './missing-argument.js';

/** The blocks that a `dynamic` block stands for: one for each element of its `for_each`. */
export function expand(
  dynamic: Block,
  schema: BlockSchema | undefined,
  evaluation: Evaluation,
  contentOf: (body: Body, schema: BodySchema, evaluation: Evaluation) => Content,
): readonly ScopedBlock[] {
  const { diagnostics, budget } = evaluation;
  const [type] = dynamic.labels as [string];
  if (schema === undefined) {
    diagnostics.add(
      'Unsupported block type',
      `Blocks of type ${quoted(type)} are not expected here.`,
      dynamic.labelRanges[0],
    );
    return [];
  }
  const before = diagnostics.count;
  const attributes = [
    { name: 'for_each' },
    { name: 'iterator', isSyntax: true },
    ...(schema.labels.length > 0 ? [{ name: 'labels' }] : []),
  ];
  const given = contentOf(dynamic.body, { attributes, blocks: [{ type: 'content', labels: [] }] }, evaluation);
  const forEach = given.attributes.get('for_each');
  if (forEach === undefined) missingArgument('for_each', dynamic.body, evaluation);
  const labels = given.attributes.get('labels');
  if (schema.labels.length > 0 && labels === undefined) missingArgument('labels', dynamic.body, evaluation);
  const iterator = iteratorName(given.attributes.get('iterator'), type, evaluation);
  const [content, second] = given.blocks;
  if (content === undefined)
    diagnostics.add(
      'Missing dynamic content block',
      'A dynamic block must have a nested block of type "content" to describe the body of each generated block.',
      dynamic.body.missing,
    );
  if (second !== undefined)
    diagnostics.add(
      'Extraneous dynamic content block',
      'Only one nested content block is allowed for each dynamic block.',
      second.block.headRange,
    );
  const collection = forEach && iterable(forEach.expression, evaluation);
  if (diagnostics.count > before || content === undefined || collection === undefined || iterator === undefined)
    return [];
  const blocks: ScopedBlock[] = [];
  for (const [key, value] of entriesOf(collection)) {
    budget.spend(10);
    const names = new Map([
      [
        iterator,
        object([
          ['key', key],
          ['value', value],
        ]),
      ],
    ]);
    const scope = { names, parent: evaluation.scope };
    const found = labels === undefined ? [] : labelsOf(labels.expression, schema, { ...evaluation, scope });
    if (found === undefined) continue;
    const { body, openRange } = content.block;
    const labelRanges = found.map(() => labels!.expression.range);
    blocks.push({ block: { ...dynamic, type, labels: found, labelRanges, body, openRange }, scope });
  }
  return blocks;
}

function iteratorName(attribute: Attribute | undefined, type: string, { diagnostics }: Evaluation): string | undefined {
  if (attribute === undefined) return type;
  const { expression } = attribute;
  if (expression.kind === 'reference' && expression.steps.length === 0) return expression.root;
  diagnostics.add(
    'Invalid dynamic iterator name',
    'Dynamic iterator must be a single variable name.',
    expression.range,
  );
  return undefined;
}

function iterable(expression: Expression, evaluation: Evaluation): Value | undefined {
  const value = evaluate(expression, evaluation);
  if (value.kind === 'unknown') return undefined;
  if (isSequence(value) || isMapping(value)) return value;
  evaluation.diagnostics.add(
    'Invalid dynamic for_each value',
    value.kind === 'null'
      ? 'Cannot use a null value in for_each.'
      : `Cannot use a ${typeName(typeOf(value))} value in for_each. An iterable collection is required.`,
    expression.range,
  );
  return undefined;
}

function labelsOf(expression: Expression, { type, labels }: BlockSchema, evaluation: Evaluation): string[] | undefined {
  const { diagnostics } = evaluation;
  const value = evaluate(expression, evaluation);
  if (value.kind === 'unknown') return undefined;
  const invalid = (detail: string): undefined => {
    diagnostics.add('Invalid dynamic block label', detail, expression.range);
  };
  if (!isSequence(value)) return invalid('The given value is not a list of labels.');
  if (value.items.length !== labels.length) {
    const few = value.items.length < labels.length;
    diagnostics.add(
      `${few ? 'Insufficient' : 'Extraneous'} dynamic block label`,
      `Blocks of type ${quoted(type)} require ${labels.length} label(s).`,
      expression.range,
    );
    return undefined;
  }
  const texts: string[] = [];
  for (const item of value.items) {
    const label = convert(item, STRING);
    if (!label.ok) return invalid(`Cannot use this value as a dynamic block label: ${label.problem}.`);
    if (label.value.kind === 'null') return invalid('Cannot use a null value as a dynamic block label.');
    if (label.value.kind !== 'string') return undefined;
    texts.push(label.value.text);
  }
  return texts;
}
