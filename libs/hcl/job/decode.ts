import { contentOf, justAttributes, only, single } from '../body/content.js';
import type { BodySchema, Content, ScopedBlock } from '../body/schema.js';
import type { Evaluation } from '../evaluate/scope.js';
import { showRange } from '../source.js';
import { startOf, type Body } from '../syntax/ast.js';
import { attributeValue } from './attribute.js';
import type { Field, Struct } from './fields.js';
import { openBody } from './open-body.js';
import { group, job, secret, task, vault } from './blocks.js';
import { draftsOf, draftWith, inheritSecrets, inheritVault, type Draft } from './inherit.js';
import { where } from './where.js';

/** Decoding with what must wait until the rest is known to be right: the contents of open bodies, which are told of apart. */
export interface Decoding extends Evaluation {
  readonly deferred: (() => void)[];
}

const EMPTY: Readonly<Record<string, unknown>> = {
  string: '',
  bool: false,
  int: 0,
  int8: 0,
  uint8: 0,
  uint64: 0,
  duration: 0,
};

/** What a body may hold further than its struct says; they are handed back. */
export interface Extra {
  readonly type: string;
  readonly labels: readonly string[];
}

/** Decodes a body into the JSON of its struct. */
export function decodeStruct(
  struct: Struct,
  { block, scope }: ScopedBlock,
  outer: Decoding,
  extras: readonly Extra[] = [],
): { readonly draft: Draft; readonly extra: readonly ScopedBlock[] } {
  const decoding: Decoding = { ...outer, scope };
  const content = contentOf(block.body, schemaOf(struct, extras), decoding);
  const draft = draftWith([]);
  if (struct.label) draft[struct.label.member] = block.labels[0] ?? '';
  for (const field of struct.fields) {
    const ofField = content.blocks.filter((one) => 'name' in field && one.block.type === field.name);
    decodeField(field, content, ofField, draft, decoding);
  }
  const types = new Set(extras.map(({ type }) => type));
  return { draft, extra: content.blocks.filter((one) => types.has(one.block.type)) };
}

const schemas = new WeakMap<Struct, BodySchema>();

/** The extras of a struct are always the same. */
function schemaOf(struct: Struct, extras: readonly Extra[]): BodySchema {
  const made = schemas.get(struct) ?? makeSchema(struct, extras);
  schemas.set(struct, made);
  return made;
}

function makeSchema({ fields }: Struct, extras: readonly Extra[]): BodySchema {
  const attributes = fields.flatMap((field) => {
    if (field.kind === 'attribute') return [{ name: field.name, required: field.required }];
    return field.kind === 'texts' && field.orAttribute ? [{ name: field.name, required: false }] : [];
  });
  const blocks = fields
    .filter((field) => field.kind !== 'attribute' && field.kind !== 'fixed')
    .map((field) => {
      const label = field.kind === 'block' ? field.of().label : undefined;
      return { type: field.name, labels: label ? [label.name] : [] };
    });
  const byName = (a: string, b: string) => (a < b ? -1 : 1);
  return {
    attributes: attributes.sort((a, b) => byName(a.name, b.name)),
    blocks: [...blocks, ...extras.map(({ type, labels }) => ({ type, labels: [...labels] }))].sort((a, b) =>
      byName(a.type, b.type),
    ),
  };
}

function decodeField(
  field: Field,
  content: Content,
  blocks: readonly ScopedBlock[],
  draft: Draft,
  decoding: Decoding,
): void {
  switch (field.kind) {
    case 'fixed':
      draft[field.member] = field.value;
      return;
    case 'attribute': {
      const attribute = content.attributes.get(field.name);
      const value = attribute && attributeValue(attribute.expression, field.type, decoding);
      draft[field.member] = value ?? (field.nullable ? null : EMPTY[field.type]);
      return;
    }
    case 'where':
      draft[field.member] = listOrNull(blocks.map((one) => where(field.name, one, decoding)));
      return;
    case 'texts':
      draft[field.member] = texts(field, content, blocks, decoding);
      return;
    case 'open': {
      const first = only(blocks, decoding);
      draft[field.member] = null;
      if (first)
        decoding.deferred.push(() => {
          draft[field.member] = openBody(first.block.body, { ...decoding, scope: first.scope });
        });
      return;
    }
    case 'block':
      if (field.as === 'one') {
        const first = only(blocks, decoding);
        if (first) draft[field.member] = decodeStruct(field.of(), first, decoding).draft;
        else if (!field.omitted) draft[field.member] = null;
        return;
      }
      draft[field.member] = repeated(field, blocks, decoding);
  }
}

const listOrNull = (items: readonly unknown[]): readonly unknown[] | null => (items.length === 0 ? null : items);

function repeated(
  field: Extract<Field, { kind: 'block' }>,
  blocks: readonly ScopedBlock[],
  decoding: Decoding,
): unknown {
  const struct = field.of();
  const drafts = blocks.map((one) => special(field.name, struct, one, decoding));
  if (field.as === 'list' || drafts.length === 0) return listOrNull(drafts);
  return Object.fromEntries(drafts.map((draft) => [String(draft[struct.label!.member]), draft]));
}

/** A group hands on to its tasks; a scaling block of a task is named for what it scales. */
function special(name: string, struct: Struct, one: ScopedBlock, decoding: Decoding): Draft {
  if (name === 'group') return decodeGroup(struct, one, decoding);
  const { draft } = decodeStruct(struct, one, decoding);
  if (name !== 'scaling') return draft;
  const label = one.block.labels[0];
  if (label === 'cpu' || label === 'mem') {
    draft['Type'] = `vertical_${label}`;
    return draft;
  }
  decoding.diagnostics.add(
    'Invalid scaling policy name',
    'scaling policy name must be "cpu" or "mem"',
    one.block.labelRanges[0],
  );
  return draft;
}

function texts(
  field: Extract<Field, { kind: 'texts' }>,
  content: Content,
  blocks: readonly ScopedBlock[],
  decoding: Decoding,
): unknown {
  const attribute = field.orAttribute ? content.attributes.get(field.name) : undefined;
  const [first] = blocks;
  if (attribute && first) {
    decoding.diagnostics.add(
      `Duplicate ${field.name} block`,
      `${field.name} may not be defined more than once. Another definition is defined at ${showRange(attribute.range)}.`,
      first.block.headRange,
    );
    return null;
  }
  if (attribute) return attributeValue(attribute.expression, 'string-map', decoding) ?? null;
  const block = only(blocks, decoding);
  return block ? textsOf(block.block.body, field.lists, { ...decoding, scope: block.scope }) : null;
}

function textsOf(body: Body, lists: boolean, decoding: Decoding): object {
  const members = justAttributes(body, decoding).map(({ name, expression }) => {
    const before = decoding.diagnostics.count;
    const value = attributeValue(expression, lists ? 'strings' : 'string', decoding);
    if (value === undefined && decoding.diagnostics.count === before)
      decoding.diagnostics.add(
        'Unsuitable value type',
        'Unsuitable value: null value is not allowed',
        startOf(expression),
      );
    return [name, value] as const;
  });
  return Object.fromEntries(members);
}

const VAULT: Extra = { type: 'vault', labels: [] };
const SECRET: Extra = { type: 'secret', labels: ['name'] };
const TASK: Extra = { type: 'task', labels: ['name'] };
const [VAULT_STRUCT, SECRET_STRUCT, GROUP_STRUCT, TASK_STRUCT, JOB_STRUCT] = [
  vault(),
  secret(),
  group(),
  task(),
  job(),
];

function inherited(extra: readonly ScopedBlock[], decoding: Decoding) {
  const ofType = (type: string) => extra.filter((one) => one.block.type === type);
  const block = single(ofType('vault'), decoding);
  return {
    vault: block && decodeStruct(VAULT_STRUCT, block, decoding).draft,
    secrets: ofType('secret').map((one) => decodeStruct(SECRET_STRUCT, one, decoding).draft),
  };
}

function decodeGroup(struct: Struct, one: ScopedBlock, decoding: Decoding): Draft {
  const { draft, extra } = decodeStruct(struct, one, decoding, [VAULT, SECRET]);
  const { vault: given, secrets } = inherited(extra, decoding);
  for (const each of draftsOf(draft['Tasks'])) {
    inheritVault(each, given);
    inheritSecrets(each, secrets);
  }
  return draft;
}

/** The job block: also vault and secret blocks for all its tasks, and tasks that are groups of their own. */
export function decodeJob(one: ScopedBlock, decoding: Decoding): Draft {
  const { draft, extra } = decodeStruct(JOB_STRUCT, one, decoding, [VAULT, SECRET, TASK]);
  const { vault: given, secrets } = inherited(extra, decoding);
  const tasks = extra
    .filter(({ block }) => block.type === 'task')
    .map((block) => decodeStruct(TASK_STRUCT, block, decoding).draft);
  const groups = [
    ...tasks.map((each) => ({ ...emptyGroup(one, decoding), Name: each['Name'], Tasks: [each] })),
    ...draftsOf(draft['TaskGroups']),
  ];
  draft['TaskGroups'] = listOrNull(groups);
  for (const each of groups.flatMap((found: Draft) => draftsOf(found['Tasks']))) {
    inheritVault(each, given);
    if (secrets.length > 0) each['Secrets'] = [...draftsOf(each['Secrets']), ...secrets];
  }
  return draft;
}

const emptyGroup = ({ block, scope }: ScopedBlock, decoding: Decoding): Draft => {
  const body = { ...block.body, attributes: new Map(), blocks: [] };
  return decodeStruct(GROUP_STRUCT, { block: { ...block, body }, scope }, decoding, [VAULT, SECRET]).draft;
};
