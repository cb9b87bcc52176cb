import type { AllocationState, JobState, NodeState } from '@app/domain';
import { US_PER_S } from '@app/kernel';
import { drainStep, nextDrainDeadline, type DrainView } from './drainer-rules.js';

const NOW = 1000 * US_PER_S;
const draining = (change: object = {}, id = 'here'): NodeState =>
  ({
    id,
    drain: { deadline: 60e9, forceDeadline: NOW + 60 * US_PER_S, ignoreSystemJobs: false, startedAt: NOW, ...change },
  }) as unknown as NodeState;

const alloc = (id: string, change: object = {}): AllocationState =>
  ({
    id,
    nodeId: 'here',
    namespace: 'default',
    jobId: 'web',
    jobType: 'service',
    taskGroup: 'app',
    desiredStatus: 'run',
    clientStatus: 'running',
    desiredTransition: {},
    deploymentStatus: { healthy: true },
    ...change,
  }) as unknown as AllocationState;

const view = (
  allocs: readonly AllocationState[],
  { count = 3, maxParallel = 1, stop = false, meta = {} } = {},
): DrainView => ({
  liveAllocationsOnNode: (nodeId) => allocs.filter((one) => one.nodeId === nodeId),
  allocationsOfJob: (_namespace, jobId) => allocs.filter((one) => one.jobId === jobId),
  job: () =>
    ({
      purged: false,
      versions: [
        {
          spec: {
            ...{ Stop: stop, Meta: meta },
            TaskGroups: [{ Name: 'app', Count: count, Migrate: { MaxParallel: maxParallel } }],
          },
        },
      ],
    }) as unknown as JobState,
  node: () => undefined,
});
const ids = (step: ReturnType<typeof drainStep>): string[] => step.drained.map(({ allocationId }) => allocationId);

describe('a drain', () => {
  it('moves as many of a service group at once as its migrate block allows', () => {
    const three = [alloc('a'), alloc('b'), alloc('c')];
    expect(ids(drainStep(view(three), draining(), NOW))).toEqual(['a']);
    expect(ids(drainStep(view(three, { maxParallel: 2 }), draining(), NOW))).toEqual(['a', 'b']);
  });

  it('waits while the health of a replacement is not known yet', () => {
    const allocs = [alloc('a'), alloc('b'), alloc('new', { nodeId: 'elsewhere', deploymentStatus: null })];
    expect(ids(drainStep(view(allocs), draining(), NOW))).toEqual([]);
    const known = [alloc('a'), alloc('b'), alloc('new', { nodeId: 'elsewhere' })];
    expect(ids(drainStep(view(known), draining(), NOW))).toEqual(['a']);
  });

  it('does not take from two nodes at once what only one may give', () => {
    const allocs = [alloc('a'), alloc('b', { nodeId: 'there' }), alloc('c', { nodeId: 'elsewhere' })];
    const first = drainStep(view(allocs), draining(), NOW);
    expect(ids(first)).toEqual(['a']);
    expect(ids(drainStep(view(allocs), draining({}, 'there'), NOW, new Set(ids(first))))).toEqual([]);
  });

  it('lets batch work finish until the deadline, and then cuts it off for good', () => {
    const batch = view([alloc('a', { jobType: 'batch' })]);
    expect(ids(drainStep(batch, draining(), NOW))).toEqual([]);
    const step = drainStep(batch, draining(), NOW + 60 * US_PER_S);
    expect(step).toEqual({
      drained: [{ allocationId: 'a', disablePlacement: true }],
      done: false,
      deadlineReached: true,
    });
  });

  it('nomad#17563: does not end a batch job that asks to be moved on, also from the only node', () => {
    const batch = view([alloc('a', { jobType: 'batch' })], { meta: { 'rollbook.drain': 'migrate' } });
    expect(ids(drainStep(batch, draining(), NOW))).toEqual([]);
    expect(drainStep(batch, draining(), NOW + 60 * US_PER_S).drained).toEqual([
      { allocationId: 'a', disablePlacement: false },
    ]);
  });

  it('takes system jobs last, and not at all when they are to be ignored', () => {
    const system = alloc('s', { jobType: 'system', jobId: 'logs' });
    expect(ids(drainStep(view([alloc('a'), system]), draining(), NOW))).not.toContain('s');
    expect(ids(drainStep(view([system]), draining(), NOW))).toEqual(['s']);
    expect(drainStep(view([system]), draining({ ignoreSystemJobs: true }), NOW)).toEqual({
      drained: [],
      done: true,
      deadlineReached: false,
    });
  });

  it('moves everything at once when it is forced, whatever the migrate block says', () => {
    const three = view([alloc('a'), alloc('b'), alloc('c')]);
    expect(ids(drainStep(three, draining({ deadline: -1, forceDeadline: 0 }), NOW))).toEqual(['a', 'b', 'c']);
  });

  it('is done when nothing is left that still runs, and not before', () => {
    const stopping = alloc('a', { desiredStatus: 'stop' });
    expect(drainStep(view([stopping]), draining(), NOW)).toMatchObject({ drained: [], done: false });
    expect(drainStep(view([]), draining(), NOW)).toMatchObject({ drained: [], done: true });
  });

  it('leaves stopped jobs to the scheduler', () => {
    expect(ids(drainStep(view([alloc('a')], { stop: true }), draining(), NOW))).toEqual([]);
  });

  it('without a deadline waits for ever', () => {
    const batch = view([alloc('a', { jobType: 'batch' })]);
    const endless = draining({ deadline: 0, forceDeadline: 0 });
    expect(drainStep(batch, endless, NOW * 1000)).toMatchObject({ drained: [], done: false });
    expect(nextDrainDeadline([endless], NOW)).toBeUndefined();
    expect(nextDrainDeadline([endless, draining()], NOW)).toBe(NOW + 60 * US_PER_S);
  });
});
