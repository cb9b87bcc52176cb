import type { AllocationState, TaskState } from '@app/domain';
import { allocationStream } from '@app/kernel';
import {
  allocationId,
  jobSpec,
  METRICS,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  RESOURCES,
  World,
} from '@app/testing';
import { AllocationEssence } from './allocation-essence.js';

const ENDED: TaskState = {
  State: 'dead',
  Failed: true,
  Restarts: 1,
  LastRestart: '2026-01-01T00:00:01Z',
  StartedAt: '2026-01-01T00:00:00Z',
  FinishedAt: '2026-01-01T00:00:02Z',
  Events: [{ Type: 'Terminated', Time: '1', DisplayMessage: 'Exit Code: 1', Details: {} }],
};
const METRICS_OF_TWO = {
  ...METRICS,
  ScoreMetaData: [0.9, 0.1].map((NormScore) => ({ NodeID: 'n', Scores: { binpack: NormScore }, NormScore })),
};

describe('The essence of an allocation', () => {
  const world = new World();
  const [first, second] = [allocationId(1), allocationId(2)];
  const copy = (id: string): AllocationState =>
    JSON.parse(JSON.stringify(world.read(allocationStream(id)))) as AllocationState;

  beforeAll(() => {
    world.run(nodeRegistered());
    world.run(nodeIsReady());
    const answer = world.run(registered(jobSpec()));
    const evaluation = answer.kind === 'accepted' ? answer.answer.evalId : '';
    const place = [first, second].map((id) => ({ id, metrics: METRICS_OF_TWO }));
    world.run(planned({ evaluation, place }));
    world.run(reported([report(first, { clientStatus: 'failed', taskStates: { main: ENDED } })]));
  });

  test('has the best score and the times of tasks, and nothing of what was told at length', () => {
    const alloc = copy(first);
    const { metrics, taskStates, ...rest } = new AllocationEssence().of(alloc, undefined);
    expect(metrics.ScoreMetaData).toEqual([{ NodeID: '', Scores: {}, NormScore: 0.9 }]);
    expect(taskStates).toEqual({ main: { ...ENDED, Events: [] } });
    const { metrics: _metrics, taskStates: _taskStates, ...others } = alloc;
    expect(rest).toEqual(others);
  });

  test('shares the resources of a group, unless they differ', () => {
    const essence = new AllocationEssence();
    const one = essence.of(copy(first), undefined);
    expect(essence.of(copy(second), undefined).allocatedResources).toBe(one.allocatedResources);
    expect(one.allocatedResources).toEqual(RESOURCES);
    const { Shared, ...others } = RESOURCES;
    const larger = { ...copy(second), allocatedResources: { ...others, Shared: { ...Shared, DiskMB: 77 } } };
    expect(essence.of(larger, undefined).allocatedResources.Shared.DiskMB).toBe(77);
  });

  test('of one that has changed otherwise makes nothing anew', () => {
    const essence = new AllocationEssence();
    const before = essence.of(copy(first), undefined);
    const after = essence.of({ ...before, desiredStatus: 'stop' }, before);
    expect(after.metrics).toBe(before.metrics);
    expect(after.taskStates).toBe(before.taskStates);
    expect(after.allocatedResources).toBe(before.allocatedResources);
  });
});
