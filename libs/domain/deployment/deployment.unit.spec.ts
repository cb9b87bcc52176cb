import {
  deploymentStream,
  evaluationStream,
  jobStream,
  jobSummaryStream,
  US_PER_S,
  allocationStream,
  type CommandContext,
  type StateView,
} from '@app/kernel';
import {
  allocationId,
  DEPLOYMENT,
  event,
  given,
  healthReported,
  idOf,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  type Decide,
  type Given,
} from '@app/testing';
import type { PlannedDeploymentGroup } from '../plan/plan.js';
import {
  failDeployment,
  failWatchedDeployment,
  pauseDeployment,
  progressDeployment,
  promoteDeployment,
  setAllocationHealth,
  unblockDeployment,
  type DeploymentAnswer,
} from './decide.js';
import type { DeploymentState } from './state.js';

const deployment = deploymentStream(DEPLOYMENT);
const job = jobStream('default', 'web');
const [A1, A2, A3] = [allocationId(1), allocationId(2), allocationId(3)];
const TEN_MINUTES_US = 600 * US_PER_S;

type Command<C> = (view: StateView, context: CommandContext, command: C) => ReturnType<Decide<DeploymentAnswer>>;
const on =
  <C extends { deploymentId: string }>(decide: Command<C>) =>
  (command: Omit<C, 'deploymentId'> & { deploymentId?: string }): Decide<DeploymentAnswer> =>
  (view, context) =>
    decide(view, context, { deploymentId: DEPLOYMENT, ...command } as C);

const pause = on(pauseDeployment)({ pause: true });
const resume = on(pauseDeployment)({ pause: false });
const fail = on(failDeployment)({});
const promote = on(promoteDeployment);
const setHealth = on(setAllocationHealth);
const watcherFails = on(failWatchedDeployment);

/** Version 0 of a job with a deployment that has placed A1 and A2. */
const rollout = (group: Partial<PlannedDeploymentGroup> = {}): Given =>
  given(
    nodeRegistered(),
    nodeIsReady(),
    registered(jobSpec()),
    planned({ evaluation: idOf(1), deployment: { groups: { app: group } }, place: [{ id: A1 }, { id: A2 }] }),
  );

/** As {@link rollout}, with A1 and A2 as canaries of two groups. */
const canaries = (groups: Readonly<Record<string, Partial<PlannedDeploymentGroup>>> = { app: {}, db: {} }): Given =>
  given(
    nodeRegistered(),
    nodeIsReady(),
    registered(jobSpec({ groups: Object.keys(groups) })),
    planned({
      evaluation: idOf(1),
      deployment: {
        groups: Object.fromEntries(
          Object.entries(groups).map(([name, group]) => [name, { desiredCanaries: 1, desiredTotal: 1, ...group }]),
        ),
      },
      place: Object.keys(groups).map((taskGroup, n) => ({ id: allocationId(n + 1), taskGroup, canary: true })),
    }),
  );

const succeeded = planned({
  evaluation: idOf(1),
  deployment: { groups: { app: {} } },
  deploymentUpdates: [
    { deploymentId: DEPLOYMENT, status: 'successful', description: 'Deployment completed successfully' },
  ],
});

const stateOf = (story: Given): DeploymentState => story.state(deployment);
const app = (story: Given): DeploymentState['groups'][string] => stateOf(story).groups['app']!;

describe('A deployment that begins', () => {
  test('runs, with the goals of its plan and nothing counted', () => {
    const story = rollout({ desiredTotal: 3, autoRevert: true });
    expect(stateOf(story)).toMatchObject({
      id: DEPLOYMENT,
      namespace: 'default',
      jobId: 'web',
      jobVersion: 0,
      jobCreateIndex: 3,
      status: 'running',
      statusDescription: 'Deployment is running',
      createIndex: 4,
      modifyIndex: 4,
    });
    expect(app(story)).toMatchObject({
      desiredTotal: 3,
      autoRevert: true,
      promoted: false,
      healthyAllocs: 0,
      unhealthyAllocs: 0,
    });
  });

  test('counts what the same plan placed, and has until the progress deadline from then on', () => {
    const story = rollout();
    const { createTime } = stateOf(story);
    expect(app(story)).toMatchObject({ placedAllocs: 2, requireProgressBy: createTime + TEN_MINUTES_US });
  });

  test('has no timer where there is no progress deadline', () => {
    expect(app(rollout({ progressDeadline: 0 }))).toMatchObject({ placedAllocs: 2, requireProgressBy: 0 });
  });

  test('lists its canaries', () => {
    expect(app(canaries())).toMatchObject({ placedCanaries: [A1], placedAllocs: 1 });
  });

  test('takes later goals from plans, and keeps its own counters', () => {
    const story = rollout()
      .and(healthReported(true, A1))
      .and((view, context) => {
        const evalId = context.newId();
        return {
          kind: 'accepted',
          answer: undefined,
          events: [
            event(evaluationStream(evalId), 'EvaluationCreated', { id: evalId, status: 'pending', jobId: 'web' }),
            event(deployment, 'DeploymentGoalsChanged', {
              statusDescription: 'Deployment is running',
              groups: {
                app: {
                  autoRevert: false,
                  autoPromote: false,
                  progressDeadline: 0,
                  desiredCanaries: 1,
                  desiredTotal: 5,
                },
              },
            }),
          ],
        };
      });
    expect(app(story)).toMatchObject({ desiredTotal: 5, desiredCanaries: 1, placedAllocs: 2, healthyAllocs: 1 });
  });
});

describe('Health', () => {
  test('counts once, and moves the deadline to the report plus the progress deadline', () => {
    const story = rollout();
    const at = story.world.now;
    story.and(healthReported(true, A1)).and(healthReported(true, A1));
    expect(app(story)).toMatchObject({ healthyAllocs: 1, unhealthyAllocs: 0, requireProgressBy: at + TEN_MINUTES_US });
  });

  test('that was never there before counts as unhealthy without moving the deadline', () => {
    const story = rollout();
    const before = app(story).requireProgressBy;
    story.and(healthReported(false, A1));
    expect(app(story)).toMatchObject({ healthyAllocs: 0, unhealthyAllocs: 1, requireProgressBy: before });
  });

  test('that is lost again takes the allocation from the healthy to the unhealthy, and moves the deadline', () => {
    const story = rollout().and(healthReported(true, A1));
    const at = story.world.now;
    story.and(healthReported(false, A1));
    expect(app(story)).toMatchObject({ healthyAllocs: 0, unhealthyAllocs: 1, requireProgressBy: at + TEN_MINUTES_US });
  });

  test('that comes back after it was lost counts nothing', () => {
    const story = rollout().and(healthReported(false, A1));
    const before = stateOf(story);
    story.and(healthReported(true, A1));
    expect(stateOf(story)).toEqual(before);
  });

  test('that comes and goes never makes the number of healthy ones negative', () => {
    const story = rollout().and(healthReported(false, A1), healthReported(true, A1), healthReported(false, A1));
    expect(app(story)).toMatchObject({ healthyAllocs: 0, unhealthyAllocs: 2 });
  });

  test('of one commit is one event for each group', () => {
    rollout()
      .when(healthReported(true, A1, A2))
      .thenAmongOthers(event(deployment, 'DeploymentAllocationsHealthy', { group: 'app', allocations: [A1, A2] }));
  });

  test('still moves the counters of a failed deployment, but not its status', () => {
    const story = rollout().and(fail).and(healthReported(true, A1));
    expect(stateOf(story)).toMatchObject({ status: 'failed', groups: { app: { healthyAllocs: 1 } } });
  });
});

describe('Promotion', () => {
  test('of all groups promotes every one, takes the canary mark from the healthy canaries and asks for an evaluation', () => {
    canaries()
      .and(healthReported(true, A1, A2))
      .when(promote({ all: true, groups: [] }))
      .thenAppended(
        event(deployment, 'DeploymentPromoted', { groups: ['app', 'db'], automatic: false }),
        event(allocationStream(A1), 'AllocationPromoted'),
        event(allocationStream(A2), 'AllocationPromoted'),
        event(evaluationStream(idOf(2)), 'EvaluationCreated', {
          triggeredBy: 'deployment-watcher',
          deploymentId: DEPLOYMENT,
          priority: 50,
          type: 'service',
          jobModifyIndex: 0,
        }),
      )
      .thenAnswered({ evalId: idOf(2), revertedJobVersion: null })
      .thenState(deployment, { status: 'running', statusDescription: 'Deployment is running' })
      .thenState(allocationStream(A1), { deploymentStatus: { canary: false, healthy: true } });
  });

  test('of one group leaves the others to be promoted', () => {
    const { after } = canaries()
      .and(healthReported(true, A1, A2))
      .when(promote({ all: false, groups: ['db'] }))
      .thenState(deployment, { groups: { app: { promoted: false }, db: { promoted: true } } });
    expect(after.state<DeploymentState>(deployment).statusDescription).toBe('Deployment is running');
  });

  test('of what is promoted says nothing of it again, and asks for an evaluation as Nomad does', () => {
    canaries()
      .and(healthReported(true, A1, A2))
      .and(promote({ all: false, groups: ['db'] }))
      .when(promote({ all: false, groups: ['db'] }))
      .thenAppended(event(evaluationStream(idOf(3)), 'EvaluationCreated', { deploymentId: DEPLOYMENT }));
  });

  test('of all groups names those that were not promoted yet, and only their canaries', () => {
    canaries()
      .and(healthReported(true, A1, A2))
      .and(promote({ all: false, groups: ['db'] }))
      .when(promote({ all: true, groups: [] }))
      .thenAppended(
        event(deployment, 'DeploymentPromoted', { groups: ['app'], automatic: false }),
        event(allocationStream(A1), 'AllocationPromoted'),
        event(evaluationStream(idOf(3)), 'EvaluationCreated', { deploymentId: DEPLOYMENT }),
      );
  });

  test('of groups that it does not know promotes nothing', () => {
    canaries()
      .and(healthReported(true, A1, A2))
      .when(promote({ all: false, groups: ['cache'] }))
      .thenState(deployment, { groups: { app: { promoted: false }, db: { promoted: false } } });
  });

  test('starts the progress deadline of the group anew', () => {
    const story = canaries()
      .and(healthReported(true, A1, A2))
      .later(TEN_MINUTES_US / 2);
    const at = story.world.now;
    story
      .when(promote({ all: true, groups: [] }))
      .thenState(deployment, { groups: { app: { requireProgressBy: at + TEN_MINUTES_US } } });
  });

  test('is refused while canaries are not healthy, with one line for each group', () => {
    canaries()
      .and(healthReported(true, A2))
      .when(promote({ all: true, groups: [] }))
      .thenRejected('canaries-not-healthy', 'Task group "app" has 0/1 healthy allocations');
    canaries()
      .when(promote({ all: true, groups: [] }))
      .thenRejected(
        'canaries-not-healthy',
        'Task group "app" has 0/1 healthy allocations\nTask group "db" has 0/1 healthy allocations',
      );
  });

  test('does not count a canary that has ended', () => {
    canaries()
      .and(healthReported(true, A1, A2))
      .and([
        event(allocationStream(A1), 'AllocationStopDesired', {
          description: 'gone',
          clientStatus: null,
          followupEvalId: '',
        }),
      ])
      .when(promote({ all: false, groups: ['app'] }))
      .thenRejected('canaries-not-healthy', 'Task group "app" has 0/1 healthy allocations');
  });

  test('of a group without canaries needs nobody', () => {
    rollout()
      .when(promote({ all: true, groups: [] }))
      .thenState(deployment, { groups: { app: { promoted: true } } });
  });

  test('is allowed while paused, which it stays', () => {
    canaries()
      .and(healthReported(true, A1, A2), pause)
      .when(promote({ all: true, groups: [] }))
      .thenState(deployment, { status: 'paused', statusDescription: 'Deployment is paused' });
  });
});

describe('Pausing', () => {
  test('appends one event and asks for no evaluation', () => {
    rollout()
      .when(pause)
      .thenAppended(event(deployment, 'DeploymentPaused'))
      .thenAnswered({ evalId: '', revertedJobVersion: null })
      .thenState(deployment, { status: 'paused', statusDescription: 'Deployment is paused' });
  });

  test('moves every deadline to then plus the progress deadline', () => {
    const story = rollout().later(TEN_MINUTES_US / 2);
    const at = story.world.now;
    story.when(pause).thenState(deployment, { groups: { app: { requireProgressBy: at + TEN_MINUTES_US } } });
  });

  test('leaves a group without progress deadline without one', () => {
    rollout({ progressDeadline: 0 })
      .when(pause)
      .thenState(deployment, { groups: { app: { requireProgressBy: 0 } } });
  });

  test('twice is allowed', () => {
    rollout().and(pause).when(pause).thenAppended(event(deployment, 'DeploymentPaused'));
  });

  test('ends by resuming, which asks for an evaluation and moves the deadlines again', () => {
    const story = rollout().and(pause).later(TEN_MINUTES_US);
    const at = story.world.now;
    story
      .when(resume)
      .thenAppended(event(deployment, 'DeploymentResumed'), event(evaluationStream(idOf(2)), 'EvaluationCreated'))
      .thenState(deployment, {
        status: 'running',
        statusDescription: 'Deployment is running',
        groups: { app: { requireProgressBy: at + TEN_MINUTES_US } },
      });
  });

  test('holds off the watcher: no deadline passes meanwhile', () => {
    rollout()
      .and(pause)
      .later(10 * TEN_MINUTES_US)
      .when(watcherFails({ cause: 'deadline', rollback: false }))
      .thenNothing();
  });
});

describe('Failing', () => {
  /** Version 0 succeeded and is stable, version 1 is being rolled out. */
  const secondVersion = (
    spec = jobSpec({ tag: 'new' }),
    group: Partial<PlannedDeploymentGroup> = { autoRevert: true },
  ): Given =>
    given(
      nodeRegistered(),
      nodeIsReady(),
      registered(jobSpec({ tag: 'old' })),
      planned({
        evaluation: idOf(1),
        deployment: { id: idOf(8000), groups: { app: {} } },
        deploymentUpdates: [
          { deploymentId: idOf(8000), status: 'successful', description: 'Deployment completed successfully' },
        ],
      }),
      registered(spec),
      planned({ evaluation: idOf(2), deployment: { groups: { app: group } }, place: [{ id: A1 }, { id: A2 }] }),
    );

  test('ends it and asks for an evaluation', () => {
    rollout()
      .when(fail)
      .thenAppended(
        event(deployment, 'DeploymentFailed', {
          statusDescription: 'Deployment marked as failed',
          revertedToVersion: null,
        }),
        event(jobSummaryStream('default', 'web'), 'JobSummaryChanged', { activeDeployments: 0 }),
        event(evaluationStream(idOf(2)), 'EvaluationCreated', { deploymentId: DEPLOYMENT }),
      )
      .thenState(deployment, { status: 'failed' });
  });

  test('with auto-revert brings the newest stable version back as the next one, in the same commit', () => {
    const { after } = secondVersion()
      .when(fail)
      .thenAmongOthers(
        event(deployment, 'DeploymentFailed', {
          statusDescription: 'Deployment marked as failed - rolling back to job version 0',
          revertedToVersion: 0,
        }),
        event(job, 'JobRegistered', { version: 2, cause: 'auto-revert', revertedTo: 0, stable: true }),
      )
      .thenAnswered({ evalId: idOf(3), revertedJobVersion: 0 });
    expect(after.state(job)).toMatchObject({
      versions: [{ version: 2, stable: true, spec: jobSpec({ tag: 'old' }) }, { version: 1 }, { version: 0 }],
    });
  });

  test('with auto-revert keeps the submit time of the version that comes back', () => {
    const story = secondVersion();
    const submitted = story
      .state<{ versions: { submitTime: number }[] } & DeploymentState>(job)
      .versions.at(-1)!.submitTime;
    story.when(fail).thenState(job, { versions: [{ submitTime: submitted }, {}, {}] });
  });

  test('with auto-revert, but the stable version is like the current one, says so and reverts nothing', () => {
    secondVersion(jobSpec({ tag: 'other' }))
      .and(registered(jobSpec({ tag: 'old' })))
      .when(fail)
      .thenAmongOthers(
        event(deployment, 'DeploymentFailed', {
          statusDescription:
            'Deployment marked as failed - not rolling back to stable job version 0 as current job has same specification',
          revertedToVersion: null,
        }),
      )
      .thenAnswered({ evalId: expect.any(String) as string, revertedJobVersion: null });
  });

  test('with auto-revert, but nothing stable, says so', () => {
    rollout({ autoRevert: true }).when(fail).thenState(deployment, {
      statusDescription: 'Deployment marked as failed - no stable job version to auto revert to',
    });
  });

  test('by the watcher for unhealthy allocations names the reason', () => {
    rollout()
      .when(watcherFails({ cause: 'unhealthy', rollback: false }))
      .thenState(deployment, { status: 'failed', statusDescription: 'Failed due to unhealthy allocations' });
  });

  test('by the watcher for a deadline happens only once it has passed', () => {
    rollout()
      .when(watcherFails({ cause: 'deadline', rollback: false }))
      .thenNothing();
    rollout()
      .later(TEN_MINUTES_US)
      .when(watcherFails({ cause: 'deadline', rollback: true }))
      .thenState(deployment, {
        statusDescription: 'Failed due to progress deadline - no stable job version to auto revert to',
      });
  });

  test('by the watcher is dropped when the deployment has ended meanwhile', () => {
    rollout()
      .and(fail)
      .when(watcherFails({ cause: 'unhealthy', rollback: true }))
      .thenNothing();
  });
});

describe("An operator's word on health", () => {
  test('counts as a report would, and asks for an evaluation', () => {
    rollout()
      .when(setHealth({ healthy: [A1], unhealthy: [] }))
      .thenAmongOthers(
        event(allocationStream(A1), 'AllocationHealthSet', { healthy: true }),
        event(deployment, 'DeploymentAllocationsHealthy', { group: 'app', allocations: [A1] }),
        event(evaluationStream(idOf(2)), 'EvaluationCreated'),
      )
      .thenState(deployment, { status: 'running', groups: { app: { healthyAllocs: 1 } } });
  });

  test('takes ids in upper case', () => {
    rollout()
      .when(setHealth({ healthy: [A1.toUpperCase()], unhealthy: [] }))
      .thenState(allocationStream(A1), { deploymentStatus: { healthy: true } });
  });

  test('moves ModifyIndex of the allocation, but not AllocModifyIndex', () => {
    rollout()
      .when(setHealth({ healthy: [A1], unhealthy: [] }))
      .thenState(allocationStream(A1), { createIndex: 4, modifyIndex: 5, allocModifyIndex: 4 });
  });

  test('on an unhealthy allocation fails the deployment', () => {
    rollout()
      .when(setHealth({ healthy: [], unhealthy: [A1] }))
      .thenState(deployment, {
        status: 'failed',
        statusDescription: 'Failed due to unhealthy allocations',
        groups: { app: { unhealthyAllocs: 1 } },
      });
  });

  test('that fails a deployment says nothing of a missing stable version', () => {
    rollout({ autoRevert: true })
      .when(setHealth({ healthy: [], unhealthy: [A1] }))
      .thenState(deployment, { statusDescription: 'Failed due to unhealthy allocations' });
  });

  test('is refused as a whole when one id is not right', () => {
    const story = rollout();
    story.when(setHealth({ healthy: [], unhealthy: [] })).thenRejected('no-allocation-ids');
    story.when(setHealth({ healthy: [A1, 'short'], unhealthy: [] })).thenRejected('malformed-allocation-id', 'short');
    story.when(setHealth({ healthy: [A1], unhealthy: [A3] })).thenRejected('unknown-allocation', A3);
  });

  test('is refused for an allocation of another deployment', () => {
    const story = rollout().and(registered(jobSpec({ id: 'other' })));
    story
      .and(
        planned({
          evaluation: idOf(2),
          jobId: 'other',
          deployment: { id: idOf(8002), groups: { app: {} } },
          place: [{ id: A3 }],
        }),
      )
      .when(setHealth({ healthy: [A3], unhealthy: [] }))
      .thenRejected('foreign-allocation', `${A3} ${DEPLOYMENT}`);
  });
});

describe('The watcher', () => {
  test('grants replacement once and asks for an evaluation', () => {
    const progress = on(progressDeployment)({ replace: [A1] });
    const { after } = rollout()
      .and(healthReported(false, A1))
      .when(progress)
      .thenAppended(
        event(allocationStream(A1), 'AllocationTransitionDesired', { transition: { Reschedule: true } }),
        event(evaluationStream(idOf(2)), 'EvaluationCreated'),
      );
    expect(after.when(progress).types()).toEqual(['EvaluationCreated']);
  });

  test('leaves an ended deployment alone', () => {
    rollout()
      .and(fail)
      .when(on(progressDeployment)({ replace: [A1] }))
      .thenNothing();
  });
});

test('A plan cannot change what an ended deployment says of its end', () => {
  const story = rollout().and(fail, [
    event(deployment, 'DeploymentGoalsChanged', { statusDescription: 'Deployment is running', groups: {} }),
  ]);
  expect(stateOf(story)).toMatchObject({ status: 'failed', statusDescription: 'Deployment marked as failed' });
});

describe('A deployment that has ended', () => {
  const endings: [string, Given][] = [
    ['failed', rollout().and(fail)],
    ['successful', given(registered(jobSpec()), succeeded)],
  ];
  test.each(endings)('and is %s refuses every further command with its verb', (_, story) => {
    story.when(pause).thenRejected('deployment-terminal', 'pause');
    story.when(resume).thenRejected('deployment-terminal', 'resume');
    story.when(fail).thenRejected('deployment-terminal', 'fail');
    story.when(promote({ all: true, groups: [] })).thenRejected('deployment-terminal', 'promote');
    story.when(setHealth({ healthy: [A1], unhealthy: [] })).thenRejected('deployment-terminal', 'set health');
    story.when(on(unblockDeployment)({})).thenRejected('deployment-terminal', 'unblock');
  });

  test('keeps its status whatever is written to its stream later', () => {
    const story = rollout().and(fail);
    story.and(
      event(deployment, 'DeploymentSucceeded', { statusDescription: 'no' }),
      event(deployment, 'DeploymentPaused'),
    );
    expect(stateOf(story)).toMatchObject({ status: 'failed', statusDescription: 'Deployment marked as failed' });
  });

  test('cannot be told from one that never was, when it was purged', () => {
    rollout().and(event(deployment, 'DeploymentPurged')).when(pause).thenRejected('deployment-not-found');
    given().when(pause).thenRejected('deployment-not-found');
  });
});

test('Unblocking a deployment of a single region does nothing', () => {
  rollout().when(on(unblockDeployment)({})).thenNothing().thenAnswered({ evalId: '', revertedJobVersion: null });
});
