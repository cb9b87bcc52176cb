import type { JobSpec, TaskGroup } from '@app/domain';
import { isActive, NO_TRANSITION } from '@app/domain';
import fc from 'fast-check';
import { batch, changed, node, rolling, service, system } from './specs.js';
import type { ToyCluster } from './toy-cluster.js';
import { toyCluster } from './toy-cluster.js';

/** One thing that can happen to a job and its cluster. Numbers choose among what is there. */
export type Happening =
  | {
      readonly kind:
        'change' | 'touch' | 'back' | 'stop' | 'settle' | 'start' | 'pause' | 'resume' | 'fail-deployment' | 'promote';
    }
  | { readonly kind: 'scale'; readonly count: number }
  | {
      readonly kind: 'fail' | 'complete' | 'lose-node' | 'restore-node' | 'migrate' | 'grant' | 'disconnect';
      readonly which: number;
    }
  | { readonly kind: 'wait'; readonly seconds: number };

export interface Story {
  readonly count: number;
  readonly maxParallel: number;
  readonly canary: number;
  readonly lostAfter: number;
  readonly happenings: readonly Happening[];
  /** Bit i: the next thing happens before there is an evaluation after the i-th. */
  readonly hurry: number;
}

export const isHurried = ({ hurry }: Story, i: number): boolean => ((hurry >> i) & 1) === 1;

const MOST = 6;

const plain = (
  ...kinds: (
    'change' | 'touch' | 'back' | 'stop' | 'settle' | 'start' | 'pause' | 'resume' | 'fail-deployment' | 'promote'
  )[]
) => fc.record({ kind: fc.constantFrom(...kinds) });
const pointed = (
  ...kinds: ('fail' | 'complete' | 'lose-node' | 'restore-node' | 'migrate' | 'grant' | 'disconnect')[]
) => fc.record({ kind: fc.constantFrom(...kinds), which: fc.nat(9) });

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { arbitrary: plain('settle', 'start', 'settle'), weight: 4 },
  { arbitrary: plain('change', 'touch', 'back', 'promote', 'pause', 'resume', 'fail-deployment', 'stop'), weight: 4 },
  { arbitrary: pointed('fail', 'complete', 'lose-node', 'restore-node', 'migrate', 'grant', 'disconnect'), weight: 4 },
  {
    arbitrary: fc.record({ kind: fc.constant('scale' as const), count: fc.integer({ min: 0, max: MOST }) }),
    weight: 1,
  },
  { arbitrary: fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 10, 40, 400) }), weight: 2 },
);

/** Everything that may go wrong does. */
export const anyStory: fc.Arbitrary<Story> = fc.record({
  count: fc.integer({ min: 1, max: 5 }),
  maxParallel: fc.integer({ min: 0, max: 3 }),
  canary: fc.integer({ min: 0, max: 3 }),
  lostAfter: fc.constantFrom(0, 0, 60),
  happenings: fc.array(happening, { maxLength: 14 }),
  hurry: fc.oneof(fc.constant(0), fc.nat(2 ** 14 - 1)),
});

/** Only new versions, and health reports that may come late. */
export const rollingStory: fc.Arbitrary<Story> = fc.record({
  count: fc.integer({ min: 1, max: 6 }),
  maxParallel: fc.integer({ min: 1, max: 3 }),
  canary: fc.integer({ min: 0, max: 3 }),
  lostAfter: fc.constant(0),
  happenings: fc.array(fc.oneof(plain('change', 'touch', 'settle', 'start', 'promote'), pointed('grant')), {
    maxLength: 14,
  }),
  hurry: fc.constant(0),
});

export const specOf = (type: 'service' | 'batch' | 'system', story: Story): JobSpec => {
  const second = 1_000_000_000;
  const Disconnect =
    story.lostAfter === 0
      ? null
      : { LostAfter: story.lostAfter * second, StopOnClientAfter: null, Replace: true, Reconcile: 'best_score' };
  const Update = rolling({ MaxParallel: story.maxParallel, Canary: Math.min(story.canary, story.count) });
  switch (type) {
    case 'service':
      return service({ Count: story.count, Update, Disconnect });
    case 'batch':
      return batch({ Count: story.count, Disconnect });
    case 'system':
      return system({ Update: { ...Update, Canary: 0 }, Disconnect });
  }
};

/** Four nodes with room for everything. */
export function begin(type: 'service' | 'batch' | 'system', story: Story): ToyCluster {
  const cluster = toyCluster({ nodes: ['a', 'b', 'c', 'd'].map((id) => node(id)), keepsUsage: story.count % 2 === 0 });
  cluster.register(specOf(type, story));
  return cluster;
}

/** A group that asks for more canaries than it has allocations gets them one after the other (spec/lifecycle §3.2, step 18). */
const fewerCanaries = ({ Update }: TaskGroup, count: number): TaskGroup['Update'] =>
  Update && { ...Update, Canary: Math.min(Update.Canary, count) };

const NODE_IDS = ['a', 'b', 'c', 'd'];
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
    case 'grant': {
      const failed = cluster
        .allocations()
        .filter((alloc) => alloc.clientStatus === 'failed' && alloc.desiredStatus === 'run');
      const alloc = pick(failed, what.which);
      if (alloc) cluster.transition(alloc.id, { Reschedule: true });
      break;
    }
    case 'migrate': {
      const alloc = pick(cluster.live(), what.which);
      if (alloc) cluster.transition(alloc.id, { ...NO_TRANSITION, Migrate: true });
      break;
    }
    case 'lose-node':
      cluster.setNode(pick(NODE_IDS.slice(1), what.which) ?? 'b', { status: 'down' });
      break;
    case 'disconnect':
      cluster.setNode(pick(NODE_IDS.slice(1), what.which) ?? 'b', { status: 'disconnected' });
      break;
    case 'restore-node':
      restoreNode(cluster, pick(NODE_IDS.slice(1), what.which) ?? 'b');
      break;
    case 'wait':
      cluster.advance(what.seconds);
      break;
  }
}

/** The node is back: its client tells again of what runs there. */
export function restoreNode(cluster: ToyCluster, id: string): void {
  cluster.setNode(id, { status: 'ready' });
  for (const alloc of cluster.view.liveAllocationsOnNode(id)) {
    if (alloc.clientStatus === 'unknown') cluster.tell(alloc.id, { clientStatus: 'running' });
  }
}

const reachable = (cluster: ToyCluster): ReturnType<ToyCluster['live']> =>
  cluster
    .live()
    .filter((alloc) => alloc.clientStatus !== 'unknown' && cluster.view.node(alloc.nodeId)?.status === 'ready');

/** What happened is followed by an evaluation, and by delayed ones that are due. */
export function follow(cluster: ToyCluster, what: Happening): void {
  happen(cluster, what);
  cluster.runDue();
}
