import {
  groupCapabilities,
  lacks,
  LACKING_ATTRIBUTE,
  taskCapabilities,
  type AllocatedResources,
  type Constraint,
  type JobVersion,
  type NetworkResource,
  type NodeDescription,
  type Task,
  type TaskGroup,
} from '@app/domain';
import { ownProperty, type JsonObject } from '@app/kernel';
import type { NodeCheck } from './constraints.js';
import { compileConstraint, isDistinct } from './constraints.js';
import { hostAddresses } from './ports.js';
import type { Usage } from './resources.js';
import { resourcesOf, usageOf } from './resources.js';
import type { PropertyCounts, SpreadBlock } from './spread.js';

/** What a group of a job version asks of a node, compiled once a pass. */
export interface GroupAsk {
  readonly version: JobVersion;
  readonly group: TaskGroup;
  readonly template: AllocatedResources;
  readonly usage: Usage;
  /** Whole cores, over all tasks. */
  readonly cores: number;
  readonly networks: readonly NetworkResource[];
  readonly jobChecks: readonly NodeCheck[];
  readonly groupChecks: readonly NodeCheck[];
  /** Not the same for all nodes of a class. */
  readonly nodeChecks: readonly NodeCheck[];
  readonly escaped: boolean;
  /** Verdicts by computed class: those of the job's constraints are shared by its groups. */
  readonly jobVerdicts: Map<string, boolean>;
  readonly verdicts: Map<string, boolean>;
  readonly distinctHosts: 'job' | 'group' | null;
  readonly distinctProperties: readonly DistinctProperty[];
  readonly affinities: readonly { readonly check: NodeCheck; readonly weight: number }[];
  readonly spreads: readonly SpreadBlock[];
}

export interface DistinctProperty {
  readonly attribute: string;
  readonly allowed: number;
  readonly counts: PropertyCounts;
}

/** Counts how many allocations of the job (or of one group) have each value of a node property; kept up to date during the pass. */
export type CountProperty = (attribute: string, group: string | null) => PropertyCounts;

export interface AskContext {
  readonly jobVerdicts: Map<string, boolean>;
  readonly count: CountProperty;
  /** Memory may be oversubscribed. */
  readonly oversubscribes: boolean;
}

export function compileAsk(
  version: JobVersion,
  group: TaskGroup,
  { jobVerdicts, count, oversubscribes }: AskContext,
): GroupAsk {
  const { spec } = version;
  const template = resourcesOf(group, oversubscribes);
  const tasks = group.Tasks;
  const groupConstraints = [...(group.Constraints ?? []), ...tasks.flatMap((task) => task.Constraints ?? [])];
  const jobChecks = (spec.Constraints ?? []).filter((constraint) => !isDistinct(constraint)).map(compileConstraint);
  const groupChecks = [
    driversCheck(tasks.map((task) => task.Driver)),
    ...groupConstraints.filter((constraint) => !isDistinct(constraint)).map(compileConstraint),
    ...(tasks.some((task) => (task.Resources.Devices ?? []).length > 0) ? [never('missing devices')] : []),
    ...networkChecks(group.Networks ?? []),
    ...secretsChecks(tasks.flatMap((task) => task.Secrets ?? [])),
    ...capabilityChecks(group, tasks),
  ];
  const affinities = [
    ...(spec.Affinities ?? []),
    ...(group.Affinities ?? []),
    ...tasks.flatMap((task) => task.Affinities ?? []),
  ];
  return {
    version,
    group,
    template,
    usage: usageOf(template),
    cores: tasks.reduce((sum, task) => sum + task.Resources.Cores, 0),
    networks: (group.Networks ?? []).filter((network) => network.ReservedPorts?.length || network.DynamicPorts?.length),
    jobChecks,
    groupChecks,
    nodeChecks: volumeChecks(group.Volumes),
    escaped: [...jobChecks, ...groupChecks].some((check) => check.escaped),
    jobVerdicts,
    verdicts: new Map(),
    distinctHosts: distinctHosts(spec.Constraints, group.Constraints),
    distinctProperties: [
      ...distinctProperties(spec.Constraints, null, count),
      ...distinctProperties(groupConstraints, group.Name, count),
    ],
    affinities: affinities.map((affinity) => ({ check: compileConstraint(affinity), weight: affinity.Weight })),
    spreads: [...(spec.Spreads ?? []), ...(group.Spreads ?? [])].map((spread) => ({
      spread,
      counts: count(spread.Attribute, group.Name),
    })),
  };
}

const check = (reason: string, passes: (node: NodeDescription) => boolean): NodeCheck => ({
  reason,
  escaped: false,
  passes,
});
const never = (reason: string): NodeCheck => check(reason, () => false);

const driversCheck = (drivers: readonly string[]): NodeCheck =>
  check('missing drivers', (node) =>
    drivers.every((driver) => {
      const found = ownProperty(node.Drivers, driver);
      return found !== undefined && found.Detected && found.Healthy;
    }),
  );

function networkChecks(networks: readonly NetworkResource[]): readonly NodeCheck[] {
  const checks: NodeCheck[] = [];
  for (const { Mode, ReservedPorts, DynamicPorts } of networks) {
    if (Mode && Mode !== 'host' && Mode !== 'none') {
      checks.push(
        check(
          'missing network',
          (node) => node.NodeResources.NodeNetworks?.some((network) => network['Mode'] === Mode) ?? false,
        ),
      );
    }
    for (const { HostNetwork, Label } of [...(ReservedPorts ?? []), ...(DynamicPorts ?? [])]) {
      if (!HostNetwork || HostNetwork === 'default') continue;
      const reason = `missing host network "${HostNetwork}" for port "${Label ?? ''}"`;
      checks.push(check(reason, (node) => hostAddresses(node).has(HostNetwork)));
    }
  }
  return checks;
}

const BUILT_IN_SECRETS = ['nomad', 'vault'];

const secretsChecks = (secrets: readonly JsonObject[]): readonly NodeCheck[] =>
  secrets
    .map((secret) => String(secret['Provider'] ?? ''))
    .filter((provider) => !BUILT_IN_SECRETS.includes(provider))
    .map((provider) =>
      check('missing secrets provider', (node) => node.Attributes[`plugins.secrets.${provider}.version`] !== undefined),
    );

/** What the agent of the node must be able to do for the group and its tasks. */
const capabilityChecks = (group: TaskGroup, tasks: readonly Task[]): readonly NodeCheck[] =>
  [...new Set([...groupCapabilities(group), ...tasks.flatMap(taskCapabilities)])].map((capability) =>
    check(`missing capability: ${capability}`, (node) => !lacks(node.Attributes[LACKING_ATTRIBUTE], capability)),
  );

const volumeChecks = (volumes: JsonObject | null): readonly NodeCheck[] =>
  Object.values(volumes ?? {}).map((volume) => {
    const { Type, Source } = typeof volume === 'object' && volume !== null && !Array.isArray(volume) ? volume : {};
    const source = typeof Source === 'string' ? Source : '';
    if (Type !== 'host') return never(`missing CSI Volume ${source}`);
    return check('missing compatible host volumes', (node) => ownProperty(node.HostVolumes, source) !== undefined);
  });

function distinctHosts(
  job: readonly Constraint[] | null,
  group: readonly Constraint[] | null,
): GroupAsk['distinctHosts'] {
  const wanted = ({ Operand, RTarget }: Constraint): boolean => Operand === 'distinct_hosts' && RTarget !== 'false';
  if (job?.some(wanted)) return 'job';
  return group?.some(wanted) ? 'group' : null;
}

const distinctProperties = (
  constraints: readonly Constraint[] | null,
  group: string | null,
  count: CountProperty,
): readonly DistinctProperty[] =>
  (constraints ?? [])
    .filter(({ Operand }) => Operand === 'distinct_property')
    .map(({ LTarget, RTarget }) => ({
      attribute: LTarget,
      allowed: RTarget === '' ? 1 : Number(RTarget),
      counts: count(LTarget, group),
    }));
