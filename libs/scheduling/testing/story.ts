import type { JobSpec, NodeDescription, NodeState, TaskGroup } from '@app/domain';
import { isActive, isReady, NO_TRANSITION } from '@app/domain';
import fc from 'fast-check';
import { batch, changed, node, rolling, service, system } from './specs.js';
import type { ToyCluster } from './toy-cluster.js';
import { toyCluster } from './toy-cluster.js';

const PLAIN = [
  'change',
  'touch',
  'back',
  'drop',
  'stop',
  'settle',
  'start',
  'pause',
  'resume',
  'fail-deployment',
  'promote',
  'new-node',
] as const;
const POINTED = [
  'fail',
  'complete',
  'healthy',
  'grant',
  'force',
  'migrate',
  'move',
  'lose-node',
  'disconnect',
  'restore-node',
  'drain',
  'close-node',
] as const;

/** One thing that can happen to a job and its cluster. Numbers choose among what is there. */
export type Happening =
  | { readonly kind: (typeof PLAIN)[number] }
  | { readonly kind: (typeof POINTED)[number]; readonly which: number }
  | { readonly kind: 'scale'; readonly count: number }
  | { readonly kind: 'wait'; readonly seconds: number };

export interface Story {
  readonly count: number;
  readonly maxParallel: number;
  readonly canary: number;
  /** What becomes of disconnected allocations; times in seconds. */
  readonly away: {
    readonly lostAfter: number;
    readonly stopAfter?: number;
    readonly replace?: boolean;
    readonly reconcile?: string;
  };
  /** A second group, of two, and whether it has canaries, a rolling update, or no deployment at all. */
  readonly second: 'none' | 'canaries' | 'rolling' | 'no-update';
  readonly happenings: readonly Happening[];
  /** Bit i: the next thing happens before there is an evaluation after the i-th. */
  readonly hurry: number;
}

export const isHurried = ({ hurry }: Story, i: number): boolean => ((hurry >> i) & 1) === 1;

/** The name of a second group: names are data. */
const SECOND_GROUP = '__proto__';
const MOST = 6;
const LONGEST = 14;

const plain = (...kinds: (typeof PLAIN)[number][]) => fc.record({ kind: fc.constantFrom(...kinds) });
const pointed = (...kinds: (typeof POINTED)[number][]) =>
  fc.record({ kind: fc.constantFrom(...kinds), which: fc.nat(9) });
const scaled = fc.record({ kind: fc.constant('scale' as const), count: fc.integer({ min: 0, max: MOST }) });
const waited = fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 10, 40, 400) });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { arbitrary: plain('settle', 'start', 'settle'), weight: 8 },
  { arbitrary: plain('change', 'touch', 'back', 'promote', 'pause', 'resume', 'fail-deployment', 'stop'), weight: 8 },
  { arbitrary: pointed('fail', 'complete', 'lose-node', 'restore-node', 'migrate', 'grant', 'disconnect'), weight: 8 },
  { arbitrary: pointed('healthy', 'force', 'move', 'drain', 'close-node'), weight: 4 },
  { arbitrary: plain('drop', 'new-node'), weight: 1 },
  { arbitrary: scaled, weight: 2 },
  { arbitrary: waited, weight: 4 },
);

const told = (kind: Happening['kind']): fc.Arbitrary<Happening> => {
  if (kind === 'scale') return scaled;
  if (kind === 'wait') return waited;
  return isPointed(kind) ? pointed(kind) : plain(kind);
};
const isPointed = (kind: string): kind is (typeof POINTED)[number] => POINTED.some((one) => one === kind);
const only = (...kinds: Happening['kind'][]): fc.Arbitrary<Happening[]> =>
  fc.array(fc.oneof(...kinds.map(told)), { maxLength: LONGEST });

/** Where only things of one kind happen, stories lead farther than where everything does. */
const happenings: fc.Arbitrary<Happening[]> = fc.oneof(
  { arbitrary: fc.array(happening, { maxLength: LONGEST }), weight: 3 },
  only('settle', 'change', 'disconnect', 'disconnect', 'restore-node', 'restore-node', 'wait', 'promote', 'lose-node'),
  only('settle', 'change', 'migrate', 'drain', 'scale', 'restore-node', 'promote', 'lose-node', 'new-node'),
  only('settle', 'change', 'fail', 'fail', 'grant', 'wait', 'promote', 'healthy', 'complete', 'force', 'pause'),
);

/** Everything that may go wrong does. */
export const anyStory: fc.Arbitrary<Story> = fc.record({
  count: fc.integer({ min: 1, max: 5 }),
  maxParallel: fc.integer({ min: 0, max: 3 }),
  canary: fc.integer({ min: 0, max: 3 }),
  away: fc.oneof(
    fc.constant({ lostAfter: 0 }),
    fc.constant({ lostAfter: 0, stopAfter: 20 }),
    fc.record({
      lostAfter: fc.constant(60),
      replace: fc.boolean(),
      reconcile: fc.constantFrom('best_score', 'keep_original', 'keep_replacement'),
    }),
  ),
  second: fc.constantFrom<Story['second'][]>('none', 'none', 'none', 'canaries', 'rolling', 'no-update'),
  happenings,
  hurry: fc.oneof(fc.constant(0), fc.nat(2 ** LONGEST - 1)),
});

/** Only new versions, and health reports that may come late. */
export const rollingStory: fc.Arbitrary<Story> = fc.record({
  count: fc.integer({ min: 1, max: 6 }),
  maxParallel: fc.integer({ min: 1, max: 3 }),
  canary: fc.integer({ min: 0, max: 3 }),
  away: fc.constant({ lostAfter: 0 }),
  second: fc.constantFrom<Story['second'][]>('none', 'none', 'canaries', 'rolling'),
  happenings: fc.array(fc.oneof(plain('change', 'touch', 'settle', 'start', 'promote'), pointed('grant', 'healthy')), {
    maxLength: LONGEST,
  }),
  hurry: fc.constant(0),
});

export type StoryType = 'service' | 'batch' | 'system' | 'sysbatch';

export const specOf = (type: StoryType, story: Story): JobSpec => {
  const second = 1_000_000_000;
  const { lostAfter, stopAfter, replace = true, reconcile = 'best_score' } = story.away;
  const Disconnect =
    lostAfter === 0 && stopAfter === undefined
      ? null
      : {
          LostAfter: lostAfter * second,
          StopOnClientAfter: stopAfter === undefined ? null : stopAfter * second,
          Replace: replace,
          Reconcile: reconcile,
        };
  const Update = rolling({ MaxParallel: story.maxParallel, Canary: Math.min(story.canary, story.count) });
  const two = (job: JobSpec): JobSpec => (story.second === 'none' ? job : withSecond(job, story.second));
  switch (type) {
    case 'service':
      return two(service({ Count: story.count, Update, Disconnect }));
    case 'batch':
      return two(batch({ Count: story.count, Disconnect }));
    case 'system':
      return system({ Update: { ...Update, Canary: 0 }, Disconnect });
    case 'sysbatch':
      return { ...system({ Update: null, Disconnect }), Type: 'sysbatch' };
  }
};

/** The job with another group beside its first. */
function withSecond(job: JobSpec, kind: Exclude<Story['second'], 'none'>): JobSpec {
  const [first] = job.TaskGroups;
  if (first === undefined) return job;
  const update = { canaries: rolling({ MaxParallel: 2, Canary: 1 }), rolling: rolling(), 'no-update': null }[kind];
  const Update = job.Type === 'service' ? update : null;
  return { ...job, TaskGroups: [first, { ...first, Name: SECOND_GROUP, Count: 2, Update }] };
}

const NODES = ['a', 'b', 'c', 'd'].map((id) => node(id));

/** Four nodes with room for everything. */
export function begin(type: StoryType, story: Story): ToyCluster {
  const cluster = toyCluster({ nodes: NODES, keepsUsage: story.count % 2 === 0 });
  cluster.register(specOf(type, story));
  return cluster;
}

/** A group that asks for more canaries than it has allocations gets them one after the other (spec/lifecycle §3.2, step 18). */
const fewerCanaries = ({ Update }: TaskGroup, count: number): TaskGroup['Update'] =>
  Update && { ...Update, Canary: Math.min(Update.Canary, count) };

const pick = <T>(items: readonly T[], which: number): T | undefined => items[which % Math.max(1, items.length)];

/** Makes it happen. Evaluating is left to the caller. */
export function happen(cluster: ToyCluster, what: Happening): void {
  const job = cluster.view.job('default', 'shop')?.versions[0];
  const deployment = cluster.deployment();
  const active = deployment !== undefined && isActive(deployment);
  switch (what.kind) {
    case 'change':
      if (job) cluster.register({ ...changed(job.spec, `v${job.version + 1}`), Stop: false });
      break;
    case 'touch':
      if (job) cluster.register({ ...job.spec, Stop: false, Priority: 51 + (job.version % 40) });
      break;
    case 'back': {
      const former = cluster.view.job('default', 'shop')?.versions[1]?.spec;
      if (former)
        cluster.register({
          ...former,
          Stop: false,
          TaskGroups: former.TaskGroups.map((g) => ({ ...g, Count: Math.min(MOST, g.Count + 1) })),
        });
      break;
    }
    case 'scale':
      if (job)
        cluster.register({
          ...job.spec,
          Stop: false,
          TaskGroups: job.spec.TaskGroups.map((g) => ({
            ...g,
            Count: what.count,
            Update: fewerCanaries(g, what.count),
          })),
        });
      break;
    case 'drop':
      if (job) {
        const [first, ...others] = job.spec.TaskGroups as [TaskGroup, ...TaskGroup[]];
        const Count = Math.min(2, first.Count);
        const second = { ...first, Name: SECOND_GROUP, Count, Update: fewerCanaries(first, Count) };
        cluster.register({ ...job.spec, Stop: false, TaskGroups: others.length > 0 ? [first] : [first, second] });
      }
      break;
    case 'new-node':
      cluster.addNode(another(cluster, `late-${cluster.view.index}`));
      break;
    case 'stop':
      cluster.stopJob();
      break;
    case 'start':
      cluster.settle(false);
      break;
    case 'settle':
      cluster.settle();
      break;
    case 'pause':
      if (active) cluster.setDeployment({ status: 'paused', statusDescription: 'Deployment is paused' });
      break;
    case 'resume':
      if (active) cluster.setDeployment({ status: 'running', statusDescription: 'Deployment is running' });
      break;
    case 'fail-deployment':
      if (active) cluster.setDeployment({ status: 'failed', statusDescription: 'Deployment marked as failed' });
      break;
    case 'promote':
      if (active) cluster.promote();
      break;
    case 'fail': {
      const alloc = pick(reachable(cluster), what.which);
      if (alloc) cluster.tell(alloc.id, { clientStatus: 'failed', ...(alloc.deploymentId && { healthy: false }) });
      break;
    }
    case 'complete': {
      const alloc = pick(reachable(cluster), what.which);
      if (alloc) cluster.tell(alloc.id, { clientStatus: 'complete' });
      break;
    }
    case 'healthy': {
      const unsure = reachable(cluster).filter((alloc) => alloc.deploymentStatus?.healthy !== true);
      const alloc = pick(unsure, what.which);
      if (alloc && active && alloc.deploymentId === deployment.id)
        cluster.tell(alloc.id, { clientStatus: 'running', healthy: true });
      break;
    }
    case 'grant': {
      const alloc = pick(failed(cluster), what.which);
      if (alloc) cluster.transition(alloc.id, { Reschedule: true });
      break;
    }
    case 'force': {
      const alloc = pick(failed(cluster), what.which);
      if (alloc?.nextAllocation === '') cluster.transition(alloc.id, { ForceReschedule: true });
      break;
    }
    case 'move': {
      const alloc = pick(cluster.live(), what.which);
      if (alloc) cluster.transition(alloc.id, { ...NO_TRANSITION, Migrate: true, Reschedule: true });
      break;
    }
    case 'drain': {
      const id = hostOf(cluster, what.which);
      cluster.setNode(id, {
        eligibility: 'ineligible',
        drain: { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 },
      });
      for (const alloc of cluster.live()) if (alloc.nodeId === id) cluster.transition(alloc.id, { Migrate: true });
      break;
    }
    case 'close-node':
      cluster.setNode(hostOf(cluster, what.which), { eligibility: 'ineligible' });
      break;
    case 'migrate': {
      const alloc = pick(cluster.live(), what.which);
      if (alloc) cluster.transition(alloc.id, { ...NO_TRANSITION, Migrate: true });
      break;
    }
    case 'lose-node':
      cluster.setNode(hostOf(cluster, what.which), { status: 'down' });
      break;
    case 'disconnect':
      cluster.setNode(hostOf(cluster, what.which), { status: 'disconnected' });
      break;
    case 'restore-node':
      restoreNode(cluster, pick(closed(cluster), what.which)?.id ?? 'a');
      break;
    case 'wait':
      cluster.advance(what.seconds);
      break;
  }
}

const another = (cluster: ToyCluster, ID: string): NodeDescription => ({
  ...(cluster.view.node('a')?.description ?? node(ID)),
  ID,
  Name: ID,
});

/** The node is back: its client tells again of what runs there. */
export function restoreNode(cluster: ToyCluster, id: string): void {
  cluster.setNode(id, { status: 'ready', eligibility: 'eligible', drain: null });
  for (const alloc of cluster.view.liveAllocationsOnNode(id)) {
    if (alloc.clientStatus === 'unknown') cluster.tell(alloc.id, { clientStatus: 'running' });
  }
}

const reachable = (cluster: ToyCluster): ReturnType<ToyCluster['live']> =>
  cluster
    .live()
    .filter((alloc) => alloc.clientStatus !== 'unknown' && cluster.view.node(alloc.nodeId)?.status === 'ready');

/** A node that something runs on, if anything does; there always is room on node a. */
const hostOf = (cluster: ToyCluster, which: number): string =>
  pick(
    reachable(cluster).filter(({ nodeId }) => nodeId !== 'a'),
    which,
  )?.nodeId ?? 'b';
/** Nodes that take no allocations. */
const closed = (cluster: ToyCluster): readonly NodeState[] => cluster.view.nodes().filter((one) => !isReady(one));

const failed = (cluster: ToyCluster): ReturnType<ToyCluster['live']> =>
  cluster.allocations().filter((alloc) => alloc.clientStatus === 'failed' && alloc.desiredStatus === 'run');

/** What happened is followed by an evaluation, and by delayed ones that are due. */
export function follow(cluster: ToyCluster, what: Happening): void {
  happen(cluster, what);
  cluster.runDue();
}
