import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobStream,
  jobSummaryStream,
  nodeStream,
} from '@app/kernel';
import {
  allocationId,
  DEPLOYMENT,
  event,
  given,
  healthReported,
  idOf,
  jobSpec,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planCommand,
  planned,
  registered,
  report,
  reported,
  RESOURCES,
  type Given,
} from '@app/testing';
import { newEvaluation } from '../evaluation/create.js';
import { submitPlan, fingerprintOf } from './decide.js';
import type { DeploymentState } from '../deployment/state.js';

const [A1, A2, A3] = [allocationId(1), allocationId(2), allocationId(3)];
const job = jobStream('default', 'web');
const summary = jobSummaryStream('default', 'web');
const deployment = deploymentStream(DEPLOYMENT);
const evaluation = (n: number) => evaluationStream(idOf(n));

const registeredOn = (spec = jobSpec()): Given => given(nodeRegistered(), nodeIsReady(), registered(spec));
const first = planned({ evaluation: idOf(1), deployment: { groups: { app: {} } }, place: [{ id: A1 }, { id: A2 }] });
/** A1 and A2 run in a deployment; evaluation 2 waits for its plan. */
const rolling = (): Given => registeredOn().and(first, registered(jobSpec()));

describe('A plan', () => {
  test('is one commit: deployment, placements, the end of the evaluation and all bookkeeping', () => {
    registeredOn()
      .when(first)
      .thenAppended(
        event(deployment, 'DeploymentCreated', { id: DEPLOYMENT, jobVersion: 0, jobSpecModifyIndex: 3 }),
        event(allocationStream(A1), 'AllocationPlaced', {
          deploymentId: DEPLOYMENT,
          evalId: idOf(1),
          jobType: 'service',
        }),
        event(allocationStream(A2), 'AllocationPlaced'),
        event(evaluation(1), 'EvaluationCompleted', { deploymentId: DEPLOYMENT }),
        event(deployment, 'DeploymentAllocationsPlaced', { group: 'app', allocations: [A1, A2], canaries: [] }),
        event(summary, 'JobSummaryChanged', { liveAllocations: 2, activeDeployments: 1 }),
        event(job, 'JobStatusChanged', { status: 'running' }),
      )
      .thenState(evaluation(1), { status: 'complete', modifyIndex: 4 });
  });

  test('without changes only completes its evaluation', () => {
    const outcome = rolling().when(
      planned({
        evaluation: idOf(2),
        command: { plan: null },
        outcome: { queuedAllocations: null, failedGroups: null },
      }),
    );
    expect(outcome.types()).toEqual(['EvaluationCompleted']);
  });

  test('for an evaluation that has ended is refused', () => {
    rolling()
      .when(planned({ evaluation: idOf(1) }))
      .thenRejected('evaluation-is-terminal');
    rolling()
      .when(planned({ evaluation: 'unknown' }))
      .thenRejected('evaluation-is-terminal');
  });
});

describe('A plan that makes room', () => {
  const BIG = 'big';
  /** A1 and A2 of a less important job run; evaluation 2 is of another one, which wants their room. */
  const crowded = (): Given => registeredOn().and(first, registered(jobSpec({ id: BIG })));
  const evicts = (...preemptedAllocations: string[]) =>
    planned({ evaluation: idOf(2), jobId: BIG, place: [{ id: A3, preemptedAllocations }] });

  test('evicts the others, and lets their job be evaluated', () => {
    const outcome = crowded()
      .when(evicts(A1, A2))
      .thenAmongOthers(
        event(allocationStream(A3), 'AllocationPlaced', { preemptedAllocations: [A1, A2] }),
        event(allocationStream(A1), 'AllocationPreempted', { byAllocation: A3 }),
        event(summary, 'JobSummaryChanged', { liveAllocations: 0 }),
      );
    const evaluations = outcome.types('evaluation/');
    expect(evaluations).toEqual(['EvaluationCreated', 'EvaluationCompleted']);
    expect(JSON.stringify(outcome.decision)).toContain('"triggeredBy":"preemption"');
    outcome
      .thenState(allocationStream(A1), {
        desiredStatus: 'evict',
        desiredDescription: `Preempted by alloc ID ${A3}`,
        preemptedByAllocation: A3,
        clientStatus: 'pending',
      })
      .thenState(allocationStream(A3), { preemptedAllocations: [A1, A2] });
  });

  test('is stale when one of them has gone already, or is somebody else’s victim', () => {
    crowded()
      .and(reported([report(A1, { clientStatus: 'complete' })]))
      .when(evicts(A1))
      .thenRejected('plan-is-stale', `allocation ${A1}`);
    crowded()
      .and(event(allocationStream(A1), 'AllocationPreempted', { byAllocation: idOf(1234) }))
      .when(evicts(A1))
      .thenRejected('plan-is-stale', `allocation ${A1}`);
  });
});

test('A plan cancels the evaluations that nothing waits for any more', () => {
  const followup = newEvaluation({
    ...{ id: idOf(702), namespace: 'default', priority: 50, type: 'service', jobId: 'web' },
    triggeredBy: 'max-disconnect-timeout',
  });
  rolling()
    .and(planned({ evaluation: idOf(2), followups: [followup] }), registered(jobSpec()))
    .when(planned({ evaluation: idOf(3), needlessEvals: [idOf(702), idOf(1)] }))
    .thenState(evaluation(702), { status: 'canceled', statusDescription: 'allocs reconnected' })
    .thenState(evaluation(1), { status: 'complete' });
});

describe('A plan is stale', () => {
  test('when the job has moved', () => {
    const story = rolling();
    const before = planCommand(story.world, { evaluation: idOf(2) });
    story
      .and(registered(jobSpec({ tag: 'new' })))
      .when((view, context) => submitPlan(view, context, before))
      .thenRejected('plan-is-stale', 'job');
  });

  test('when its deployment was paused, promoted or ended', () => {
    const story = rolling();
    const before = planCommand(story.world, { evaluation: idOf(2), deployment: { isNew: false, groups: {} } });
    story
      .and(event(deployment, 'DeploymentPaused'))
      .when((view, context) => submitPlan(view, context, before))
      .thenRejected('plan-is-stale', 'deployment');
  });

  test('not when only counters of its deployment moved', () => {
    const story = rolling();
    const state = story.state<DeploymentState>(deployment);
    const before = planCommand(story.world, { evaluation: idOf(2), deployment: { isNew: false, groups: {} } });
    story.and(healthReported(true, A1));
    expect(fingerprintOf(story.state<DeploymentState>(deployment))).toBe(fingerprintOf(state));
    story
      .when((view, context) => submitPlan(view, context, before))
      .thenAmongOthers(event(evaluation(2), 'EvaluationCompleted'));
  });

  test('when it places on a node that takes nothing any more', () => {
    const place = planned({ evaluation: idOf(2), place: [{ id: A3 }] });
    const gone = (type: string, data: object): Given => rolling().and(event(nodeStream(NODE), type, data));
    gone('NodeStatusChanged', { status: 'down', note: null, missedHeartbeat: true })
      .when(place)
      .thenRejected('plan-is-stale', `node ${NODE}`);
    gone('NodeEligibilityChanged', {
      eligibility: 'ineligible',
      note: { message: '', subsystem: 'Cluster', details: null },
    })
      .when(place)
      .thenRejected('plan-is-stale', `node ${NODE}`);
    rolling()
      .when(planned({ evaluation: idOf(2), place: [{ id: A3, nodeId: idOf(9009) }] }))
      .thenRejected('plan-is-stale', `node ${idOf(9009)}`);
  });
});

describe('A plan for a job that is gone', () => {
  test.each([
    ['purged', event(job, 'JobPurged')],
    ['stopped', event(job, 'JobStopped', { version: 1, submitTime: 0, status: 'pending' })],
  ])('because it was %s starts nothing', (_, end) => {
    expect(
      rolling()
        .and(end)
        .when(planned({ evaluation: idOf(2), place: [{ id: A3 }] }))
        .types('allocation'),
    ).toEqual([]);
  });
});

describe('A plan that stops', () => {
  test('wishes the end, and leaves it to the client to tell of it', () => {
    rolling()
      .when(
        planned({
          evaluation: idOf(2),
          stop: [{ allocationId: A1, description: 'alloc not needed due to job update' }],
        }),
      )
      .thenState(allocationStream(A1), {
        desiredStatus: 'stop',
        desiredDescription: 'alloc not needed due to job update',
        clientStatus: 'pending',
        allocModifyIndex: 6,
      })
      .thenState(summary, { groups: { app: { starting: 2 } }, liveAllocations: 1 });
  });

  test('calls lost what its node took with it', () => {
    rolling()
      .and(reported([report(A1)]))
      .when(
        planned({
          evaluation: idOf(2),
          stop: [{ allocationId: A1, description: 'alloc is lost since its node is down', clientStatus: 'lost' }],
        }),
      )
      .thenState(allocationStream(A1), { desiredStatus: 'stop', clientStatus: 'lost' })
      .thenState(summary, { groups: { app: { running: 0, lost: 1 } } });
  });

  test('passes over what has been purged', () => {
    const outcome = rolling()
      .and(event(allocationStream(A1), 'AllocationPurged'))
      .when(planned({ evaluation: idOf(2), stop: [{ allocationId: A1, description: 'no' }] }));
    expect(outcome.types('allocation')).toEqual([]);
  });
});

describe('A plan that updates in place', () => {
  const inPlace = (deploymentId: string) =>
    planned({
      evaluation: idOf(2),
      deployment: { id: idOf(8002), groups: { app: {} } },
      update: [
        {
          allocationId: A1,
          inPlace: { jobVersion: 1, jobCreateIndex: 3, jobModifyIndex: 5, allocatedResources: RESOURCES, deploymentId },
        },
      ],
    });
  const nextVersion = (): Given =>
    registeredOn().and(first, healthReported(true, A1), registered(jobSpec({ count: 3 })));

  test('moves the allocation to the new version and deployment, where its health starts anew', () => {
    nextVersion()
      .when(inPlace(idOf(8002)))
      .thenState(allocationStream(A1), {
        jobVersion: 1,
        deploymentId: idOf(8002),
        deploymentStatus: null,
        createIndex: 4,
      })
      .thenState(deploymentStream(idOf(8002)), { groups: { app: { placedAllocs: 1, healthyAllocs: 0 } } })
      .thenState(deployment, { groups: { app: { placedAllocs: 2, healthyAllocs: 1 } } });
  });

  test('keeps the health within the same deployment', () => {
    nextVersion()
      .when(inPlace(DEPLOYMENT))
      .thenState(allocationStream(A1), { deploymentStatus: { healthy: true } })
      .thenState(deployment, { groups: { app: { placedAllocs: 2, healthyAllocs: 1 } } });
  });

  test('leaves what the client has told of the end of an allocation meanwhile', () => {
    rolling()
      .and(reported([report(A1, { clientStatus: 'failed' })]))
      .when(planned({ evaluation: idOf(2), update: [{ allocationId: A1, clientStatus: 'running' }] }))
      .thenState(allocationStream(A1), { clientStatus: 'failed', stateChanges: [] });
  });

  test('notes follow-ups and reschedule results', () => {
    const rescheduleTracker = { events: [], lastReschedule: 'no placement' };
    rolling()
      .when(
        planned({ evaluation: idOf(2), update: [{ allocationId: A1, followupEvalId: idOf(42), rescheduleTracker }] }),
      )
      .thenState(allocationStream(A1), { followupEvalId: idOf(42), rescheduleTracker });
  });
});

describe('A plan that ends a deployment', () => {
  const ends = (status: 'successful' | 'cancelled' | 'failed', description: string) =>
    planned({ evaluation: idOf(2), deploymentUpdates: [{ deploymentId: DEPLOYMENT, status, description }] });

  test('as successful marks the version stable', () => {
    rolling()
      .when(ends('successful', 'Deployment completed successfully'))
      .thenAmongOthers(
        event(deployment, 'DeploymentSucceeded', { statusDescription: 'Deployment completed successfully' }),
        event(job, 'JobVersionMarkedStable', { version: 0, stable: true }),
      )
      .thenState(summary, { activeDeployments: 0 });
  });

  test('as cancelled marks nothing', () => {
    const outcome = rolling().when(ends('cancelled', 'Cancelled due to newer version of job'));
    outcome.thenState(deployment, { status: 'cancelled' });
    expect(outcome.types('job/')).toEqual([]);
  });

  test('leaves one alone that has ended already', () => {
    const outcome = rolling()
      .and([event(deployment, 'DeploymentFailed', { statusDescription: 'no', revertedToVersion: null })])
      .when(ends('successful', 'Deployment completed successfully'));
    expect(outcome.types('deployment')).toEqual([]);
  });
});

describe('A plan with further evaluations', () => {
  const later = newEvaluation({
    id: idOf(700),
    namespace: 'default',
    priority: 50,
    type: 'service',
    jobId: 'web',
    triggeredBy: 'alloc-reschedule',
    waitUntil: 5,
    previousEval: idOf(2),
  });

  test('makes its follow-ups', () => {
    rolling()
      .when(planned({ evaluation: idOf(2), followups: [later], outcome: { nextEval: later.id } }))
      .thenState(evaluation(700), { status: 'pending', waitUntil: 5, previousEval: idOf(2) })
      .thenState(evaluation(2), { nextEval: later.id });
  });

  test('keeps a job without allocations pending for them', () => {
    registeredOn()
      .when(planned({ evaluation: idOf(1), followups: [later] }))
      .thenState(job, { versions: [{ status: 'pending' }] });
  });

  test('cancels blocked ones that its success makes needless', () => {
    const blocked = newEvaluation({
      id: idOf(701),
      namespace: 'default',
      priority: 50,
      type: 'service',
      jobId: 'web',
      triggeredBy: 'queued-allocs',
      status: 'blocked',
    });
    registeredOn()
      .and(planned({ evaluation: idOf(1), outcome: { blocked: [blocked] } }), registered(jobSpec()))
      .when(planned({ evaluation: idOf(2), command: { supersededEvals: [idOf(701), idOf(1)] } }))
      .thenState(evaluation(701), { status: 'canceled', statusDescription: `evaluation "${idOf(2)}" successful` })
      .thenState(evaluation(1), { status: 'complete' });
  });
});
