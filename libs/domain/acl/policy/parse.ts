import { quoted } from '@app/kernel';
import {
  HOST_VOLUME_CAPABILITIES,
  HOST_VOLUME_LEVELS,
  NAMESPACE_CAPABILITIES,
  NAMESPACE_LEVELS,
  NODE_POOL_CAPABILITIES,
  NODE_POOL_LEVELS,
  OPERATOR_CAPABILITIES,
  OPERATOR_LEVELS,
  SENTINEL_CAPABILITIES,
  VARIABLE_CAPABILITIES,
} from './capabilities.js';
import { hclFault, isHclFault, isObject, parseHcl, type HclObject, type HclValue } from './hcl.js';
import {
  NO_RULES,
  type LabelledRule,
  type Level,
  type NamespaceRule,
  type PolicyRules,
  type VariablesRule,
} from './rules.js';

/** Longest rules that are read, in characters. */
const MAX_RULES_LENGTH = 512 * 1024;

/** What is wrong with the rules of a policy, in Nomad's words; spec/http-api-more §7. */
export type ParsedRules =
  { readonly ok: true; readonly rules: PolicyRules } | { readonly ok: false; readonly error: string };

const RULES_FAULT = 'RulesFault';
function rulesFault(text: string): Error {
  const error = new Error(text);
  error.name = RULES_FAULT;
  return error;
}

const LABELLED = ['namespace', 'node_pool', 'host_volume'] as const;
const SINGLE = ['agent', 'node', 'operator', 'quota', 'sentinel', 'plugin'] as const;
const KNOWN: ReadonlySet<string> = new Set<string>([...LABELLED, ...SINGLE]);
const NAMESPACE_NAME = /^[a-zA-Z0-9\-*]{1,128}$/;
const POOL_NAME = /^[a-zA-Z0-9\-_*]{1,128}$/;
const LEVELS: ReadonlySet<string> = new Set(['deny', 'read', 'write', 'scale']);
const PLUGIN_LEVELS: ReadonlySet<string> = new Set(['deny', 'list', 'read', 'write']);
const OPERATOR_BLOCK_LEVELS: ReadonlySet<string> = new Set(['deny', 'read', 'write']);

/** Reads the rules of a policy, HCL or JSON. No rules at all are rules, too. */
export function parseRules(text: string): ParsedRules {
  if (text === '') return { ok: true, rules: NO_RULES };
  if (text.length > MAX_RULES_LENGTH) return { ok: false, error: `rules longer than ${MAX_RULES_LENGTH}` };
  try {
    return { ok: true, rules: rulesOf(text) };
  } catch (fault) {
    if (isHclFault(fault)) return { ok: false, error: `Failed to parse ACL Policy: ${fault.message}` };
    if (fault instanceof Error && fault.name === RULES_FAULT) return { ok: false, error: fault.message };
    throw fault;
  }
}

interface Block {
  readonly name: string;
  readonly label: string;
  readonly body: HclObject;
}

function rulesOf(text: string): PolicyRules {
  const blocks = blocksOf(parseHcl(text));
  if (!blocks.some(({ name }) => KNOWN.has(name))) throw rulesFault(`Invalid policy: ${text}`);
  const strange = new Set<string>();
  const seen = new Set<string>();
  for (const { name } of blocks) {
    if (!KNOWN.has(name) || (seen.has(name) && !(LABELLED as readonly string[]).includes(name))) strange.add(name);
    seen.add(name);
  }
  if (strange.size > 0) throw rulesFault(`Invalid or duplicate policy keys: ${[...strange].join(', ')}`);
  const named = (name: string): Block[] => blocks.filter((block) => block.name === name);
  const single = (name: (typeof SINGLE)[number]): HclObject | undefined => named(name)[0]?.body;
  return {
    namespaces: named('namespace').map(namespaceRule),
    nodePools: named('node_pool').map(nodePoolRule),
    hostVolumes: named('host_volume').map(hostVolumeRule),
    agent: levelOf('agent', single('agent'), LEVELS),
    node: levelOf('node', single('node'), LEVELS),
    quota: levelOf('quota', single('quota'), LEVELS),
    plugin: levelOf('plugin', single('plugin'), PLUGIN_LEVELS),
    operator: leveledWithCapabilities('operator', single('operator'), OPERATOR_CAPABILITIES),
    sentinel: leveledWithCapabilities('sentinel', single('sentinel'), SENTINEL_CAPABILITIES),
  };
}

/** A block with more labels than one is a block within a block. */
const blocksOf = (file: HclObject): Block[] =>
  file.items.flatMap(({ keys: [name = '', ...labels], value }): Block[] => {
    if (!KNOWN.has(name)) return [{ name, label: '', body: { items: [] } }];
    const isLabelled = (LABELLED as readonly string[]).includes(name);
    const bodies = Array.isArray(value) ? (value as readonly HclValue[]) : [value];
    return bodies.map((body) => {
      if (!isObject(body)) throw hclFault(`'${name}' expected object`);
      const [label = '', ...inner] = isLabelled ? labels : ['', ...labels];
      return {
        name,
        label,
        body: inner.reduceRight<HclObject>((all, key) => ({ items: [{ keys: [key], value: all }] }), body),
      };
    });
  });

/** The last value of a key. */
const valueOf = (body: HclObject, key: string): HclValue | undefined =>
  body.items.findLast(({ keys }) => keys.length === 1 && keys[0] === key)?.value;

function textOf(body: HclObject, key: string): string {
  const value = valueOf(body, key) ?? '';
  if (typeof value === 'object') throw hclFault(`'${key}' expected string`);
  return String(value);
}

function textsOf(body: HclObject, key: string): string[] {
  const value = valueOf(body, key) ?? [];
  if (!Array.isArray(value)) throw hclFault(`'${key}' expected list`);
  return (value as readonly HclValue[]).map((one) => {
    if (typeof one === 'object') throw hclFault(`'${key}' expected strings`);
    return String(one);
  });
}

/** As Go prints the structure that Nomad has made of a block. */
const dump = (type: string, { label, body }: Block): string =>
  `&acl.${type}{Name:${quoted(label)}, Policy:${quoted(textOf(body, 'policy'))}, Capabilities:${goTexts(textsOf(body, 'capabilities'))}}`;
const goTexts = (texts: readonly string[]): string =>
  texts.length === 0 ? '[]string(nil)' : `[]string{${texts.map(quoted).join(', ')}}`;

/** Capabilities as they are written, then those of the short form. */
const allOf = (
  explicit: readonly string[],
  level: string,
  levels: ReadonlyMap<string, readonly string[]>,
): string[] => [...explicit, ...(levels.get(level) ?? [])];

function namespaceRule(block: Block): NamespaceRule {
  const { label, body } = block;
  if (!NAMESPACE_NAME.test(label)) throw rulesFault(`Invalid namespace name: ${dump('NamespacePolicy', block)}`);
  const level = textOf(body, 'policy');
  if (level !== '' && !NAMESPACE_LEVELS.has(level))
    throw rulesFault(`Invalid namespace policy: ${dump('NamespacePolicy', block)}`);
  const explicit = textsOf(body, 'capabilities');
  for (const one of explicit) {
    if (!(NAMESPACE_CAPABILITIES as readonly string[]).includes(one))
      throw rulesFault(`Invalid namespace capability '${one}': ${dump('NamespacePolicy', block)}`);
  }
  return {
    label,
    level,
    capabilities: allOf(explicit, level, NAMESPACE_LEVELS),
    variables: variablesOf(label, body),
  };
}

function variablesOf(namespace: string, body: HclObject): readonly VariablesRule[] | null {
  const blocks = body.items.filter(({ keys }) => keys[0] === 'variables');
  if (blocks.length === 0) return null;
  const items = blocks.flatMap(({ keys, value }) => {
    // JSON: `"variables": {"path": {"*": …}}` has the labels before the block.
    if (keys.length > 1) return [{ keys: keys.slice(1), value }];
    if (!isObject(value)) throw hclFault(`'variables' expected object`);
    return value.items;
  });
  const paths = items.filter(({ keys }) => keys[0] === 'path');
  if (paths.length === 0) throw rulesFault(`Invalid variable policy: no variable paths in namespace ${namespace}`);
  return paths.map(({ keys: [, path = ''], value }) => {
    if (path === '') throw rulesFault(`Invalid missing variable path in namespace ${namespace}`);
    if (path.startsWith('/'))
      throw rulesFault(
        `Invalid variable path ${quoted(path)} in namespace ${namespace}: cannot start with a leading '/'\``,
      );
    if (!isObject(value)) throw hclFault(`'path' expected object`);
    const capabilities = textsOf(value, 'capabilities');
    for (const one of capabilities) {
      if (!(VARIABLE_CAPABILITIES as readonly string[]).includes(one))
        throw rulesFault(`Invalid variable capability '${one}' in namespace ${namespace}`);
    }
    return { path, capabilities };
  });
}

function nodePoolRule({ label, body }: Block): LabelledRule {
  if (!POOL_NAME.test(label)) throw rulesFault(`Invalid node pool name '${label}'`);
  const level = textOf(body, 'policy');
  if (level !== '' && !NODE_POOL_LEVELS.has(level))
    throw rulesFault(`Invalid node pool policy '${level}' for '${label}'`);
  const explicit = textsOf(body, 'capabilities');
  for (const one of explicit) {
    if (!(NODE_POOL_CAPABILITIES as readonly string[]).includes(one))
      throw rulesFault(`Invalid node pool capability '${one}' for '${label}'`);
  }
  return { label, level, capabilities: allOf(explicit, level, NODE_POOL_LEVELS) };
}

function hostVolumeRule(block: Block): LabelledRule {
  const { label, body } = block;
  if (!NAMESPACE_NAME.test(label)) throw rulesFault(`Invalid host volume name: ${dump('HostVolumePolicy', block)}`);
  const level = textOf(body, 'policy');
  if (level !== '' && !HOST_VOLUME_LEVELS.has(level))
    throw rulesFault(`Invalid host volume policy: ${dump('HostVolumePolicy', block)}`);
  const explicit = textsOf(body, 'capabilities');
  for (const one of explicit) {
    if (!(HOST_VOLUME_CAPABILITIES as readonly string[]).includes(one))
      throw rulesFault(`Invalid host volume capability '${one}': ${dump('HostVolumePolicy', block)}`);
  }
  return { label, level, capabilities: allOf(explicit, level, HOST_VOLUME_LEVELS) };
}

function levelOf(name: string, body: HclObject | undefined, levels: ReadonlySet<string>): Level {
  if (body === undefined) return '';
  const level = textOf(body, 'policy');
  if (!levels.has(level)) throw rulesFault(`Invalid ${name} policy: ${leveledDump(name, level)}`);
  return level as Level;
}

const leveledDump = (name: string, level: string): string =>
  `&acl.${name[0]!.toUpperCase()}${name.slice(1)}Policy{Policy:${quoted(level)}}`;

function leveledWithCapabilities(
  name: 'operator' | 'sentinel',
  body: HclObject | undefined,
  known: readonly string[],
): PolicyRules['operator'] {
  if (body === undefined) return null;
  const level = textOf(body, 'policy');
  const explicit = textsOf(body, 'capabilities');
  if ((level === '' && explicit.length === 0) || (level !== '' && !OPERATOR_BLOCK_LEVELS.has(level)))
    throw rulesFault(`Invalid ${name} policy: ${leveledDump(name, level)}`);
  for (const one of explicit) if (!known.includes(one)) throw rulesFault(`Invalid ${name} capability '${one}'`);
  const levels = name === 'operator' ? OPERATOR_LEVELS : new Map<string, readonly string[]>();
  return { level: level as Level, capabilities: allOf(explicit, level, levels) };
}
