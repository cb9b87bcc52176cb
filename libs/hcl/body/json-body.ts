import { quoted } from '@app/kernel';
import { didYouMean, type Diagnostics } from '../diagnostics.js';
import { rangeBetween, type Range } from '../source.js';
import type { Attribute, Block, Body } from '../syntax/ast.js';
import { jsonExpression, jsonSyntax } from '../syntax/json-expression.js';
import type { JsonMember, JsonNode, JsonObjectNode } from '../syntax/json-node.js';
import type { BodySchema } from './schema.js';

/** A property of this name is for people. */
const COMMENT = '//';
const DYNAMIC = { type: 'dynamic', labels: ['type'] };

/** The body that an object of HCL's JSON syntax stands for. What of it are attributes and what blocks depends on who asks: {@link asSchema}. */
export const jsonBody = (json: JsonObjectNode): Body => ({
  attributes: new Map(),
  blocks: [],
  missing: { ...json.open, end: json.open.start },
  json,
});

/** All properties as attributes. */
export function asAttributes(json: JsonObjectNode, diagnostics: Diagnostics): ReadonlyMap<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const member of json.members)
    if (member.name !== COMMENT) addAttribute(attributes, member, diagnostics, jsonExpression);
  return attributes;
}

/** A body with the attributes and blocks of a schema. What it does not know is told. */
export function asSchema(body: Body, json: JsonObjectNode, schema: BodySchema, diagnostics: Diagnostics): Body {
  const attributes = new Map<string, Attribute>();
  const blocks: Block[] = [];
  for (const member of json.members) {
    const { name, nameRange, value } = member;
    if (name === COMMENT) continue;
    const attribute = schema.attributes.find((one) => one.name === name);
    const block = name === DYNAMIC.type ? DYNAMIC : schema.blocks.find(({ type }) => type === name);
    if (attribute !== undefined)
      addAttribute(attributes, member, diagnostics, attribute.isSyntax ? jsonSyntax : jsonExpression);
    else if (block !== undefined)
      addBlocks(blocks, { type: name, typeRange: nameRange }, value, block.labels, [], diagnostics);
    else unknown(member, schema, diagnostics);
  }
  return { attributes, blocks, missing: body.missing };
}

function addAttribute(
  attributes: Map<string, Attribute>,
  { name, nameRange, value }: JsonMember,
  diagnostics: Diagnostics,
  read: typeof jsonExpression,
): void {
  if (attributes.has(name)) {
    diagnostics.add('Duplicate argument', `The argument ${quoted(name)} was already set.`, nameRange);
    return;
  }
  const expression = read(value, diagnostics);
  attributes.set(name, { name, expression, range: rangeBetween(nameRange, value.range), nameRange });
}

function unknown({ name, nameRange }: JsonMember, schema: BodySchema, diagnostics: Diagnostics): void {
  diagnostics.add(
    'Extraneous JSON object property',
    () => `No argument or block type is named ${quoted(name)}.${didYouMean(name, namesOf(schema))}`,
    nameRange,
  );
}

const namesOf = ({ attributes, blocks }: BodySchema): readonly string[] => [
  ...attributes.map(({ name }) => name),
  ...blocks.map(({ type }) => type),
];

interface Label {
  readonly text: string;
  readonly range: Range;
}

/** An object for each label, and an object, or a list of them, for the blocks themselves. */
function addBlocks(
  blocks: Block[],
  head: { readonly type: string; readonly typeRange: Range },
  value: JsonNode,
  labels: readonly string[],
  given: readonly Label[],
  diagnostics: Diagnostics,
): void {
  if (value.kind === 'keyword' && value.value === null) return;
  if (value.kind === 'array') {
    for (const item of value.items) {
      if (item.kind === 'object') addBlocks(blocks, head, item, labels, given, diagnostics);
      else misfit(head.type, item.range, diagnostics);
    }
    return;
  }
  if (value.kind !== 'object') return misfit(head.type, value.range, diagnostics);
  const [label] = labels;
  if (label === undefined) {
    const labelRanges = given.map(({ range }) => range);
    blocks.push({
      ...head,
      labels: given.map(({ text }) => text),
      labelRanges,
      body: jsonBody(value),
      openRange: value.open,
      headRange: rangeBetween(head.typeRange, labelRanges.at(-1) ?? head.typeRange),
    });
    return;
  }
  const named = value.members.filter(({ name }) => name !== COMMENT);
  if (named.length === 0)
    diagnostics.add(
      'Missing block label',
      `At least one object property is required, whose name represents the ${head.type} block's ${label}.`,
      value.open,
    );
  for (const { name, nameRange, value: inner } of named)
    addBlocks(blocks, head, inner, labels.slice(1), [...given, { text: name, range: nameRange }], diagnostics);
}

function misfit(type: string, range: Range, diagnostics: Diagnostics): void {
  diagnostics.add(
    'Incorrect JSON value type',
    `Either a JSON object or a JSON array is required, representing the contents of one or more ${quoted(type)} blocks.`,
    range,
  );
}
