import { isExactNumber, literalOf, ownProperty } from '@app/kernel';
/* Differences between two blocks of a specification, in Nomad's form. Source: spec/http-api §4.4, recordings jobs-plan and jobs-versions. */

export type DiffType = 'None' | 'Added' | 'Deleted' | 'Edited';
export interface FieldDiff {
  readonly Type: DiffType;
  readonly Name: string;
  readonly Old: string;
  readonly New: string;
  readonly Annotations: readonly string[] | null;
}
export interface ObjectDiff {
  readonly Type: DiffType;
  readonly Name: string;
  readonly Fields: readonly FieldDiff[] | null;
  readonly Objects: readonly ObjectDiff[] | null;
}

type Block = Readonly<Record<string, unknown>>;

/** Members with keys of their own: they become fields like `Meta[owner]`. */
const MAPS = new Set([
  'Meta',
  'Env',
  'CanaryMeta',
  'TaggedAddresses',
  'GetterOptions',
  'GetterHeaders',
  'ExtraClaims',
  'Target',
]);
/** What one member of a list is called, and blocks whose difference has a name of its own. */
const OBJECT_NAMES: Readonly<Record<string, string>> = {
  Constraints: 'Constraint',
  Affinities: 'Affinity',
  Spreads: 'Spread',
  Networks: 'Network',
  ReservedPorts: 'Static Port',
  DynamicPorts: 'Dynamic Port',
  CNI: 'CNIConfig',
  Devices: 'Device',
  Services: 'Service',
  Checks: 'Check',
  Connect: 'ConsulConnect',
  Templates: 'Template',
  Wait: 'Template Wait',
  Artifacts: 'Artifact',
  VolumeMounts: 'VolumeMount',
  Volumes: 'Volume',
  Actions: 'Action',
  Secrets: 'Secret',
  Regions: 'Region',
  Links: 'Link',
};
/** What members of a list are known by, so that a change shows as one; members of other lists are the same or not. */
const KNOWN_BY: ReadonlyMap<string, string> = new Map([
  ['Services', 'Name'],
  ['Checks', 'Name'],
  ['Templates', 'DestPath'],
  ['Artifacts', 'GetterSource'],
  ['VolumeMounts', 'Destination'],
  ['Actions', 'Name'],
  ['Identities', 'Name'],
  ['Secrets', 'Name'],
]);
/** Keys and nested keys belong to somebody else: flattened as a whole. */
const OPAQUE = new Set(['Config', 'Connect', 'Policy', 'Schedule', 'CSIPluginConfig']);

const compare = (left: string, right: string) => (left < right ? -1 : left > right ? 1 : 0);
const isPrimitive = (value: unknown) =>
  value === null || value === undefined || typeof value !== 'object' || isExactNumber(value);
/** Equal for equal values, whatever the order of their keys. */
const canonicalText = (value: unknown): string =>
  JSON.stringify(deepScalars(value).sort(([left], [right]) => compare(left, right)));
const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);
const isBlock = (value: unknown): value is Block =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Scalars by name; those of maps as `Map[key]`. Absent ones are left out. */
function scalars(block: Block | null, omitted: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(block ?? {})) {
    if (omitted.includes(name) || value === null || value === undefined) continue;
    if (isPrimitive(value)) found.set(name, literalOf(value));
    else if (MAPS.has(name) && isBlock(value))
      for (const [key, member] of Object.entries(value)) found.set(`${name}[${key}]`, String(member));
  }
  return found;
}

/** Every scalar at any depth: `port_map[http]`, `args[0]`. */
function deepScalars(value: unknown, path = ''): [string, string][] {
  if (isPrimitive(value)) return path === '' || value === null || value === undefined ? [] : [[path, literalOf(value)]];
  return Object.entries(value as object).flatMap(([key, member]) =>
    deepScalars(member, path === '' ? key : `${path}[${key}]`),
  );
}

const changeOf = (before: string, after: string): DiffType => {
  if (before === after) return 'None';
  if (before === '') return 'Added';
  return after === '' ? 'Deleted' : 'Edited';
};
const fieldDiff = (Name: string, Old: string, New: string): FieldDiff => ({
  Type: changeOf(Old, New),
  Name,
  Old,
  New,
  Annotations: null,
});

function fieldDiffs(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  contextual: boolean,
): readonly FieldDiff[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort(compare)
    .map((name) => fieldDiff(name, before.get(name) ?? '', after.get(name) ?? ''))
    .filter(({ Type }) => contextual || Type !== 'None');
}

/** Scalars of a job, group or task: only those that changed. */
export const changedFields = (
  before: object | null,
  after: object | null,
  omitted: readonly string[],
): readonly FieldDiff[] | null =>
  orNull(fieldDiffs(scalars(before as Block | null, omitted), scalars(after as Block | null, omitted), false));

const typeOf = (before: unknown, after: unknown): DiffType =>
  before === null ? 'Added' : after === null ? 'Deleted' : 'Edited';

/** A block, or undefined if it is the same. */
function blockDiff(
  name: string,
  before: Block | null,
  after: Block | null,
  contextual: boolean,
  isOpaque: boolean,
): ObjectDiff | undefined {
  const fields = isOpaque
    ? fieldDiffs(new Map(deepScalars(before)), new Map(deepScalars(after)), contextual)
    : fieldDiffs(
        scalars(before, ownProperty(OMITTED, name) ?? []),
        scalars(after, ownProperty(OMITTED, name) ?? []),
        contextual,
      );
  const nested = isOpaque ? [] : objectDiffs(before, after, nestedNames(before, after), contextual);
  if (nested.length === 0 && fields.every(({ Type }) => Type === 'None')) return undefined;
  return { Type: typeOf(before, after), Name: name, Fields: orNull(fields), Objects: orNull(nested) };
}

/** Old leftovers that Nomad does not show. */
const OMITTED: Readonly<Record<string, readonly string[]>> = {
  Update: ['Stagger'],
  Scaling: ['ID', 'CreateIndex', 'ModifyIndex'],
};

const nestedNames = (before: Block | null, after: Block | null): string[] =>
  [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter(
    (name) => !MAPS.has(name) && !(isPrimitive(ownProperty(before, name)) && isPrimitive(ownProperty(after, name))),
  );

/** A list of texts is one object whose fields all have its name. */
function textsDiff(
  name: string,
  before: readonly string[],
  after: readonly string[],
  contextual: boolean,
): ObjectDiff[] {
  const fields = [...new Set([...before, ...after])]
    .map((value) => fieldDiff(name, before.includes(value) ? value : '', after.includes(value) ? value : ''))
    .sort((left, right) => compare(left.Old, right.Old) || compare(left.New, right.New))
    .filter(({ Type }) => contextual || Type !== 'None');
  const types = new Set(fields.map(({ Type }) => Type).filter((type) => type !== 'None'));
  if (types.size === 0) return [];
  const [only] = types;
  return [{ Type: types.size > 1 ? 'Edited' : (only ?? 'Edited'), Name: name, Fields: fields, Objects: null }];
}

/** Names a member of a list among those of the other side: by what it is known by, the second one of a name being another one, or by its content. */
function identities(list: readonly Block[], key: string | undefined): string[] {
  const seen = new Map<string, number>();
  return list.map((member) => {
    const identity = key === undefined ? canonicalText(member) : String(ownProperty(member, key));
    const occurrence = (seen.get(identity) ?? 0) + 1;
    seen.set(identity, occurrence);
    return `${occurrence} ${identity}`;
  });
}

/** What comes, what goes, and what changes. */
function listDiff(
  title: string,
  before: readonly Block[],
  after: readonly Block[],
  key: string | undefined,
  contextual: boolean,
): ObjectDiff[] {
  const olds = new Map(identities(before, key).map((identity, position) => [identity, before[position] ?? null]));
  const nexts = new Map(identities(after, key).map((identity, position) => [identity, after[position] ?? null]));
  const diff = (identity: string) =>
    blockDiff(title, olds.get(identity) ?? null, nexts.get(identity) ?? null, contextual, false) ?? [];
  return [
    ...[...nexts.keys()].filter((identity) => !olds.has(identity)),
    ...[...olds.keys()].filter((identity) => !nexts.has(identity)),
    ...[...olds.keys()].filter((identity) => nexts.has(identity)),
  ].flatMap(diff);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isTexts = (list: readonly unknown[]): list is readonly string[] =>
  list.every((member) => typeof member === 'string');

/** The members of two blocks that are not scalars, in the order of `names`; only those that changed. */
export function objectDiffs(
  before: object | null,
  after: object | null,
  names: readonly string[],
  contextual: boolean,
): ObjectDiff[] {
  return names.flatMap((name): ObjectDiff[] => {
    const [old, next] = [
      ownProperty(before as Block | null, name) ?? null,
      ownProperty(after as Block | null, name) ?? null,
    ];
    const title = ownProperty(OBJECT_NAMES, name) ?? name;
    if (Array.isArray(old) || Array.isArray(next)) {
      const [olds, nexts] = [listOf(old), listOf(next)];
      return isTexts(olds) && isTexts(nexts)
        ? textsDiff(title, olds, nexts, contextual)
        : listDiff(title, olds.filter(isBlock), nexts.filter(isBlock), KNOWN_BY.get(name), contextual);
    }
    if (name === 'Volumes') {
      const volumes = [...new Set([...Object.keys(old ?? {}), ...Object.keys(next ?? {})])].sort(compare);
      return volumes.flatMap((key) => {
        const [left, right] = [
          ownProperty(old as Block | null, key) ?? null,
          ownProperty(next as Block | null, key) ?? null,
        ];
        return blockDiff(title, left as Block | null, right as Block | null, contextual, false) ?? [];
      });
    }
    if (!isBlock(old) && !isBlock(next)) return [];
    const diff = blockDiff(title, old as Block | null, next as Block | null, contextual, OPAQUE.has(name));
    return diff === undefined ? [] : [diff];
  });
}
