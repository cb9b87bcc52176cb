import type { AllocationState, Plan, TaskGroup } from '@app/domain';
import { isActive, isTerminal } from '@app/domain';
import fc from 'fast-check';
import { NOT_NEEDED, UPDATING } from './descriptions.js';
import type { Story, StoryType } from './testing/story.js';
import { anyStory, begin, follow, isHurried, restoreNode, rollingStory, specOf } from './testing/story.js';
import { changed, node } from './testing/specs.js';
import type { ToyCluster } from './testing/toy-cluster.js';
import { toyCluster } from './testing/toy-cluster.js';

jest.setTimeout(300_000);

/** How many stories the properties of services are tried on; those of other jobs, which share most of the code, on a tenth. */
const RUNS = Number(process.env['FAST_CHECK_RUNS'] ?? 10_000);
const FEWER = Math.ceil(RUNS / 10);

interface Scene {
  readonly cluster: ToyCluster;
  readonly story: Story;
  /** What the evaluation before this look decided. */
  readonly plan: Plan | null;
}
type Property = (scene: Scene) => void;

class Broken extends Error {
  constructor(
    readonly property: string,
    override readonly cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause));
  }
}

/**
 * Tells each story once for all properties: `always` after every evaluation, `finally` at its end. A property that does not hold fails the test of
 * its name, with fast-check's seed and the smallest story.
 */
function itHolds(
  type: StoryType,
  stories: fc.Arbitrary<Story>,
  runs: number,
  {
    always,
    finally: atTheEnd = {},
  }: Record<'always', Record<string, Property>> & { finally?: Record<string, Property> },
): void {
  const look = (properties: Record<string, Property>, scene: Scene): void => {
    for (const [name, property] of Object.entries(properties)) {
      try {
        property(scene);
      } catch (error) {
        throw new Broken(name, error);
      }
    }
  };
  const tell = (story: Story): void => {
    const cluster = begin(type, story);
    look(always, { cluster, story, plan: cluster.evaluate().plan });
    for (const [i, what] of story.happenings.entries()) {
      follow(cluster, what);
      if (!isHurried(story, i)) look(always, { cluster, story, plan: cluster.evaluate().plan });
    }
    look(atTheEnd, { cluster, story, plan: null });
  };
  let told: fc.RunDetails<[Story]> | undefined;
  it.each([...Object.keys(always), ...Object.keys(atTheEnd)])('%s', (name) => {
    told ??= fc.check(fc.property(stories, tell), { numRuns: runs });
    const broken = told.errorInstance instanceof Broken ? told.errorInstance.property : name;
    if (told.failed && broken === name) throw new Error(fc.defaultReportMessage(told), { cause: told.errorInstance });
  });
}

const spec = (cluster: ToyCluster) => cluster.view.job('default', 'shop')?.versions[0]?.spec;
/** The groups of a job that is not stopped. */
const groupsOf = (cluster: ToyCluster): readonly TaskGroup[] =>
  spec(cluster)?.Stop ? [] : (spec(cluster)?.TaskGroups ?? []);
const total = (cluster: ToyCluster): number => groupsOf(cluster).reduce((sum, { Count }) => sum + Count, 0);
const ofGroup = (allocations: readonly AllocationState[], { Name }: TaskGroup): readonly AllocationState[] =>
  allocations.filter(({ taskGroup }) => taskGroup === Name);
const maxParallel = ({ Update }: TaskGroup): number => Update?.MaxParallel ?? Infinity;
/** The largest count that the group had in any version: while a trial is on, a lower one is not brought about. */
const largestCount = (cluster: ToyCluster, { Name, Count }: TaskGroup): number => {
  const versions = cluster.view.job('default', 'shop')?.versions ?? [];
  const counts = versions.flatMap(({ spec }) => spec.TaskGroups.filter((group) => group.Name === Name));
  return Math.max(Count, ...counts.map((group) => group.Count));
};
const isOnTrial = (cluster: ToyCluster, { Name }: TaskGroup): boolean => {
  const state = cluster.deployment()?.groups[Name];
  return state !== undefined && state.desiredCanaries > 0 && !state.promoted;
};
/** No group has more of these than its count. */
const withinCounts = (cluster: ToyCluster, allocations: readonly AllocationState[]): void => {
  const groups = groupsOf(cluster);
  all(allocations, ({ taskGroup }) => groups.some(({ Name }) => Name === taskGroup));
  for (const group of groups)
    atMost(isOnTrial(cluster, group) ? largestCount(cluster, group) : group.Count, ofGroup(allocations, group));
};
const isReachable = (alloc: AllocationState): boolean => alloc.clientStatus !== 'unknown';

// Jest's own comparisons cost more than the scheduling: where a property is looked at a hundred thousand times, this is all it needs.
function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
function all<T>(items: readonly T[], holds: (item: T) => boolean): void {
  for (const item of items) if (!holds(item)) throw new Error(`not so for ${JSON.stringify(item)}`);
}
const different = (items: readonly string[]): void => {
  const seen = new Set<string>();
  all(items, (item) => !seen.has(item) && seen.add(item) !== undefined);
};
const atMost = (limit: number, items: readonly unknown[]): void => {
  if (items.length > limit) throw new Error(`${items.length} are more than ${limit}`);
};

/**
 * Scheduling again finds nothing to do, with two exceptions. The end of a deployment: HealthyAllocs never goes down (spec/lifecycle §3.10), so
 * that the last replacement may complete it before it is healthy; and then failed allocations need no permission any more. And what was told to
 * stop on a node that is down is noted as lost afterwards (§3.0).
 */
function nothingMore({ cluster, plan }: Scene): void {
  const ends = (some: Plan | null): boolean => (some?.deploymentUpdates.length ?? 0) > 0;
  let last = plan;
  for (let round = 0; round < 4; round++) {
    const next = cluster.evaluate().plan;
    if (next === null) return;
    const notesLosses = next.placements.length === 0 && next.stops.every(({ clientStatus }) => clientStatus === 'lost');
    if (!ends(last) && !ends(next) && !(notesLosses && next.stops.length > 0)) expect(next).toBeNull();
    last = next;
  }
  throw new Error('four more plans, and no end');
}

/** Every node is back, and there is one more version: as many as wanted run it, and its deployment has succeeded. */
function converges({ cluster }: Scene): void {
  for (const { id } of cluster.view.nodes()) restoreNode(cluster, id);
  const present = spec(cluster);
  if (present === undefined) throw new Error('the job is gone');
  cluster.advance(4000);
  cluster.runDue();
  cluster.register({ ...changed(present, 'last'), Stop: false });
  for (let round = 0; round < 40 && cluster.evaluate().plan !== null; round++) {
    cluster.settle();
    cluster.promote();
  }
  const version = cluster.view.job('default', 'shop')?.versions[0];
  must(cluster.live().length === total(cluster), `${cluster.live().length} instead of ${total(cluster)}`);
  all(cluster.live(), (alloc) => alloc.jobVersion === version?.version);
  const deployment = cluster.deployment();
  if (deployment === undefined) return;
  must(!isActive(deployment), `its deployment is ${deployment.status}`);
  must(deployment.jobVersion !== version?.version || deployment.status === 'successful', `it ${deployment.status}`);
}

describe('whatever happens to a service job', () => {
  itHolds('service', anyStory, RUNS, {
    always: {
      'never a placement for a stopped job': ({ cluster, plan }) => {
        if (spec(cluster)?.Stop) atMost(0, plan?.placements ?? []);
      },
      'a paused or failed deployment gets no new allocations of its version, only replacements': ({
        cluster,
        plan,
      }) => {
        const deployment = cluster.deployment();
        if (deployment?.status !== 'paused' && deployment?.status !== 'failed') return;
        if (deployment.jobVersion !== cluster.view.job('default', 'shop')?.versions[0]?.version) return;
        all(plan?.placements ?? [], (placement) => placement.previousAllocation !== '');
      },
      // A disconnected one shares its name with its replacement (spec/lifecycle §3.7).
      'names are unique: no two connected allocations of a version share one': ({ cluster }) => {
        const within = cluster.live().filter(isReachable);
        different(within.map((alloc) => `${alloc.name} v${alloc.jobVersion}`));
      },
      'never more than the count, beside canaries and disconnected allocations': ({ cluster }) => {
        const within = cluster.live().filter(isReachable);
        withinCounts(
          cluster,
          within.filter((alloc) => !alloc.deploymentStatus?.canary),
        );
      },
      'nothing of use is stopped: what is not needed leaves as many as are wanted': ({ cluster, plan }) => {
        const needless = new Set(
          plan?.stops.filter(({ description }) => description === NOT_NEEDED).map(({ allocationId }) => allocationId),
        );
        const some = cluster.allocations().filter((alloc) => !alloc.deploymentStatus?.canary);
        const counts = (alloc: AllocationState): boolean =>
          alloc.nextAllocation === '' || (isReachable(alloc) && !isTerminal(alloc));
        const left = some.filter((alloc) => alloc.desiredStatus === 'run' && counts(alloc));
        for (const group of groupsOf(cluster)) {
          const stopped = ofGroup(some, group).filter((alloc) => needless.has(alloc.id) && isReachable(alloc));
          const enough = stopped.length === 0 || ofGroup(left, group).length >= group.Count;
          must(enough, `${stopped.length} stopped, ${ofGroup(left, group).length} left`);
        }
      },
      // One that comes back stays beside the one that was made meanwhile.
      'never more connected canaries on trial than wanted': ({ cluster }) => {
        const deployment = cluster.deployment();
        const trial = cluster
          .live()
          .filter((alloc) => alloc.deploymentStatus?.canary && alloc.stateChanges.length === 0);
        for (const group of groupsOf(cluster)) {
          const state = deployment?.groups[group.Name];
          if (state && !state.promoted) atMost(state.desiredCanaries, ofGroup(trial, group));
        }
      },
      'reconciling twice is reconciling once': nothingMore,
    },
    finally: {
      'converges to the count of the newest version, and its deployment succeeds, when nothing fails': converges,
    },
  });
});

describe('whatever happens to a rolling update', () => {
  itHolds('service', rollingStory, RUNS, {
    always: {
      'never more than max_parallel replacements beyond the healthy ones': ({ cluster }) => {
        const deployment = cluster.deployment();
        const byId = new Map(cluster.allocations().map((alloc) => [alloc.id, alloc]));
        const pending = cluster.live().filter((alloc) => {
          const ofThis = alloc.deploymentId === deployment?.id && alloc.jobVersion === deployment.jobVersion;
          const created = alloc.createIndex >= (deployment?.createIndex ?? 0);
          const replaced = byId.get(alloc.previousAllocation)?.desiredDescription === UPDATING;
          return ofThis && created && replaced && alloc.deploymentStatus?.healthy !== true;
        });
        for (const group of groupsOf(cluster)) atMost(maxParallel(group), ofGroup(pending, group));
      },
      'never more than max_parallel taken away at once': ({ cluster, plan }) => {
        const updating = plan?.stops.filter(({ description }) => description === UPDATING) ?? [];
        const ids = new Set(updating.map(({ allocationId }) => allocationId));
        const taken = cluster.allocations().filter(({ id }) => ids.has(id));
        for (const group of groupsOf(cluster)) atMost(maxParallel(group), ofGroup(taken, group));
      },
    },
  });
});

describe('whatever happens to a batch job', () => {
  itHolds('batch', anyStory, FEWER, {
    always: {
      'never a placement for a stopped job': ({ cluster, plan }) => {
        if (spec(cluster)?.Stop) atMost(0, plan?.placements ?? []);
      },
      'never more than the count is running, beside disconnected allocations': ({ cluster }) =>
        withinCounts(cluster, cluster.live().filter(isReachable)),
      'names are unique among connected allocations': ({ cluster }) =>
        different(
          cluster
            .live()
            .filter(isReachable)
            .map((alloc) => alloc.name),
        ),
      // `alloc stop -reschedule` leaves a hole until the delay of the policy is over, or something else happens (spec/lifecycle §3.2, step 1).
      'reconciling twice is reconciling once': (scene) => {
        if (!scene.story.happenings.some(({ kind }) => kind === 'move')) nothingMore(scene);
      },
    },
  });
});

describe.each(['system', 'sysbatch'] as const)('whatever happens to a %s job', (type) => {
  itHolds(type, anyStory, FEWER, {
    always: {
      'never a placement for a stopped job, on nodes that join it neither': ({ cluster, plan }) => {
        if (!spec(cluster)?.Stop) return;
        atMost(0, plan?.placements ?? []);
        cluster.addNode(node(`late-${cluster.view.index}`));
        atMost(0, cluster.plan({ trigger: 'node-update', type }).plan?.placements ?? []);
      },
      'at most one of a group on each node': ({ cluster }) =>
        different(cluster.live().map((alloc) => `${alloc.taskGroup} on ${alloc.nodeId}`)),
      'reconciling twice is reconciling once': nothingMore,
    },
  });
});

describe('on nodes that are nearly full', () => {
  it('none is ever given more than it has, nor a static port twice', () => {
    const small = (id: string) => {
      const { NodeResources, ...rest } = node(id);
      return { ...rest, NodeResources: { ...NodeResources, Cpu: { ...NodeResources.Cpu, CpuShares: 250 } } };
    };
    const static80 = [{ ReservedPorts: [{ Label: 'http', Value: 80 }] }];
    fc.assert(
      fc.property(anyStory, fc.boolean(), (story, ports) => {
        const cluster = toyCluster({ nodes: ['a', 'b', 'c', 'd'].map(small), keepsUsage: story.maxParallel % 2 === 0 });
        const job = specOf('service', story);
        const TaskGroups = job.TaskGroups.map((group) => ({ ...group, Networks: ports ? static80 : null }));
        cluster.register({ ...job, TaskGroups });
        const check = (): void => {
          cluster.evaluate();
          for (const { id } of cluster.view.nodes())
            atMost(
              ports ? 1 : 2,
              cluster.live().filter((alloc) => alloc.nodeId === id && isReachable(alloc)),
            );
        };
        check();
        for (const what of story.happenings) {
          follow(cluster, what);
          check();
        }
      }),
      { numRuns: FEWER },
    );
  });
});
