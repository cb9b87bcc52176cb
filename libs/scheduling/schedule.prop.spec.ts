import type { AllocationState, Plan } from '@app/domain';
import { isActive } from '@app/domain';
import fc from 'fast-check';
import { UPDATING } from './descriptions.js';
import type { Story } from './testing/story.js';
import { anyStory, begin, follow, restoreNode, rollingStory, specOf } from './testing/story.js';
import { changed, node } from './testing/specs.js';
import type { ToyCluster } from './testing/toy-cluster.js';
import { toyCluster } from './testing/toy-cluster.js';

jest.setTimeout(300_000);

/** How many stories each property is tried on. */
const runs = Number(process.env['FAST_CHECK_RUNS'] ?? 1_500);

/** fast-check prints the seed and the smallest story when a property fails. */
function tell(
  type: 'service' | 'batch' | 'system',
  stories: fc.Arbitrary<Story>,
  check: (cluster: ToyCluster, plan: Plan | null, before: readonly AllocationState[], story: Story) => void,
): void {
  fc.assert(
    fc.property(stories, (story) => {
      const cluster = begin(type, story);
      const step = (): void => {
        const before = cluster.allocations();
        const { plan } = cluster.evaluate();
        check(cluster, plan, before, story);
      };
      step();
      for (const what of story.happenings) {
        follow(cluster, what);
        step();
      }
    }),
    { numRuns: runs },
  );
}

const spec = (cluster: ToyCluster) => cluster.view.job('default', 'shop')?.versions[0]?.spec;

/**
 * Scheduling again finds nothing to do. The end of a deployment is the one exception: HealthyAllocs never goes down (spec/lifecycle §3.10), so
 * that the last replacement may complete it before it is healthy; and then failed allocations need no permission any more.
 */
function expectNothingMore(cluster: ToyCluster, plan: Plan | null): void {
  const ends = (some: Plan | null): boolean => (some?.deploymentUpdates.length ?? 0) > 0;
  let last = plan;
  for (let round = 0; round < 4; round++) {
    const next = cluster.evaluate().plan;
    if (next === null) return;
    if (!ends(last) && !ends(next)) expect(next).toBeNull();
    last = next;
  }
  throw new Error('four more plans, and no end');
}

describe('whatever happens to a service job', () => {
  it('reconciling twice is reconciling once', () => {
    tell('service', anyStory, expectNothingMore);
  });

  it('nothing is placed for a stopped job', () => {
    tell('service', anyStory, (cluster, plan) => {
      if (spec(cluster)?.Stop) expect(plan?.placements ?? []).toEqual([]);
    });
  });

  it('a paused or failed deployment gets nothing new of its version, only replacements', () => {
    tell('service', anyStory, (cluster, plan) => {
      const deployment = cluster.deployment();
      if (deployment?.status !== 'paused' && deployment?.status !== 'failed') return;
      if (deployment.jobVersion !== cluster.view.job('default', 'shop')?.versions[0]?.version) return;
      for (const placement of plan?.placements ?? []) expect(placement.previousAllocation).not.toBe('');
    });
  });

  it('no two live allocations of a version share a name, beside what cannot be reached', () => {
    tell('service', anyStory, (cluster) => {
      const names = cluster
        .live()
        .filter((alloc) => alloc.clientStatus !== 'unknown')
        .map((alloc) => `${alloc.name} v${alloc.jobVersion}`);
      expect(names).toEqual([...new Set(names)]);
    });
  });

  it('never more than the count, beside canaries and what cannot be reached', () => {
    tell('service', anyStory, (cluster) => {
      const wanted = spec(cluster)?.Stop ? 0 : (spec(cluster)?.TaskGroups[0]?.Count ?? 0);
      const counted = cluster
        .live()
        .filter((alloc) => !alloc.deploymentStatus?.canary && alloc.clientStatus !== 'unknown');
      expect(counted.length).toBeLessThanOrEqual(wanted);
    });
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
          for (const { id } of cluster.view.nodes()) {
            const there = cluster.live().filter((alloc) => alloc.nodeId === id && alloc.clientStatus !== 'unknown');
            expect(there.length).toBeLessThanOrEqual(ports ? 1 : 2);
          }
        };
        check();
        for (const what of story.happenings) {
          follow(cluster, what);
          check();
        }
      }),
      { numRuns: runs },
    );
  });
});

describe('a rolling update', () => {
  it('has at most max_parallel replacements at a time whose health is not known to be good', () => {
    tell('service', rollingStory, (cluster, _plan, _before, story) => {
      const deployment = cluster.deployment();
      const pending = cluster.live().filter((alloc) => {
        const replaced = cluster.allocations().find(({ id }) => id === alloc.previousAllocation);
        const ofThis = alloc.deploymentId === deployment?.id && alloc.jobVersion === deployment.jobVersion;
        const created = alloc.createIndex >= (deployment?.createIndex ?? 0);
        return (
          ofThis && created && replaced?.desiredDescription === UPDATING && alloc.deploymentStatus?.healthy !== true
        );
      });
      expect(pending.length).toBeLessThanOrEqual(story.maxParallel);
    });
  });

  it('never takes away more than max_parallel at once', () => {
    tell('service', rollingStory, (_cluster, plan, _before, story) => {
      const replaced = plan?.stops.filter(({ description }) => description === UPDATING) ?? [];
      expect(replaced.length).toBeLessThanOrEqual(story.maxParallel);
    });
  });
});

describe('when nothing fails any more', () => {
  it('a service job converges to its count of the newest version, and its deployment succeeds', () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const cluster = begin('service', story);
        cluster.evaluate();
        for (const what of story.happenings) {
          follow(cluster, what);
          cluster.evaluate();
        }
        for (const id of ['b', 'c', 'd']) restoreNode(cluster, id);
        const present = cluster.view.job('default', 'shop')?.versions[0]?.spec;
        if (present === undefined) throw new Error('the job is gone');
        cluster.register({ ...changed(present, 'last'), Stop: false });
        for (let round = 0; round < 40 && cluster.evaluate().plan !== null; round++) {
          cluster.settle();
          cluster.promote();
        }
        const version = cluster.view.job('default', 'shop')?.versions[0];
        expect(cluster.live().map((alloc) => alloc.jobVersion)).toEqual(
          Array.from({ length: present.TaskGroups[0]?.Count ?? 0 }, () => version?.version),
        );
        const deployment = cluster.deployment();
        if (deployment !== undefined) expect(isActive(deployment)).toBe(false);
        if (deployment?.jobVersion === version?.version) expect(deployment?.status ?? 'successful').toBe('successful');
      }),
      { numRuns: runs },
    );
  });
});

describe('whatever happens to a batch job', () => {
  it('reconciling twice is reconciling once', () => {
    tell('batch', anyStory, expectNothingMore);
  });

  it('never more than the count is running', () => {
    tell('batch', anyStory, (cluster) => {
      const wanted = spec(cluster)?.Stop ? 0 : (spec(cluster)?.TaskGroups[0]?.Count ?? 0);
      const counted = cluster.live().filter((alloc) => alloc.clientStatus !== 'unknown');
      expect(counted.length).toBeLessThanOrEqual(wanted);
    });
  });
});

describe('whatever happens to a system job', () => {
  it('reconciling twice is reconciling once', () => {
    tell('system', anyStory, expectNothingMore);
  });

  it('there is at most one on each node, and none on a node that joined after it was stopped', () => {
    tell('system', anyStory, (cluster) => {
      const nodes = cluster.live().map((alloc) => alloc.nodeId);
      expect(nodes).toEqual([...new Set(nodes)]);
      if (!spec(cluster)?.Stop) return;
      cluster.addNode(node(`late-${cluster.view.index}`));
      expect(cluster.plan({ trigger: 'node-update', type: 'system' }).plan?.placements ?? []).toEqual([]);
    });
  });
});
