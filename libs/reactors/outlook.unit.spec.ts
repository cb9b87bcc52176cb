import type { AllocationState, DeploymentGroup, DeploymentState, JobState } from '@app/domain';
import { jobOf, SECOND_NS, task, taskGroup } from '@app/testing';
import { US_PER_S } from '@app/kernel';
import { outlookOf } from './outlook.js';

const DEADLINE_US = 600 * US_PER_S;
const deployment = (change: Partial<DeploymentGroup> = {}, status = 'running'): DeploymentState =>
  ({
    id: 'd',
    namespace: 'default',
    jobId: 'shop',
    jobVersion: 1,
    jobCreateIndex: 1,
    status,
    groups: {
      web: {
        autoRevert: false,
        autoPromote: false,
        progressDeadline: 600 * SECOND_NS,
        requireProgressBy: DEADLINE_US,
        promoted: false,
        placedCanaries: ['canary'],
        desiredCanaries: 1,
        desiredTotal: 3,
        placedAllocs: 1,
        healthyAllocs: 0,
        unhealthyAllocs: 0,
        ...change,
      },
    },
  }) as unknown as DeploymentState;

const canary = (healthy: boolean | null): AllocationState =>
  ({
    id: 'canary',
    taskGroup: 'web',
    desiredStatus: 'run',
    clientStatus: 'running',
    createTime: 0,
    modifyTime: 0,
    desiredTransition: {},
    deploymentStatus: { healthy, timestamp: 0, canary: true, modifyIndex: 0 },
  }) as unknown as AllocationState;

const jobWith = (...stable: boolean[]): JobState =>
  ({
    namespace: 'default',
    id: 'shop',
    purged: false,
    versions: stable
      .map((isStable, version) => ({
        version,
        stable: isStable,
        createIndex: 1,
        spec: jobOf('shop', 'service', [taskGroup([task({ Env: { N: String(version) } })])]),
      }))
      .toReversed(),
  }) as unknown as JobState;

const seen = (job: JobState, ...allocs: AllocationState[]) => ({
  job: () => job,
  allocation: (id: string) => allocs.find((one) => one.id === id),
  allocationsOfDeployment: () => allocs,
  jobVersion: () => undefined,
  latestEvaluationIndex: () => 0,
});

it('a deployment whose healthy canaries wait for an operator waits for ever', () => {
  const view = seen(jobWith(true, false), canary(true));
  expect(outlookOf(view, deployment({ healthyAllocs: 1 }), 5)).toMatchObject({ what: 'wait', at: 0 });
});

it('one that promotes itself does so at once', () => {
  const view = seen(jobWith(true, false), canary(true));
  expect(outlookOf(view, deployment({ healthyAllocs: 1, autoPromote: true }), 5)).toMatchObject({ what: 'promote' });
});

it('one without progress fails at its deadline', () => {
  const view = seen(jobWith(true, false), canary(null));
  expect(outlookOf(view, deployment(), 5)).toEqual({
    what: 'fail',
    at: DEADLINE_US,
    backTo: null,
    description: 'Failed due to progress deadline',
  });
});

it('one that may revert goes back to the newest stable version, and says to which', () => {
  const view = seen(jobWith(true, true, false), canary(null));
  expect(outlookOf(view, deployment({ autoRevert: true }), 5)).toMatchObject({
    what: 'revert',
    at: DEADLINE_US,
    backTo: 1,
    description: 'Failed due to progress deadline - rolling back to job version 1',
  });
});

it('one that may revert without anything stable says that there is nothing to go back to', () => {
  const view = seen(jobWith(false), canary(null));
  expect(outlookOf(view, deployment({ autoRevert: true }), 5)).toMatchObject({ what: 'fail', backTo: null });
});

it('nothing happens to one that is paused', () => {
  const view = seen(jobWith(true, false), canary(null));
  expect(outlookOf(view, deployment({}, 'paused'), 5)).toMatchObject({ what: 'wait' });
});

it('one whose groups are all done waits for nothing', () => {
  const view = seen(jobWith(true), canary(true));
  const done = deployment({ desiredCanaries: 0, desiredTotal: 1, healthyAllocs: 1 });
  expect(outlookOf(view, done, 5)).toMatchObject({ what: 'wait' });
});
