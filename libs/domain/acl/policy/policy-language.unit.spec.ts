import { permissionsOf, type Permissions } from '../permissions.js';
import { parseRules } from './parse.js';
import { renderRules } from './render.js';

/** What tokens with these policies may do. */
function granted(...policies: readonly string[]): Permissions {
  return permissionsOf(
    policies.map((text) => {
      const parsed = parseRules(text);
      if (!parsed.ok) throw new Error(parsed.error);
      return parsed.rules;
    }),
    'test',
  );
}
const refusal = (text: string): string | undefined => {
  const parsed = parseRules(text);
  return parsed.ok ? undefined : parsed.error.replace(/&acl\.\w+\{.*\}/s, '&acl...');
};
const ns = (name: string, body: string): string => `namespace "${name}" { ${body} }`;
/** Per namespace: list-jobs, read-job, submit-job, scale-job. */
const may = (permissions: Permissions): Record<string, string> =>
  Object.fromEntries(
    ['web-prod', 'web-dev', 'api-prod', 'other'].map((name) => [
      name,
      [
        permissions.inNamespace(name, 'list-jobs') && 'list',
        permissions.inNamespace(name, 'read-job') && 'read',
        permissions.inNamespace(name, 'submit-job') && 'stop',
        permissions.inNamespace(name, 'scale-job') && 'scale',
      ]
        .filter(Boolean)
        .join(' '),
    ]),
  );
const only = (some: Record<string, string>): Record<string, string> => ({
  'web-prod': '',
  'web-dev': '',
  'api-prod': '',
  other: '',
  ...some,
});
const ALL = 'list read stop scale';

describe('The rules of namespaces', () => {
  test.each<[string, string[], Record<string, string>]>([
    ['read', [ns('web-prod', 'policy = "read"')], { 'web-prod': 'list read' }],
    ['write', [ns('web-prod', 'policy = "write"')], { 'web-prod': ALL }],
    ['scale', [ns('web-prod', 'policy = "scale"')], { 'web-prod': 'read scale' }],
    [
      'a short form and a capability',
      [ns('web-prod', 'policy = "read"\n capabilities = ["submit-job"]')],
      { 'web-prod': 'list read stop' },
    ],
    ['nothing in the block', [ns('web-prod', '')], {}],
    ['a star at the end', [ns('web-*', 'policy = "read"')], { 'web-prod': 'list read', 'web-dev': 'list read' }],
    ['a star in front', [ns('*-prod', 'policy = "read"')], { 'web-prod': 'list read', 'api-prod': 'list read' }],
    [
      'the exact name before a glob',
      [`${ns('web-*', 'policy = "write"')}\n${ns('web-prod', 'policy = "read"')}`],
      { 'web-prod': 'list read', 'web-dev': ALL },
    ],
    [
      'the closer glob',
      [`${ns('*-prod', 'policy = "read"')}\n${ns('w*-prod', 'policy = "write"')}`],
      { 'web-prod': ALL, 'api-prod': 'list read' },
    ],
    ['a denial by capability', [ns('web-prod', 'capabilities = ["read-job", "deny"]')], {}],
    [
      'a denied glob beside an exact name',
      [`${ns('*', 'policy = "deny"')}\n${ns('web-prod', 'policy = "read"')}`],
      { 'web-prod': 'list read' },
    ],
    [
      'policies added up',
      [ns('web-prod', 'capabilities = ["list-jobs"]'), ns('web-prod', 'capabilities = ["read-job"]')],
      { 'web-prod': 'list read' },
    ],
    ['policies of which one denies', [ns('web-prod', 'policy = "write"'), ns('web-prod', 'policy = "deny"')], {}],
    [
      'a glob and a name, which do not add up',
      [ns('web-*', 'policy = "write"'), ns('web-prod', 'capabilities = ["list-jobs"]')],
      { 'web-prod': 'list', 'web-dev': ALL },
    ],
    ['JSON', [JSON.stringify({ namespace: { 'web-prod': { policy: 'read' } } })], { 'web-prod': 'list read' }],
    [
      'the same namespace twice',
      [`${ns('web-prod', 'capabilities = ["list-jobs"]')}\n${ns('web-prod', 'capabilities = ["read-job"]')}`],
      { 'web-prod': 'list read' },
    ],
  ])('%s', (_what, policies, expected) => {
    expect(may(granted(...policies))).toEqual(only(expected));
  });

  test('host volumes come with what they imply', () => {
    const permissions = granted(ns('a', 'capabilities = ["host-volume-write"]'));
    expect(permissions.inNamespace('a', 'host-volume-read')).toBe(true);
    expect(permissions.inNamespace('a', 'list-jobs')).toBe(false);
  });
});

describe('Other rules', () => {
  test('levels: a denial wins, then write, then read', () => {
    const levels = ['read', 'write', 'deny'].map((level) => `node { policy = "${level}" }`);
    expect(granted(levels[0]!, levels[1]!).level('node', 'write')).toBe(true);
    expect(granted(...levels).level('node', 'read')).toBe(false);
  });

  test('to write plugins grants nothing', () => {
    const plugin = (level: string) => granted(`plugin { policy = "${level}" }`);
    expect(plugin('write').level('plugin', 'list')).toBe(false);
    expect(plugin('list').level('plugin', 'list')).toBe(true);
    expect(plugin('list').level('plugin', 'read')).toBe(false);
  });

  test('variables: write implies nothing, read implies list, the closest path counts', () => {
    const permissions = granted(
      ns(
        'default',
        'variables { path "*" { capabilities = ["write"] } path "app/*" { capabilities = ["read"] } path "app/key" { capabilities = ["deny", "read"] } }',
      ),
    );
    expect(permissions.variable('default', 'x', 'write')).toBe(true);
    expect(permissions.variable('default', 'x', 'list')).toBe(false);
    expect(permissions.variable('default', 'app/x', 'list')).toBe(true);
    expect(permissions.variable('default', 'app/x', 'write')).toBe(false);
    expect(permissions.variable('default', 'app/key', 'read')).toBe(false);
    expect(granted(ns('default', 'policy = "write"')).variable('default', 'x', 'read')).toBe(false);
  });

  test('a workload reads the variables of its job without any policy', () => {
    const permissions = permissionsOf([], 'workload', { namespace: 'default', jobId: 'web', group: 'g', task: 't' });
    expect(permissions.variable('default', 'nomad/jobs/web/g/t', 'read')).toBe(true);
    expect(permissions.variable('default', 'nomad/jobs/web/g/other', 'read')).toBe(false);
    expect(permissions.variable('other', 'nomad/jobs/web', 'read')).toBe(false);
    expect(permissions.variable('default', 'nomad/jobs/web', 'write')).toBe(false);
  });
});

describe('Rules that are refused', () => {
  test.each([
    ['namespace {', 'Failed to parse ACL Policy: At 1:13: object expected closing RBRACE got: EOF'],
    ['hello', "Failed to parse ACL Policy: At 1:7: key 'hello' expected start of object ('{') or assignment ('=')"],
    ['nope { policy = "read" }', 'Invalid policy: nope { policy = "read" }'],
    ['nope { policy = "read" }\nnode { policy = "read" }', 'Invalid or duplicate policy keys: nope'],
    ['node { policy = "nope" }', 'Invalid node policy: &acl...'],
    ['node {}', 'Invalid node policy: &acl...'],
    ['namespace "a" { policy = "nope" }', 'Invalid namespace policy: &acl...'],
    ['plugin { policy = "scale" }', 'Invalid plugin policy: &acl...'],
    ['agent { policy = "list" }', 'Invalid agent policy: &acl...'],
    ['namespace "a" { capabilities = ["nope"] }', "Invalid namespace capability 'nope': &acl..."],
    ['operator { capabilities = ["nope"] }', "Invalid operator capability 'nope'"],
    ['node_pool "a" { capabilities = ["nope"] }', "Invalid node pool capability 'nope' for 'a'"],
    ['node_pool "a b" { policy = "read" }', "Invalid node pool name 'a b'"],
    ['namespace "a b" { policy = "read" }', 'Invalid namespace name: &acl...'],
    ['namespace { policy = "read" }', 'Invalid namespace name: &acl...'],
    ['namespace "a" { variables {} }', 'Invalid variable policy: no variable paths in namespace a'],
    [
      'namespace "a" { variables { path "x" { capabilities = ["nope"] } } }',
      "Invalid variable capability 'nope' in namespace a",
    ],
    [
      'namespace "a" { variables { path "/x" { capabilities = ["read"] } } }',
      'Invalid variable path "/x" in namespace a: cannot start with a leading \'/\'`',
    ],
    ['host_volume "a" { policy = "nope" }', 'Invalid host volume policy: &acl...'],
    ['node { policy = "read" }\nnode { policy = "write" }', 'Invalid or duplicate policy keys: node'],
    ['# nothing', 'Invalid policy: # nothing'],
  ])('%s', (text, expected) => {
    expect(refusal(text)).toBe(expected);
  });

  test.each(['', 'namespace "a" { nope = "x" }'])('%j is accepted', (text) => {
    expect(refusal(text)).toBeUndefined();
  });

  test('hostile rules end: nested without end, never closed, far too long', () => {
    expect(refusal('a {'.repeat(10_000))).toContain('nested too deeply');
    expect(refusal(`{"namespace":${'['.repeat(10_000)}${']'.repeat(10_000)}}`)).toContain('nested too deeply');
    expect(refusal('namespace "a')).toContain('literal not terminated');
    expect(refusal('#'.repeat(600_000))).toContain('rules longer than');
    expect(refusal('namespace "__proto__" { policy = "read" }')).toBe('Invalid namespace name: &acl...');
  });
});

test('RulesJSON shows the rules as they were read', () => {
  const raw = 'namespace "default" { capabilities = ["read-job"] }';
  const parsed = parseRules(raw);
  expect(parsed.ok && renderRules(parsed.rules, raw)).toEqual({
    Agent: null,
    ExtraKeysHCL: null,
    HostVolumes: null,
    Namespaces: [{ Capabilities: ['read-job'], Name: 'default', Policy: '', Variables: null }],
    Node: null,
    NodePools: null,
    Operator: null,
    Plugin: null,
    Quota: null,
    Raw: raw,
    Sentinel: null,
  });
});
