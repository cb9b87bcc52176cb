import type { AllocationState, DeploymentGroup, DeploymentState } from '@app/domain';
import { US_PER_S } from '@app/kernel';
import { judgeDeployment, lateGroups, nextDeadline, type DeploymentView } from './deployment-rules.js';

const DEADLINE_S = 600;
const group = (change: Partial<DeploymentGroup>): DeploymentGroup => ({
  autoRevert: false,
  autoPromote: false,
  progressDeadline: DEADLINE_S * 1e9,
  requireProgressBy: DEADLINE_S * US_PER_S,
  promoted: false,
  placedCanaries: ['canary'],
  desiredCanaries: 1,
  desiredTotal: 3,
  placedAllocs: 1,
  healthyAllocs: 0,
  unhealthyAllocs: 0,
  ...change,
});
const deployment = (
  change: Partial<DeploymentGroup> = {},
  status: DeploymentState['status'] = 'running',
): DeploymentState =>
  ({
    id: 'd',
    namespace: 'default',
    jobId: 'web',
    jobVersion: 1,
    jobCreateIndex: 1,
    status,
    groups: { web: group(change) },
  }) as unknown as DeploymentState;

const alloc = (change: object): AllocationState =>
  ({
    id: 'canary',
    taskGroup: 'web',
    desiredStatus: 'run',
    clientStatus: 'running',
    createTime: 0,
    modifyTime: 0,
    desiredTransition: {},
    deploymentStatus: null,
    ...change,
  }) as unknown as AllocationState;

const view = (...allocs: AllocationState[]): DeploymentView => ({
  allocation: (id) => allocs.find((one) => one.id === id),
  allocationsOfDeployment: () => allocs,
  jobVersion: () => undefined,
  latestEvaluationIndex: () => 0,
});

const healthy = { healthy: true, timestamp: 0, canary: true, modifyIndex: 0 };

describe('the deployment watcher', () => {
  it('never times out a deployment that waits for its promotion', () => {
    const waiting = deployment({ healthyAllocs: 1 });
    const living = view(alloc({ deploymentStatus: healthy }));
    expect(nextDeadline(living, waiting, 0)).toBe(0);
    expect(lateGroups(living, waiting, 10 * DEADLINE_S * US_PER_S)).toEqual([]);
  });

  it('a canary with an unrecoverable error ends its deployment at its deadline', () => {
    const failed = view(alloc({ clientStatus: 'failed', deploymentStatus: { ...healthy, healthy: false } }));
    const waiting = deployment({ unhealthyAllocs: 1 });
    expect(nextDeadline(failed, waiting, 0)).toBe(DEADLINE_S * US_PER_S);
    expect(lateGroups(failed, waiting, DEADLINE_S * US_PER_S - 1)).toEqual([]);
    expect(lateGroups(failed, waiting, DEADLINE_S * US_PER_S)).toHaveLength(1);
  });

  it('a canary with an unrecoverable error ends its deployment at its deadline, even if it was healthy before', () => {
    const diedAt = 5 * DEADLINE_S * US_PER_S;
    const dead = view(alloc({ clientStatus: 'failed', modifyTime: diedAt, deploymentStatus: healthy }));
    const waiting = deployment({ healthyAllocs: 1 });
    const due = diedAt + DEADLINE_S * US_PER_S;
    expect(nextDeadline(dead, waiting, 0)).toBe(due);
    expect(lateGroups(dead, waiting, due - 1)).toEqual([]);
    expect(lateGroups(dead, waiting, due)).toHaveLength(1);
  });

  it('a canary that an operator stops ends nothing', () => {
    const stopped = view(alloc({ desiredStatus: 'stop', clientStatus: 'complete', deploymentStatus: healthy }));
    expect(nextDeadline(stopped, deployment({ healthyAllocs: 1 }), 0)).toBe(0);
  });

  it('a paused deployment never runs out of its deadline', () => {
    const failed = view(alloc({ clientStatus: 'failed' }));
    expect(nextDeadline(failed, deployment({}, 'paused'), 0)).toBe(0);
    expect(lateGroups(failed, deployment({}, 'paused'), 100 * DEADLINE_S * US_PER_S)).toEqual([]);
  });

  it('asks for an evaluation when health has come after the last one, and promotes where the job says so', () => {
    const news = view(alloc({ deploymentStatus: { ...healthy, modifyIndex: 7 } }));
    expect(judgeDeployment(news, deployment({ healthyAllocs: 1 }), 0)).toEqual({ kind: 'progress', replace: [] });
    expect(judgeDeployment(news, deployment({ healthyAllocs: 1, autoPromote: true }), 0)).toEqual({
      kind: 'promote',
      otherwise: { kind: 'progress', replace: [] },
    });
  });

  it('fails a deployment early for what may not be rescheduled', () => {
    const unhealthy = view(alloc({ clientStatus: 'failed', deploymentStatus: { ...healthy, healthy: false } }));
    expect(judgeDeployment(unhealthy, deployment({ autoRevert: true }), 0)).toEqual({ kind: 'fail', rollback: true });
  });
});
