import {
  withImplied,
  type HostVolumeCapability,
  type NamespaceCapability,
  type NodePoolCapability,
  type OperatorCapability,
  type VariableCapability,
} from './policy/capabilities.js';
import { distance, fits, isGlob, labelsOf } from './policy/glob.js';
import type { Level, PolicyRules } from './policy/rules.js';

/** Blocks of a policy whose grants are levels. */
export type LeveledBlock = 'node' | 'agent' | 'quota' | 'plugin' | 'operator';
export type GrantedLevel = 'list' | 'read' | 'write';

/** Where a task with an identity runs; it may read the variables of its job without any policy. */
export interface WorkloadPlace {
  readonly namespace: string;
  readonly jobId: string;
  readonly group: string;
  readonly task: string;
}

/** What a token may do: its policies, added up. Nomad: acl.ACL; spec/http-api-more §7. */
export interface Permissions {
  readonly isManagement: boolean;
  /** Equal keys: equal permissions. Empty for management, whose answers are those of a server without ACLs. */
  readonly key: string;
  /** Whether any of the capabilities is granted in a namespace. */
  inNamespace(namespace: string, ...anyOf: readonly NamespaceCapability[]): boolean;
  /** Whether there is any namespace in which any of the capabilities is granted. */
  inAnyNamespace(...anyOf: readonly NamespaceCapability[]): boolean;
  /** Whether anything at all is granted in a namespace. */
  knowsNamespace(namespace: string): boolean;
  level(block: LeveledBlock, needed: GrantedLevel): boolean;
  operator(capability: OperatorCapability): boolean;
  nodePool(name: string, capability: NodePoolCapability): boolean;
  /** Whether anything is granted in any pool. */
  inAnyNodePool(): boolean;
  hostVolume(name: string, capability: HostVolumeCapability): boolean;
  variable(namespace: string, path: string, capability: VariableCapability): boolean;
  /** Whether anything is granted for one variable: enough for a search to show its path. */
  anyOfVariable(namespace: string, path: string): boolean;
  /** Whether any rule about variables touches a namespace, whatever it grants. */
  inVariablesOf(namespace: string): boolean;
}

export const MANAGEMENT: Permissions = {
  isManagement: true,
  key: '',
  inNamespace: () => true,
  inAnyNamespace: () => true,
  knowsNamespace: () => true,
  level: () => true,
  operator: () => true,
  nodePool: () => true,
  inAnyNodePool: () => true,
  hostVolume: () => true,
  variable: () => true,
  anyOfVariable: () => true,
  inVariablesOf: () => true,
};

type Grants = ReadonlySet<string>;
const NOTHING: Grants = new Set();

/** Capabilities of one label, united; a `deny` leaves none, whatever else is said. */
function united(rules: Iterable<readonly [label: string, capabilities: readonly string[]]>): Map<string, Grants> {
  const said = new Map<string, Set<string>>();
  for (const [label, capabilities] of rules) {
    const all = said.get(label) ?? new Set();
    for (const capability of capabilities) all.add(capability);
    said.set(label, all);
  }
  return new Map(Array.from(said, ([label, all]) => [label, all.has('deny') ? NOTHING : all]));
}

const STRENGTH: readonly Level[] = ['', 'scale', 'list', 'read', 'write', 'deny'];
const strongest = (levels: readonly Level[]): Level =>
  levels.reduce((strong, level) => (STRENGTH.indexOf(level) > STRENGTH.indexOf(strong) ? level : strong), '');

/** What a level of a block covers. A plugin's `write` grants nothing, as in Nomad. */
const COVERS: Readonly<Record<GrantedLevel, readonly Level[]>> = {
  list: ['list', 'read'],
  read: ['read', 'write'],
  write: ['write'],
};
const PLUGIN_COVERS: Readonly<Record<GrantedLevel, readonly Level[]>> = {
  list: ['list', 'read'],
  read: ['read'],
  write: [],
};

/** What implied paths a workload identity reads: those of its job, its group and its task. */
function implicitPaths({ jobId, group, task }: WorkloadPlace): ReadonlySet<string> {
  const job = `nomad/jobs/${jobId}`;
  return new Set(['nomad/jobs', job, `${job}/${group}`, `${job}/${group}/${task}`]);
}
const IMPLICIT: Grants = new Set(['list', 'read']);

/** Adds policies up. `key` must differ where the policies do. */
export function permissionsOf(policies: readonly PolicyRules[], key: string, workload?: WorkloadPlace): Permissions {
  const namespaces = labelsOf(
    united(
      policies.flatMap((one) => one.namespaces.map((rule) => [rule.label, withImplied(rule.capabilities)] as const)),
    ),
  );
  const pools = labelsOf(
    united(policies.flatMap((one) => one.nodePools.map((rule) => [rule.label, rule.capabilities] as const))),
  );
  const volumes = labelsOf(
    united(policies.flatMap((one) => one.hostVolumes.map((rule) => [rule.label, rule.capabilities] as const))),
  );
  const variables = variablesOf(policies, workload);
  const levels = {
    node: strongest(policies.map((one) => one.node)),
    agent: strongest(policies.map((one) => one.agent)),
    quota: strongest(policies.map((one) => one.quota)),
    plugin: strongest(policies.map((one) => one.plugin)),
    operator: strongest(policies.map((one) => one.operator?.level ?? '')),
  };
  const operator = united(policies.map((one) => ['', one.operator?.capabilities ?? []] as const)).get('') ?? NOTHING;
  const has = (grants: Grants | undefined, anyOf: readonly string[]): boolean =>
    grants !== undefined && anyOf.some((capability) => grants.has(capability));
  return {
    isManagement: false,
    key,
    inNamespace: (namespace, ...anyOf) => has(namespaces.get(namespace), anyOf),
    inAnyNamespace: (...anyOf) => [...namespaces.values()].some((grants) => has(grants, anyOf)),
    knowsNamespace: (namespace) => (namespaces.get(namespace)?.size ?? 0) > 0,
    level: (block, needed) => (block === 'plugin' ? PLUGIN_COVERS : COVERS)[needed].includes(levels[block]),
    operator: (capability) => operator.has(capability),
    nodePool: (name, capability) => has(pools.get(name), [capability]),
    inAnyNodePool: () => [...pools.values()].some((grants) => grants.size > 0),
    hostVolume: (name, capability) => has(volumes.get(name), [capability]),
    ...variables,
  };
}

/** Variables are found by namespace and path together: both exact, then a workload's own, then the closest pair of which one is a glob. */
function variablesOf(
  policies: readonly PolicyRules[],
  workload: WorkloadPlace | undefined,
): Pick<Permissions, 'variable' | 'anyOfVariable' | 'inVariablesOf'> {
  const rules = united(
    policies.flatMap(({ namespaces }) =>
      namespaces.flatMap(({ label, variables }) =>
        (variables ?? []).map(({ path, capabilities }) => [`${label}\0${path}`, withImplied(capabilities)] as const),
      ),
    ),
  );
  const globs = Array.from(rules, ([pair, grants]) => {
    const [namespace, path] = pair.split('\0') as [string, string];
    return { namespace, path, grants };
  })
    .filter(({ namespace, path }) => isGlob(namespace) || isGlob(path))
    .sort((a, b) => (a.namespace + a.path < b.namespace + b.path ? -1 : 1));
  const labels = [...new Set(Array.from(rules.keys(), (pair) => pair.split('\0')[0]!))];
  const own = workload === undefined ? undefined : implicitPaths(workload);
  const grantsOf = (namespace: string, path: string): Grants => {
    const exact = isGlob(namespace) || isGlob(path) ? undefined : rules.get(`${namespace}\0${path}`);
    if (exact !== undefined) return exact;
    if (namespace === workload?.namespace && own?.has(path)) return IMPLICIT;
    let closest: { readonly grants: Grants; readonly away: number } | undefined;
    for (const rule of globs) {
      if (!fits(rule.namespace, namespace) || !fits(rule.path, path)) continue;
      const away = distance(rule.namespace, namespace) + distance(rule.path, path);
      if (closest === undefined || away < closest.away) closest = { grants: rule.grants, away };
    }
    return closest?.grants ?? NOTHING;
  };
  return {
    variable: (namespace, path, capability) => grantsOf(namespace, path).has(capability),
    anyOfVariable: (namespace, path) => grantsOf(namespace, path).size > 0,
    inVariablesOf: (namespace) => workload?.namespace === namespace || labels.some((label) => fits(label, namespace)),
  };
}

/** What a valid token without any policy may do. */
export const NO_PERMISSIONS: Permissions = permissionsOf([], 'none');
