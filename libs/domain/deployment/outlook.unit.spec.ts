import type { EvaluationState } from '../evaluation/state.js';
import { failureAhead, GOES_ON_WAITING, renderWaiting } from './outlook.js';
import type { DeploymentState, DeploymentStatus } from './state.js';

const BEGAN = 1_700_000_000_000_000;
const deployment = (status: DeploymentStatus = 'running'): DeploymentState =>
  ({
    id: 'd',
    status,
    createTime: BEGAN,
    modifyTime: BEGAN,
    groups: {
      app: { desiredCanaries: 0, desiredTotal: 3, healthyAllocs: 1, placedCanaries: [], requireProgressBy: 0 },
    },
  }) as unknown as DeploymentState;
const blocked = (...groups: string[]): EvaluationState =>
  ({
    id: 'e',
    status: 'blocked',
    createTime: BEGAN + 5_000_000,
    failedGroups: Object.fromEntries(groups.map((name) => [name, { CoalescedFailures: 1 }])),
  }) as unknown as EvaluationState;
const waiting = (status: DeploymentStatus, waits?: EvaluationState) =>
  renderWaiting({ deployment: deployment(status), canaries: [], blocked: waits, outlook: GOES_ON_WAITING });

describe('A deployment of which something is not placed', () => {
  test('waits for room, since that was found, and says how many of which group', () => {
    expect(waiting('running', blocked('app'))).toMatchObject({
      WaitingFor: 'placement',
      By: 'room',
      Since: '2023-11-14T22:13:25Z',
      BlockedEval: 'e',
      Unplaced: { app: 2 },
    });
  });

  test('waits for its resumption first while it is paused', () => {
    expect(waiting('paused', blocked('app'))).toMatchObject({ WaitingFor: 'resume', By: 'operator' });
  });

  test('does not wait for groups that are not its own', () => {
    expect(waiting('running', blocked('constructor'))).toMatchObject({
      WaitingFor: 'health',
      By: 'node',
      BlockedEval: '',
      Unplaced: {},
    });
  });
});

test('Without a stable version there is nothing to go back to, and that is said', () => {
  expect(failureAhead(undefined, { cause: 'deadline', rollback: true, at: 7 })).toEqual({
    what: 'fail',
    at: 7,
    backTo: null,
    description: 'Failed due to progress deadline - no stable job version to auto revert to',
  });
});
