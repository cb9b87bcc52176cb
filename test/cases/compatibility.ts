import { LACKING_CAPABILITIES } from '@app/agent';
import {
  canonicalize,
  isTemplate,
  LACKING_ATTRIBUTE,
  validateChange,
  validateJob,
  type Constraint,
  type JobSpec,
} from '@app/domain';
import { jobShape, renderSurface, type ShapeNode, type StructShape } from '@app/nomad-api';
import { node } from '../../libs/scheduling/testing/specs.js';
import { toyCluster } from '../../libs/scheduling/testing/toy-cluster.js';
import { COMPANIONS, GROUP, LEAST, TASK, VALUES, type Block } from './compatibility-samples.js';

/* What happens to each field of each block of a job: asked of the code that decides it, one job a field. */

export interface Row {
  /** Where the field stands: `job › group › task`. */
  readonly block: string;
  readonly field: string;
  /** A job that gives the field a value. */
  readonly job: Block;
  readonly outcome: Outcome;
}
export interface Outcome {
  /** Why it is not registered. */
  readonly refused?: string;
  /** Why no node of ours takes it, in words of the metrics. */
  readonly waits?: readonly string[];
  /** What a node must have because of it. */
  readonly constraints?: readonly string[];
  readonly effect: 'works' | 'as its block' | 'stored' | 'dropped' | 'none';
}

const DEFAULTS = { region: 'global', namespace: 'default', nodePool: 'default' };
const JOB: Block = { ID: 'row', Datacenters: ['dc1'], TaskGroups: [GROUP] };

/** A node with one of our agents. */
const OWN = node('own', {
  Attributes: {
    'kernel.name': 'linux',
    'cpu.arch': 'amd64',
    'nomad.version': '2.0.0',
    'nomad.service_discovery': 'true',
    'os.signals': 'SIGHUP,SIGINT,SIGTERM',
    [LACKING_ATTRIBUTE]: LACKING_CAPABILITIES.join(','),
  },
  Drivers: Object.fromEntries(
    ['mock_driver', 'raw_exec'].map((name) => [
      name,
      { Attributes: {}, Detected: true, Healthy: true, HealthDescription: 'Healthy', UpdateTime: null },
    ]),
  ),
});

/** Kept for clients that ask, and for a day on which somebody acts on it; nothing of ours does (Nomad's client agents may). By block, or `block.Field`. */
const STORED_ONLY = new Set([
  'api.Action',
  'api.Consul',
  'api.Job.ConsulNamespace',
  'api.Job.DispatchIdempotencyToken',
  'api.Job.NomadTokenID',
  'api.Job.ParentID',
  'api.Job.UI',
  'api.Job.VaultNamespace',
  'api.JobUIConfig',
  'api.JobUILink',
  'api.NetworkResource.CIDR',
  'api.NetworkResource.IP',
  'api.NetworkResource.MBits',
  'api.Resources.IOPS',
  'api.ChangeScript.RunOnFirstRender',
  'api.Task.Actions',
  'api.Task.Consul',
  'api.Task.Kind',
  'api.Task.ScalingPolicies',
  'api.TaskGroup.Consul',
  'api.Template.VaultGrace',
  'api.WorkloadIdentity',
]);

/** Decided at the edge, by what there is at the time. */
const AT_THE_EDGE = new Map([
  ['api.Job.Region', 'No path to region'],
  ['api.Job.Namespace', 'job "row" is in nonexistent namespace "nowhere"'],
  ['api.Job.NodePool', 'job "row" is in nonexistent node pool "nowhere"'],
]);

/** Blocks that only a batch job may have. */
const BATCH = new Set(['api.PeriodicConfig', 'api.ParameterizedJobConfig']);
const BATCH_FIELDS = new Set(['api.Job.Periodic', 'api.Job.ParameterizedJob', 'api.TaskGroup.MaxRunDuration']);

type Wrap = (block: Block) => Block;

const plainValue = (shape: ShapeNode): unknown => {
  switch (shape.kind) {
    case 'string':
      return 'x';
    case 'bool':
      return true;
    case 'int':
      return shape.goType === 'time.Duration' ? 7e9 : 3;
    case 'bytes':
      return 'eA==';
    case 'any':
      return { a: 'b' };
    case 'list':
      return [plainValue(shape.element)];
    case 'map':
      return { a: plainValue(shape.element) };
    case 'struct':
      return LEAST.get(shape.goType) ?? {};
  }
};

const structIn = (shape: ShapeNode): StructShape | null =>
  shape.kind === 'struct' ? shape : shape.kind === 'list' || shape.kind === 'map' ? structIn(shape.element) : null;
const contain = (shape: ShapeNode, block: Block): unknown =>
  shape.kind === 'list'
    ? [contain(shape.element, block)]
    : shape.kind === 'map'
      ? { d: contain(shape.element, block) }
      : block;

const TITLES: Readonly<Record<string, string>> = { TaskGroups: 'group', Tasks: 'task' };
const title = (name: string): string =>
  new Map(Object.entries(TITLES)).get(name) ?? name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase();

interface Place {
  readonly block: string;
  readonly wrap: Wrap;
}

function rowsOf(shape: StructShape, { block, wrap }: Place, seen: Set<string>): Row[] {
  const least = { ...LEAST.get(shape.goType), ...startOf(block) };
  const rows = shape.fields.map(({ name, shape: inner }): Row => {
    const key = `${shape.goType}.${name}`;
    const around = { ...least, ...COMPANIONS.get(key) };
    const value = VALUES.has(key) ? VALUES.get(key) : plainValue(inner);
    const job = adjusted(key, shape.goType, wrap({ ...around, [name]: contained(inner, value) }));
    const without = adjusted(
      key,
      shape.goType,
      wrap(Object.fromEntries(Object.entries(around).filter(([n]) => n !== name))),
    );
    return { block, field: name, job, outcome: outcomeOf(key, shape.goType, job, without) };
  });
  const nested = shape.fields.toSorted((a, b) => Number(a.name === 'Tasks') - Number(b.name === 'Tasks'));
  return [
    ...rows,
    ...nested.flatMap(({ name, shape: inner }) => {
      const struct = structIn(inner);
      if (struct === null || seen.has(struct.goType)) return [];
      seen.add(struct.goType);
      const around = { ...least, ...COMPANIONS.get(`${shape.goType}.${name}`) };
      const place = {
        block: `${block} › ${title(name)}`,
        wrap: (one: Block) => wrap({ ...around, [name]: contain(inner, one) }),
      };
      return rowsOf(struct, place, seen);
    }),
  ];
}

/** A value that is a block already, in the list or map where it belongs. */
const contained = (shape: ShapeNode, value: unknown): unknown =>
  structIn(shape) !== null && typeof value === 'object' && !Array.isArray(value) && shape.kind !== 'struct'
    ? contain(shape, (shape.kind === 'map' ? LEAST.get(structIn(shape)?.goType ?? '') : value) as Block)
    : value;

const startOf = (block: string): Block =>
  block === 'job' ? JOB : block === 'job › group' ? GROUP : block.endsWith('› task') ? TASK : {};

/** What a field needs elsewhere in the job. */
function adjusted(key: string, goType: string, job: Block): Block {
  if (BATCH.has(goType) || BATCH_FIELDS.has(key)) return { ...job, Type: 'batch' };
  const mesh = key === 'api.Service.Connect';
  const mounts = goType === 'api.VolumeMount' || key === 'api.Task.VolumeMounts';
  const lifecycle = goType === 'api.TaskLifecycle' || key === 'api.Task.Lifecycle';
  if (!mounts && !lifecycle && !mesh) return job;
  const [group] = job['TaskGroups'] as Block[];
  const Tasks = [...((group?.['Tasks'] ?? []) as Block[]), ...(lifecycle ? [{ ...TASK, Name: 'other' }] : [])];
  return {
    ...job,
    TaskGroups: [
      {
        ...group,
        Tasks,
        ...(mounts && { Volumes: { d: { Type: 'host', Source: 'd' } } }),
        ...(mesh && { Networks: [{ Mode: 'bridge' }] }),
      },
    ],
  };
}

const written = ({ LTarget, Operand, RTarget }: Constraint) => `${LTarget} ${Operand} ${RTarget}`.trim();
const constraintsOf = (spec: JobSpec) => spec.TaskGroups.flatMap((group) => (group.Constraints ?? []).map(written));

function reasonsOf(spec: JobSpec): string[] {
  if (isTemplate(spec) || spec.Stop) return [];
  const cluster = toyCluster({ nodes: [OWN] });
  cluster.register(spec);
  const failed = Object.values(cluster.plan({ jobId: spec.ID }).outcome.failedGroups ?? {});
  return failed.flatMap(({ ConstraintFiltered, DimensionExhausted }) =>
    Object.keys({ ...ConstraintFiltered, ...DimensionExhausted }),
  );
}

function outcomeOf(key: string, goType: string, job: Block, without: Block): Outcome {
  const atTheEdge = AT_THE_EDGE.get(key);
  if (atTheEdge !== undefined) return { refused: atTheEdge, effect: 'none' };
  const spec = canonicalize(job, DEFAULTS);
  const { errorList } = validateJob(spec);
  const refused = errorList[0] ?? (validateChange(undefined, spec) || undefined);
  if (refused !== undefined) return { refused: innermost(refused), effect: 'none' };
  const plain = canonicalize(key === 'api.Service.Provider' ? JOB : without, DEFAULTS);
  const constraints = constraintsOf(spec).filter((one) => !constraintsOf(plain).includes(one));
  const known = validateJob(plain).errors === '' ? reasonsOf(plain) : [];
  const waits = reasonsOf(spec).filter((one) => !known.includes(one));
  const dropped = JSON.stringify(spec) === JSON.stringify(plain);
  const storedOnly = STORED_ONLY.has(key) || STORED_ONLY.has(goType);
  return {
    ...(waits.length > 0 && { waits }),
    ...(constraints.length > 0 && { constraints }),
    effect: dropped ? 'dropped' : storedOnly ? 'stored' : known.length > 0 ? 'as its block' : 'works',
  };
}

/** The last line of a nested error: what is really wrong. */
const innermost = (text: string): string => text.split('\n\t* ').at(-1)?.trim() ?? text;

/** Every field of every block of a job, and what happens to it. */
export const compatibilityRows = (): Row[] =>
  rowsOf(jobShape as StructShape, { block: 'job', wrap: (block) => block }, new Set());

const WORDS = {
  works: 'works',
  'as its block': 'as its block',
  stored: 'stored, without effect',
  dropped: 'accepted, not kept',
  none: '',
} as const;
const told = ({ refused, waits, constraints, effect }: Outcome): string =>
  [
    ...(refused === undefined ? [] : [`refused: \`${refused}\``]),
    ...(constraints ?? []).map((one) => `constraint \`${one}\``),
    ...(waits ?? []).map((one) => `waits for a node: \`${one}\``),
    ...(waits === undefined && refused === undefined ? [WORDS[effect]] : []),
  ].join('; ');

/** docs/compatibility.md. */
export function renderCompatibilityDocs(): string {
  const blocks = Map.groupBy(compatibilityRows(), ({ block }) => block);
  const tables = [...blocks].map(([block, rows]) =>
    [
      `## ${block}`,
      '',
      '| Field | What happens |',
      '| --- | --- |',
      ...rows.map(({ field, outcome }) => `| \`${field}\` | ${told(outcome).replaceAll('|', '\\|')} |`),
    ].join('\n'),
  );
  return `${INTRODUCTION}\n\n${tables.join('\n\n')}\n\n${renderSurface()}`;
}

const INTRODUCTION = `# What happens to each field of a job

Made by \`npm run docs\`: each row is a job with that field, given to the code that completes, validates and places jobs. The node is one with
one of our own agents; a node of Nomad's client agents takes more. \`test/cases/compatibility.e2e.spec.ts\` registers every row with a server.

- **works**: kept in Nomad's form, and acted on.
- **stored, without effect**: kept in Nomad's form for who reads it; nothing acts on it, here as in a Nomad without the product that would.
- **as its block**: kept, and no more served by the node than the block around it.
- **accepted, not kept**: Nomad's servers drop it, too, or it has that value anyway.
- **constraint**: registration adds it to the group, as Nomad does, so that only a node that can serve the block takes it.
- **waits for a node**: registered; the evaluation is blocked until a node can take it, and names the reason.
- **refused**: not registered, with the text that Nomad gives.

An option of a driver's configuration that the driver does not know fails the task: \`Failed Validation\`, with the option's name.`;
