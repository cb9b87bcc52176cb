import type { AllocationState, JobType, NodeState, TaskGroup } from '@app/domain';
import { NO_TRANSITION } from '@app/domain';
import { allocation } from '../testing/allocations.js';
import { batch, rolling, service } from '../testing/specs.js';
import { toyCluster } from '../testing/toy-cluster.js';
import { triageDeployment } from './deployments.js';
import type { GroupScope } from './pass.js';
import { desiredOf } from './pass.js';
import { replacement } from './placements.js';
import { startPass } from './reconcile.js';
import { takeStock, trimToCount } from './stock.js';

const GOAL = {
  existing: false,
  autoRevert: false,
  autoPromote: false,
  progressDeadline: 0,
  promoted: false,
  healthyAllocs: 0,
  desiredCanaries: 0,
  desiredTotal: 0,
};

/** A pass over these allocations of one group, all of them on one node. */
function scopeOf(
  allocations: readonly AllocationState[],
  about: { readonly type?: JobType; readonly group?: Partial<TaskGroup>; readonly node?: Partial<NodeState> } = {},
): GroupScope {
  const cluster = toyCluster({ nodes: 1 });
  if (about.node) cluster.setNode('node-0', about.node);
  const type = about.type ?? 'service';
  const job = cluster.register((type === 'batch' ? batch : service)({ Count: 2, Update: null, ...about.group }));
  const own = allocations.map((alloc) => ({ ...alloc, jobCreateIndex: job.createIndex }));
  const input = {
    evaluation: { id: 'eval', namespace: 'default', priority: 50, jobId: 'shop' },
    job,
    lastStop: null,
    jobType: type,
    deployments: [],
    allocations: own,
    allocation: (id: string) => own.find((alloc) => alloc.id === id),
    node: (id: string) => cluster.view.node(id),
    versionOf: () => job,
    updateVerdict: () => ({ kind: 'ignore' as const }),
    now: cluster.now(),
    newId: () => 'new',
  };
  const pass = startPass(input, type === 'batch', triageDeployment(job, undefined));
  return { pass, job, group: job.spec.TaskGroups[0]!, goal: { ...GOAL }, desired: desiredOf(pass, 'web') };
}

const numbered = (index: number, change: Partial<AllocationState> = {}): AllocationState =>
  allocation({ id: `alloc-${index}`, name: `shop.web[${index}]`, ...change });
const ids = (some: Iterable<AllocationState>): string[] => [...some].map(({ id }) => id);
const stockOf = (scope: GroupScope) => takeStock(scope, scope.pass.input.allocations);

describe('what there is of a group', () => {
  it('has each allocation in one place', () => {
    const scope = scopeOf([
      numbered(0),
      numbered(1, { desiredTransition: { ...NO_TRANSITION, Migrate: true } }),
      numbered(2, { clientStatus: 'failed', modifyTime: 0 }),
      numbered(3, { nodeId: 'gone' }),
      numbered(4, { desiredStatus: 'stop' }),
    ]);
    const { untainted, migrate, rescheduleNow, later, lost } = stockOf(scope);
    expect([untainted, migrate, rescheduleNow, lost].map(ids)).toEqual([
      ['alloc-0'],
      ['alloc-1'],
      ['alloc-2'],
      ['alloc-3'],
    ]);
    expect(later).toEqual([]);
    expect(scope.desired).toMatchObject({ Ignore: 1, RescheduleNow: 1 });
  });

  it('counts what failed until it is due', () => {
    const scope = scopeOf([numbered(0)]);
    const { now } = scope.pass.input;
    const failed = scopeOf([numbered(0, { clientStatus: 'failed', modifyTime: now })]);
    const { untainted, later } = stockOf(failed);
    expect(ids(untainted)).toEqual(['alloc-0']);
    expect(later.map(({ at }) => at)).toEqual([now + 30_000_000]);
  });

  it('stops the highest indexes beyond the count, and keeps the names of the lost', () => {
    const scope = scopeOf([numbered(0), numbered(1), numbered(2), numbered(3, { nodeId: 'gone' })]);
    const trimmed = trimToCount(scope, stockOf(scope));
    expect(ids(trimmed.untainted)).toEqual(['alloc-0', 'alloc-1']);
    expect(ids(trimmed.lost)).toEqual(['alloc-3']);
    expect([...scope.pass.stops.keys()]).toEqual(['alloc-2']);
    expect([...trimmed.used].toSorted((a, b) => a - b)).toEqual([0, 1, 3]);
  });

  it('replaces of those that failed only as many as the count has room for', () => {
    const scope = scopeOf([
      numbered(0),
      numbered(1, { clientStatus: 'failed' }),
      numbered(2, { clientStatus: 'failed' }),
    ]);
    const { rescheduleNow } = trimToCount(scope, stockOf(scope));
    expect(ids(rescheduleNow)).toEqual(['alloc-1']);
    expect([...scope.pass.stops.keys()]).toEqual(['alloc-2']);
  });

  it('has no use for finished work of an older version of a batch job', () => {
    const scope = scopeOf([numbered(0, { jobVersion: -1, clientStatus: 'complete' })], { type: 'batch' });
    expect(ids(stockOf(scope).untainted)).toEqual([]);
    expect(scope.desired.Ignore).toBe(1);
  });

  it('counts a disconnected allocation that was replaced by its replacement alone', () => {
    const unknown = { stateChanges: [{ value: 'unknown' as const, time: 1.7e15 }], clientStatus: 'unknown' as const };
    const scope = scopeOf([numbered(0, { ...unknown, nextAllocation: 'alloc-5' }), numbered(5, { nodeId: 'other' })], {
      node: { status: 'disconnected' },
      group: { Disconnect: { LostAfter: 1e18, StopOnClientAfter: null, Replace: true, Reconcile: '' } },
    });
    const stock = takeStock(scope, scope.pass.input.allocations.slice(0, 1));
    expect([...trimToCount(scope, stock).used]).toEqual([]);
  });
});

describe('the successor of an allocation', () => {
  const { job } = scopeOf([], { group: { Update: rolling({ Canary: 1 }) } });
  const canary = { deploymentStatus: { healthy: null, timestamp: 0, canary: true, modifyIndex: 0 } };
  const of = (jobVersion: number) =>
    replacement(job, 'reschedule', numbered(0, { ...canary, jobVersion, jobCreateIndex: job.createIndex }), {
      downgrade: true,
    });

  it('is a canary where it replaces one of the current version', () => {
    expect(of(job.version)).toMatchObject({ canary: true, downgrade: false });
  });

  it('is none where the mark is of a version before, whose promotion came while it was away (simulator, seed 30012)', () => {
    expect(of(job.version - 1)).toMatchObject({ canary: false, downgrade: true });
  });
});
