import {
  cancelEvaluations,
  defineNamespace,
  defineNodePool,
  deleteNamespace,
  deleteNodePool,
  deregisterJob,
  purgeRemnants,
  type JobPurgeState,
  evaluateJobCommand,
  failDeployment,
  failEvaluation,
  failWatchedDeployment,
  heartbeatNode,
  markStable,
  missHeartbeat,
  newEvaluation,
  pauseDeployment,
  progressDeployment,
  promoteDeployment,
  revertJob,
  setAllocationHealth,
  setEligibility,
  stopAllocation,
  unblockEvaluations,
  type AllocationReport,
  type AllocationState,
  type ClientStatus,
  type DeploymentState,
  type DeploymentStatus,
  type EvaluationState,
  type JobType,
} from '@app/domain';
import { jobPurgeStream, streamKey, streamType, type StreamName, type StreamType } from '@app/kernel';
import * as fc from 'fast-check';
import { jobSpec, RESOURCES } from '../builders/specs.js';
import { nodeIsReady, nodeRegistered, planCommand, planned, registered, report, reported } from '../given/commands.js';
import { idOf, type Decide, type World } from '../given/world.js';

/** One thing that somebody does. The numbers choose what it is done to, among what there is by then. */
export interface Move {
  readonly kind: keyof typeof MOVES;
  readonly what: number;
  readonly how: number;
  readonly some: readonly number[];
  readonly yes: boolean;
}

const JOBS: readonly (readonly [string, JobType])[] = [
  ['web', 'service'],
  ['__proto__', 'service'],
  ['a/b\n"😀"', 'batch'],
  ['constructor', 'system'],
];
/** The ids of their jobs. */
export const STORY_JOBS: readonly string[] = JOBS.map(([id]) => id);
/** Names of each job's two groups: names are data, whatever they are. */
const GROUPS: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['web', ['app', 'db']],
  ['__proto__', ['__proto__', 'toString']],
  ['a/b\n"😀"', ['', 'valueOf']],
  ['constructor', ['constructor', 'n'.repeat(10_000)]],
]);
const groupsOf = (jobId: string): readonly [string, string] => GROUPS.get(jobId) ?? ['app', 'db'];
const TASKS = ['main', '__proto__', 'constructor', 'a\nb'];
const NAMESPACES = ['default', 'team', 'other'];
const POOLS = ['default', 'gpu', 'all'];
const NODES = [idOf(9001), idOf(9002), idOf(9003)];
const CLIENT: readonly ClientStatus[] = ['pending', 'running', 'running', 'complete', 'failed'];
const ENDINGS: readonly DeploymentStatus[] = ['successful', 'cancelled', 'failed'];
const MINUTE_US = 60_000_000;

/** Stories of every command in any order, sensible or not, on a few jobs and nodes. */
export const moves = (maxLength: number): fc.Arbitrary<Move[]> =>
  fc.array(
    fc.record<Move>({
      kind: fc.constantFrom(...WEIGHTED),
      what: fc.nat(1000),
      how: fc.nat(1000),
      some: fc.array(fc.nat(1000), { maxLength: 3 }),
      yes: fc.boolean(),
    }),
    { minLength: 1, maxLength, size: 'max' },
  );

/** What the move comes to in this world. */
export const decideOf = (world: World, move: Move): Decide => MOVES[move.kind](world, move);

const pick = <T>(list: readonly T[], n: number): T | undefined =>
  list.length === 0 ? undefined : list[n % list.length];
const keys = (world: World, type: StreamType): string[] =>
  world
    .streams()
    .filter((stream) => streamType(stream) === type)
    .map(streamKey);
const states = <S>(world: World, type: StreamType): S[] =>
  world
    .streams()
    .filter((stream) => streamType(stream) === type)
    .map((stream) => world.read<S>(stream)!)
    .filter((state) => state !== undefined);
const allocsOf = (world: World, jobId: string): AllocationState[] =>
  states<AllocationState>(world, 'allocation').filter((alloc) => alloc.jobId === jobId);
const jobOf = ({ what }: Move): readonly [string, JobType] => JOBS[what % JOBS.length]!;
const deploymentOf = (world: World, { what }: Move): string => pick(keys(world, 'deployment'), what) ?? idOf(404);
const allocs = (world: World, { some }: Move): AllocationState[] => {
  const all = states<AllocationState>(world, 'allocation');
  return [...new Set(some.map((n) => pick(all, n)).filter((alloc) => alloc !== undefined))];
};
const ids = (world: World, move: Move): string[] => allocs(world, move).map(({ id }) => id);

const MOVES = {
  register: (_world, move) => {
    const [id, type] = jobOf(move);
    const { how, yes } = move;
    const spec = jobSpec({
      id,
      type,
      count: how % 4,
      groups: how % 5 === 0 ? groupsOf(id) : [groupsOf(id)[0]],
      tag: String(how % 3),
    });
    return registered(spec, { preserveCounts: yes && how % 7 === 0, enforceIndex: how % 11 === 0 ? how % 20 : null });
  },
  plan: (world, move) => {
    const open = states<EvaluationState>(world, 'evaluation').filter(
      ({ status }) => status === 'pending' || status === 'blocked',
    );
    const evaluation = pick(open, move.what) ?? pick(states<EvaluationState>(world, 'evaluation'), move.what);
    if (evaluation === undefined) return planned({ evaluation: idOf(404) });
    return (view, context) => planned(planOf(world, move, evaluation, context.newId))(view, context);
  },
  report: (world, move) => {
    const nodeId = NODES[move.what % NODES.length]!;
    const reports = allocs(world, move).map(({ id }, n) =>
      report(id, {
        clientStatus: CLIENT[(move.how + n) % CLIENT.length]!,
        clientDescription: String(move.how % 3),
        taskStates: taskStates(move.how + n),
        health: move.how % 3 === 0 ? null : { healthy: move.yes, timestamp: world.now },
      }),
    );
    return reported(reports, nodeId);
  },
  promote: (world, move) => (view, context) =>
    promoteDeployment(view, context, {
      deploymentId: deploymentOf(world, move),
      all: move.yes,
      groups: [groupsOf(jobOf(move)[0])[0]],
    }),
  pause: (world, move) => (view, context) =>
    pauseDeployment(view, context, { deploymentId: deploymentOf(world, move), pause: move.yes }),
  fail: (world, move) => (view, context) => failDeployment(view, context, { deploymentId: deploymentOf(world, move) }),
  watcherFails: (world, move) => (view, context) =>
    failWatchedDeployment(view, context, {
      deploymentId: deploymentOf(world, move),
      cause: move.how % 2 === 0 ? 'deadline' : 'unhealthy',
      rollback: move.yes,
    }),
  watcherGoesOn: (world, move) => (view, context) =>
    progressDeployment(view, context, { deploymentId: deploymentOf(world, move), replace: ids(world, move) }),
  setHealth: (world, move) => (view, context) =>
    setAllocationHealth(view, context, {
      deploymentId: deploymentOf(world, move),
      healthy: move.yes ? ids(world, move) : [],
      unhealthy: move.yes ? [] : ids(world, move),
    }),
  stopAllocation: (world, move) => (view, context) =>
    stopAllocation(view, context, {
      allocationId: pick(keys(world, 'allocation'), move.what) ?? idOf(404),
      noShutdownDelay: move.yes,
      reschedule: move.how % 2 === 0,
    }),
  deregister: (world, move) => (view, context) => {
    const [jobId] = jobOf(move);
    const ofJob = <S extends { id: string; jobId: string }>(type: StreamType): string[] =>
      states<S>(world, type)
        .filter((state) => state.jobId === jobId)
        .map(({ id }) => id);
    const purge = move.how % 2 === 0;
    const leavesMore = purge && move.how % 4 === 0;
    const allocationIds = ofJob<AllocationState>('allocation');
    return deregisterJob(view, context, {
      namespace: 'default',
      jobId,
      purge,
      leavesMore,
      evalPriority: 0,
      noShutdownDelay: move.yes,
      allocationIds: leavesMore ? allocationIds.slice(0, move.what % 3) : allocationIds,
      deploymentIds: ofJob('deployment'),
      evaluationIds: ofJob('evaluation'),
    });
  },
  sweep: (world, move) => (view, context) => {
    const purge = pick(states<JobPurgeState>(world, 'job-purge'), move.what);
    if (purge === undefined) return { kind: 'accepted', events: [], answer: undefined };
    return purgeRemnants(view, context, {
      ...purge,
      allocationIds: keys(world, 'allocation').slice(move.how % 3),
      deploymentIds: keys(world, 'deployment'),
      evaluationIds: keys(world, 'evaluation'),
    });
  },
  evaluate: (world, move) => (view, context) => {
    const [jobId] = jobOf(move);
    const failed = move.yes ? allocsOf(world, jobId).map(({ id }) => id) : [];
    return evaluateJobCommand(view, context, { namespace: 'default', jobId, forceReschedule: failed });
  },
  revert: (_world, move) => (view, context) =>
    revertJob(view, context, {
      namespace: 'default',
      jobId: jobOf(move)[0],
      toVersion: move.how % 8,
      enforcePriorVersion: null,
    }),
  markStable: (_world, move) => (view, context) =>
    markStable(view, context, { namespace: 'default', jobId: jobOf(move)[0], version: move.how % 8, stable: move.yes }),
  nodeRegisters: (_world, move) => nodeRegistered(NODES[move.what % NODES.length]),
  nodeBeats: (_world, move) => (view, context) =>
    heartbeatNode(view, context, {
      nodeId: NODES[move.what % NODES.length]!,
      affected: affected(move),
      hasLiveAllocations: move.yes,
    }),
  nodeIsSilent: (_world, move) => (view, context) =>
    missHeartbeat(view, context, {
      nodeId: NODES[move.what % NODES.length]!,
      status: move.yes ? 'down' : 'disconnected',
      affected: affected(move),
    }),
  nodeIsMarked: (_world, move) => (view, context) =>
    setEligibility(view, context, {
      nodeId: NODES[move.what % NODES.length]!,
      eligibility: move.yes ? 'eligible' : 'ineligible',
      affected: affected(move),
    }),
  cancel: (world, move) => (view, context) => {
    const id = pick(keys(world, 'evaluation'), move.what) ?? idOf(404);
    return cancelEvaluations(view, context, { cancel: [{ id, statusDescription: 'overtaken' }] });
  },
  unblock: (world, move) => (view, context) =>
    unblockEvaluations(view, context, {
      ids: keys(world, 'evaluation').slice(0, move.how % 4),
      snapshotIndex: world.index,
    }),
  giveUp: (world, move) => (view, context) => {
    const id = pick(keys(world, 'evaluation'), move.what) ?? idOf(404);
    return failEvaluation(view, context, {
      id,
      statusDescription: 'tried too often',
      followup: null,
      snapshotIndex: 0,
    });
  },
  namespaceIsDefined: (_world, move) => (view, context) =>
    defineNamespace(view, context, {
      name: NAMESPACES[move.what % NAMESPACES.length]!,
      definition: {
        description: String(move.how % 3),
        capabilities: null,
        meta: move.yes ? { owner: 'us' } : null,
        requiredExtraClaims: null,
        optionalExtraClaims: null,
        hash: '',
      },
      descriptionBytes: 1,
      unlicensed: [],
      quota: '',
    }),
  namespaceIsDeleted: (_world, move) => (view, context) =>
    deleteNamespace(view, context, {
      name: NAMESPACES[move.what % NAMESPACES.length]!,
      uses: new Set(move.yes ? [] : ['jobs']),
      region: 'global',
    }),
  poolIsDefined: (_world, move) => (view, context) =>
    defineNodePool(view, context, {
      name: POOLS[move.what % POOLS.length]!,
      definition: { description: '', meta: null, identityTtl: move.how, hash: '' },
      descriptionBytes: 0,
      hasSchedulerConfiguration: false,
    }),
  poolIsDeleted: (_world, move) => (view, context) =>
    deleteNodePool(view, context, {
      name: POOLS[move.what % POOLS.length]!,
      hasJobs: !move.yes,
      hasNodes: false,
      region: 'global',
    }),
  wait: (world, move) => () => {
    world.now += (move.how % 20) * MINUTE_US;
    return { kind: 'accepted', events: [], answer: undefined };
  },
} satisfies Record<string, (world: World, move: Move) => Decide>;

const affected = ({ how, yes }: Move) => (yes ? [{ namespace: 'default', jobId: JOBS[how % JOBS.length]![0] }] : []);

/** What moves stories on comes more often than what ends them. */
const WEIGHTS: Partial<Record<keyof typeof MOVES, number>> = {
  plan: 8,
  report: 6,
  register: 3,
  nodeRegisters: 2,
  nodeBeats: 3,
};
const WEIGHTED = (Object.keys(MOVES) as (keyof typeof MOVES)[]).flatMap((kind) =>
  Array.from({ length: WEIGHTS[kind] ?? 1 }, () => kind),
);

/** A plan that says all kinds of things, about allocations and the newest deployment of the job. */
function planOf(
  world: World,
  { how, some, yes }: Move,
  evaluation: EvaluationState,
  newId: () => string,
): Parameters<typeof planCommand>[1] {
  const { jobId } = evaluation;
  const type = JOBS.find(([id]) => id === jobId)?.[1] ?? 'service';
  const [group, other] = groupsOf(jobId);
  // What a purge has left over is out of the scheduler's sight.
  const upTo = world.read<JobPurgeState>(jobPurgeStream('default', jobId))?.upTo ?? 0;
  const own = allocsOf(world, jobId).filter(({ createIndex }) => createIndex > upTo);
  const newest = states<DeploymentState>(world, 'deployment')
    .filter((one) => one.jobId === jobId && !one.purged && one.createIndex > upTo)
    .at(-1);
  const deploys = type === 'service' && how % 3 !== 0;
  const isNew = newest === undefined || yes;
  const deploymentId = isNew ? newId() : newest.id;
  const canary = how % 4 === 1;
  const goals = {
    autoRevert: how % 2 === 0,
    desiredCanaries: canary ? 1 : 0,
    progressDeadline: how % 7 === 0 ? 0 : 600_000_000_000,
    desiredTotal: 1 + (how % 3),
  };
  const chosen = some.map((n) => pick(own, n)).filter((alloc) => alloc !== undefined);
  const follow = newEvaluation({
    ...{ namespace: 'default', priority: 50, type, jobId, previousEval: evaluation.id },
    id: newId(),
    triggeredBy: 'queued-allocs',
    status: 'blocked',
  });
  const inPlace = {
    jobVersion: how % 3,
    jobCreateIndex: own[0]?.jobCreateIndex ?? 1,
    jobModifyIndex: world.index,
    allocatedResources: RESOURCES,
    deploymentId: deploys ? deploymentId : '',
  };
  return {
    evaluation: evaluation.id,
    jobId,
    ...(deploys && { deployment: { id: deploymentId, isNew, groups: { [group]: goals } } }),
    place: some.map((n) => ({
      id: newId(),
      nodeId: NODES[n % NODES.length]!,
      taskGroup: n % 5 === 0 ? other : group,
      allocatedResources: resourcesOf(TASKS[n % TASKS.length]!),
      canary: canary && deploys,
      previousAllocation: yes ? (pick(own, n)?.id ?? '') : '',
      ...(how % 9 === 0 && { preemptedAllocations: victims(world, jobId, n) }),
    })),
    stop:
      how % 3 === 1
        ? chosen.map(({ id }) => ({
            allocationId: id,
            description: 'not needed',
            ...(yes && { clientStatus: 'lost' }),
          }))
        : [],
    update:
      how % 3 === 2
        ? chosen.map(({ id }, n) => ({
            allocationId: id,
            ...(n % 2 === 0
              ? { inPlace }
              : { clientStatus: yes ? ('unknown' as const) : ('running' as const), followupEvalId: idOf(555) }),
          }))
        : [],
    deploymentUpdates:
      how % 5 === 0 && newest !== undefined
        ? [{ deploymentId: newest.id, status: ENDINGS[how % ENDINGS.length]!, description: 'it ended' }]
        : [],
    outcome: {
      queuedAllocations: { [group]: how % 4 },
      ...(how % 6 === 0 && { blocked: [follow] }),
      ...(how % 13 === 0 && { status: 'blocked' as const }),
    },
  };
}

const resourcesOf = (task: string): typeof RESOURCES => ({
  ...RESOURCES,
  Tasks: { [task]: RESOURCES.Tasks['main']! },
  TaskLifecycles: { [task]: null },
});

const taskStates = (how: number): AllocationReport['taskStates'] =>
  how % 4 === 0
    ? null
    : {
        [TASKS[how % TASKS.length]!]: {
          State: how % 3 === 0 ? 'dead' : 'running',
          Failed: how % 6 === 0,
          Restarts: how % 2,
          LastRestart: null,
          StartedAt: null,
          FinishedAt: null,
          Events: [],
        },
      };

/** An allocation of another job, if there is one. */
function victims(world: World, jobId: string, n: number): string[] {
  const others = states<AllocationState>(world, 'allocation').filter((alloc) => alloc.jobId !== jobId);
  return others.length === 0 ? [] : [pick(others, n)!.id];
}

/** Two nodes that are ready, and a job to begin with. */
const PROLOGUE: readonly Decide[] = [
  nodeRegistered(NODES[0]),
  nodeIsReady(NODES[0]),
  nodeRegistered(NODES[1]),
  nodeIsReady(NODES[1]),
  registered(jobSpec()),
];

/** Plays moves one after the other, and tells of every commit with the streams that it touched. */
export function play(
  world: World,
  story: readonly Move[],
  onCommit: (streams: ReadonlySet<StreamName>) => void = () => undefined,
): void {
  const steps = [...PROLOGUE.map((decide) => () => decide), ...story.map((move) => () => decideOf(world, move))];
  for (const step of steps) {
    const decision = world.run(step());
    if (decision.kind === 'accepted' && decision.events.length > 0)
      onCommit(new Set(decision.events.map(({ stream }) => stream)));
  }
}
