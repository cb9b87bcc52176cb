import { quoted } from '@app/kernel';
import { didYouMean } from '../diagnostics.js';
import type { Evaluation } from '../evaluate/scope.js';
import { showRange } from '../source.js';
import type { Attribute, Block, Body } from '../syntax/ast.js';
import { expand } from './dynamic.js';
import { asAttributes, asSchema } from './json-body.js';
import { missingArgument } from './missing-argument.js';
import type { BlockSchema, BodySchema, Content, ScopedBlock } from './schema.js';

/** What a body holds of its schema, dynamic blocks expanded. All else is told. */
export function contentOf(given: Body, schema: BodySchema, evaluation: Evaluation): Content {
  const { budget, diagnostics } = evaluation;
  budget.spend(given.json === undefined ? given.attributes.size + given.blocks.length : given.json.members.length);
  const body = given.json === undefined ? given : asSchema(given, given.json, schema, diagnostics);
  for (const { name, required } of schema.attributes) {
    if (required && !body.attributes.has(name)) missingArgument(name, body, evaluation);
  }
  const attributes = new Map<string, Attribute>();
  const known = new Set(schema.attributes.map(({ name }) => name));
  for (const attribute of body.attributes.values()) {
    if (known.has(attribute.name)) attributes.set(attribute.name, attribute);
    else
      diagnostics.add(
        'Unsupported argument',
        () => `An argument named ${quoted(attribute.name)} is not expected here.${hint(attribute.name, body, schema)}`,
        attribute.nameRange,
      );
  }
  const byType = new Map(schema.blocks.map((block) => [block.type, block]));
  const blocks: ScopedBlock[] = [];
  for (const block of body.blocks) {
    if (block.type === 'dynamic') {
      if (hasLabels(block, { type: 'dynamic', labels: ['type'] }, evaluation)) {
        blocks.push(...expand(block, byType.get(block.labels[0]!), evaluation, contentOf));
      }
      continue;
    }
    const expected = byType.get(block.type);
    if (expected === undefined) unsupportedBlock(block, schema, evaluation);
    else if (hasLabels(block, expected, evaluation)) blocks.push({ block, scope: evaluation.scope });
  }
  return { attributes, blocks };
}

function hint(name: string, body: Body, schema: BodySchema): string {
  const free = schema.attributes.map((one) => one.name).filter((one) => !body.attributes.has(one));
  const near = didYouMean(name, free);
  if (near !== '') return near;
  const isBlock = schema.blocks.some(({ type }) => type === name);
  return isBlock ? ` Did you mean to define a block of type ${quoted(name)}?` : '';
}

function unsupportedBlock({ type, typeRange }: Block, schema: BodySchema, { diagnostics }: Evaluation): void {
  diagnostics.add(
    'Unsupported block type',
    () => `Blocks of type ${quoted(type)} are not expected here.${blockHint(type, schema)}`,
    typeRange,
  );
}

function blockHint(type: string, schema: BodySchema): string {
  const near = didYouMean(
    type,
    schema.blocks.map((block) => block.type),
  );
  if (near !== '') return near;
  const isAttribute = schema.attributes.some(({ name }) => name === type);
  if (!isAttribute) return '';
  return ` Did you mean to define argument ${quoted(type)}? If so, use the equals sign to assign it a value.`;
}

function hasLabels(block: Block, { type, labels }: BlockSchema, { diagnostics }: Evaluation): boolean {
  const extra = block.labelRanges[labels.length];
  const names = labels.join(', ');
  if (extra !== undefined) {
    diagnostics.add(
      `Extraneous label for ${type}`,
      labels.length === 0
        ? `No labels are expected for ${type} blocks.`
        : `Only ${labels.length} labels (${names}) are expected for ${type} blocks.`,
      extra,
    );
    return false;
  }
  if (block.labels.length < labels.length) {
    diagnostics.add(
      `Missing ${labels[block.labels.length]} for ${type}`,
      `All ${type} blocks must have ${labels.length} labels (${names}).`,
      block.openRange,
    );
    return false;
  }
  return true;
}

/** The attributes of a body that may hold any, and no blocks. */
export function justAttributes(body: Body, { diagnostics }: Evaluation): readonly Attribute[] {
  if (body.json !== undefined) return [...asAttributes(body.json, diagnostics).values()];
  const [first] = body.blocks;
  if (first !== undefined)
    diagnostics.add(`Unexpected ${quoted(first.type)} block`, 'Blocks are not allowed here.', first.typeRange);
  return [...body.attributes.values()];
}

/** Of blocks that may be there once, the first; tells of the others as `gohcl` does. */
export function only(blocks: readonly ScopedBlock[], { diagnostics }: Evaluation): ScopedBlock | undefined {
  const [first, second] = blocks;
  if (first !== undefined && second !== undefined) {
    const { type, headRange } = second.block;
    diagnostics.add(
      `Duplicate ${type} block`,
      `Only one ${type} block is allowed. Another was defined at ${showRange(first.block.headRange)}.`,
      headRange,
    );
  }
  return first;
}

/** The same for the blocks that are looked for before the rest of a body is decoded. */
export function single(blocks: readonly ScopedBlock[], { diagnostics }: Evaluation): ScopedBlock | undefined {
  const [first, ...others] = blocks;
  for (const { block } of others)
    diagnostics.add(
      `Duplicate ${block.type} block`,
      `Only one block of type ${quoted(block.type)} is allowed. Previous definition was at ${showRange(first!.block.headRange)}.`,
      block.headRange,
    );
  return first;
}
