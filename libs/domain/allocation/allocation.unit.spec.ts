import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobStream,
  jobSummaryStream,
  nodeStream,
  US_PER_S,
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
  planned,
  registered,
  report,
  reported,
  SECOND_NS,
  type Decide,
  type Given,
  type SpecOptions,
} from '@app/testing';
import { stopAllocation } from './decide.js';
import type { AllocationState } from './state.js';

const [A1, A2] = [allocationId(1), allocationId(2)];
const alloc = allocationStream(A1);
const job = jobStream('default', 'web');
const summary = jobSummaryStream('default', 'web');

/** A service whose allocations A1 and A2 were placed at index 4; the next evaluation is the second. */
const placed = (spec: SpecOptions = {}, inDeployment = true): Given =>
  given(
    nodeRegistered(),
    nodeIsReady(),
    registered(jobSpec(spec)),
    planned({
      evaluation: idOf(1),
      ...(inDeployment && { deployment: { groups: { app: {} } } }),
      place: [{ id: A1 }, { id: A2 }],
    }),
  );

const stop =
  (allocationId: string, more: { noShutdownDelay?: boolean; reschedule?: boolean } = {}): Decide<{ evalId: string }> =>
  (view, context) =>
    stopAllocation(view, context, { allocationId, noShutdownDelay: false, reschedule: false, ...more });

const failed = reported([report(A1, { clientStatus: 'failed', clientDescription: 'Failed tasks' })]);
const disconnected = event(alloc, 'AllocationConnectionNoted', {
  clientStatus: 'unknown',
  clientDescription: 'alloc is unknown since its node is disconnected',
});

describe('Placing', () => {
  test('makes a pending allocation that is to run, and counts it as starting', () => {
    const story = placed();
    expect(story.state(alloc)).toMatchObject({
      name: 'web.app[0]',
      desiredStatus: 'run',
      clientStatus: 'pending',
      deploymentStatus: null,
      createIndex: 4,
      modifyIndex: 4,
      allocModifyIndex: 4,
    });
    expect(story.state(summary)).toMatchObject({ groups: { app: { starting: 2, running: 0 } }, liveAllocations: 2 });
  });

  test('links the predecessor forward, which moves its ModifyIndex only', () => {
    const story = placed().and(
      failed,
      planned({ evaluation: idOf(2), place: [{ id: allocationId(3), previousAllocation: A1 }] }),
    );
    expect(story.state(alloc)).toMatchObject({
      nextAllocation: allocationId(3),
      modifyIndex: 6,
      allocModifyIndex: 4,
      modifyTime: story.world.log.find(({ index }) => index === 5)!.time,
    });
  });
});

describe('Stopping by an operator', () => {
  test('asks for a migration and for an evaluation', () => {
    placed()
      .when(stop(A1))
      .thenAppended(
        event(alloc, 'AllocationTransitionDesired', {
          transition: { Migrate: true, NoShutdownDelay: false, Reschedule: false },
        }),
        event(evaluationStream(idOf(2)), 'EvaluationCreated', {
          triggeredBy: 'alloc-stop',
          priority: 50,
          jobModifyIndex: 4,
        }),
      )
      .thenAnswered({ evalId: idOf(2) })
      .thenState(alloc, { desiredStatus: 'run', modifyIndex: 5, allocModifyIndex: 5 });
  });

  test('passes on what the operator said of the shutdown', () => {
    placed()
      .when(stop(A1, { noShutdownDelay: true, reschedule: true }))
      .thenState(alloc, {
        desiredTransition: { Migrate: true, NoShutdownDelay: true, Reschedule: true, ForceReschedule: null },
      });
  });

  test('works on an allocation that is stopped already', () => {
    placed()
      .and(stop(A1))
      .when(stop(A1))
      .thenAnswered({ evalId: idOf(3) });
  });

  test('is refused for one that nobody knows', () => {
    given().when(stop(A1)).thenRejected('allocation-not-found');
    placed().and(event(alloc, 'AllocationPurged')).when(stop(A1)).thenRejected('allocation-not-found');
  });
});

describe("A node's report", () => {
  test('moves the client status and the summary, and no more', () => {
    placed()
      .when(reported([report(A1)]))
      .thenAppended(
        event(alloc, 'AllocationReported', { clientStatus: 'running' }),
        event(summary, 'JobSummaryChanged'),
      )
      .thenState(alloc, { clientStatus: 'running', modifyIndex: 5, allocModifyIndex: 4 })
      .thenState(summary, { groups: { app: { starting: 1, running: 1 } }, liveAllocations: 2 });
  });

  test('that says nothing new appends nothing', () => {
    placed()
      .and(reported([report(A1)]))
      .when(reported([report(A1)]))
      .thenNothing();
  });

  test('of several allocations is one commit with one change of the summary', () => {
    expect(
      placed()
        .when(reported([report(A1), report(A2)]))
        .types(),
    ).toEqual(['AllocationReported', 'AllocationReported', 'JobSummaryChanged']);
  });

  test('of allocations that nobody knows, or of another node, is ignored', () => {
    placed()
      .when(reported([report(allocationId(9))]))
      .thenNothing();
    placed()
      .and(nodeRegistered(idOf(9002)), nodeIsReady(idOf(9002)))
      .when(reported([report(A1)], idOf(9002)))
      .thenNothing();
  });

  test('is refused from a node that is down or disconnected, or unknown', () => {
    const gone = (status: string): Given =>
      placed().and(event(nodeStream(NODE), 'NodeStatusChanged', { status, note: null, missedHeartbeat: true }));
    gone('down')
      .when(reported([report(A1)]))
      .thenRejected('node-may-not-report', `${NODE} down`);
    gone('disconnected')
      .when(reported([report(A1)]))
      .thenRejected('node-may-not-report', `${NODE} disconnected`);
    given()
      .when(reported([report(A1)]))
      .thenRejected('node-not-found');
  });

  test('is noted by a node that has missed a heartbeat before', () => {
    placed()
      .and(event(nodeStream(NODE), 'NodeStatusChanged', { status: 'initializing', note: null, missedHeartbeat: true }))
      .when(reported([report(A1)]))
      .thenAmongOthers(event(nodeStream(NODE), 'NodeAllocationsRefreshed'));
  });

  test('keeps what has completed or failed counted as such', () => {
    const story = placed({}, false).and(failed);
    expect(story.state(summary)).toMatchObject({ groups: { app: { starting: 1, failed: 1 } }, liveAllocations: 1 });
    story.and(reported([report(A1)]));
    expect(story.state(summary)).toMatchObject({ groups: { app: { starting: 1, failed: 1, running: 1 } } });
  });

  test('is still taken from an allocation that servers have stopped', () => {
    placed()
      .and([event(alloc, 'AllocationStopDesired', { description: 'no', clientStatus: null, followupEvalId: '' })])
      .when(reported([report(A1, { clientStatus: 'complete' })]))
      .thenState(alloc, { desiredStatus: 'stop', clientStatus: 'complete' });
  });
});

describe('A report about health', () => {
  test('keeps the canary mark', () => {
    given(
      nodeRegistered(),
      nodeIsReady(),
      registered(jobSpec()),
      planned({
        evaluation: idOf(1),
        deployment: { groups: { app: { desiredCanaries: 1 } } },
        place: [{ id: A1, canary: true }],
      }),
    )
      .when(healthReported(true, A1))
      .thenState(alloc, { deploymentStatus: { canary: true, healthy: true, modifyIndex: 5 } });
  });

  test('that repeats the known health changes neither its time nor its index', () => {
    const story = placed().and(healthReported(true, A1));
    const before = story.state<AllocationState>(alloc).deploymentStatus;
    story.and(reported([report(A1, { clientDescription: 'Still', health: { healthy: true, timestamp: 1 } })]));
    expect(story.state<AllocationState>(alloc).deploymentStatus).toEqual(before);
  });

  test('counts in the deployment that the allocation belongs to', () => {
    placed()
      .when(healthReported(true, A1))
      .thenState(deploymentStream(DEPLOYMENT), { groups: { app: { healthyAllocs: 1, placedAllocs: 2 } } });
  });
});

describe('The evaluation after a report', () => {
  const triggers = (story: Given, decide: Decide): string[] => {
    const { decision } = story.when(decide);
    const events = decision.kind === 'accepted' ? decision.events : [];
    return events
      .filter((one) => one.event.type === 'EvaluationCreated')
      .map((one) => (one.event.data as { triggeredBy: string }).triggeredBy);
  };

  test('follows a failure that may be rescheduled', () => {
    expect(triggers(placed(), failed)).toEqual(['alloc-failure']);
  });

  test('follows only once, however often the failure is told', () => {
    expect(
      triggers(placed().and(failed), reported([report(A1, { clientStatus: 'failed', clientDescription: 'again' })])),
    ).toEqual([]);
  });

  test('is one for each job', () => {
    const both = reported([report(A1, { clientStatus: 'failed' }), report(A2, { clientStatus: 'failed' })]);
    expect(triggers(placed(), both)).toEqual(['alloc-failure']);
  });

  test('does not follow a failure whose retry is scheduled already', () => {
    const story = placed().and([event(alloc, 'AllocationFollowupScheduled', { followupEvalId: idOf(77) })]);
    expect(triggers(story, failed)).toEqual([]);
  });

  test('does not follow a failure that may not be rescheduled', () => {
    const never = { Attempts: 0, Unlimited: false, Interval: 0 };
    expect(triggers(placed({ reschedule: never }), failed)).toEqual([]);
  });

  test('does not follow a failure once the attempts of the interval are used up', () => {
    const once = {
      Attempts: 1,
      Interval: 3600 * SECOND_NS,
      Delay: 30 * SECOND_NS,
      DelayFunction: 'constant',
      Unlimited: false,
    };
    const story = placed({ type: 'batch', reschedule: once }, false);
    const tracker = {
      events: [{ rescheduleTime: story.world.now, prevAllocId: A2, prevNodeId: NODE, delay: 30 * SECOND_NS }],
      lastReschedule: 'ok',
    };
    story.and([event(alloc, 'AllocationRescheduleNoted', { rescheduleTracker: tracker })]);
    expect(triggers(story, failed)).toEqual([]);
    expect(triggers(story.later(3600 * US_PER_S), failed)).toEqual(['alloc-failure']);
  });

  test('does not follow a completion', () => {
    expect(triggers(placed({}, false), reported([report(A1, { clientStatus: 'complete' })]))).toEqual([]);
  });

  test('follows the return of one that was unknown', () => {
    expect(triggers(placed().and(disconnected), reported([report(A1)]))).toEqual(['reconnect']);
  });

  test('of a job that is gone is for its removal', () => {
    expect(triggers(placed().and(event(job, 'JobPurged')), failed)).toEqual(['job-deregister']);
  });
});

describe('The status of the job', () => {
  test('is pending when its last allocation failed and will be tried again', () => {
    placed({}, false)
      .and(reported([report(A2, { clientStatus: 'complete' })]))
      .when(failed)
      .thenState(job, { versions: [{ status: 'pending', jobModifyIndex: 3, modifyIndex: 6 }] });
  });

  test('is dead when its last allocation has completed', () => {
    placed({ type: 'batch' }, false)
      .and(reported([report(A1, { clientStatus: 'complete' })]))
      .when(reported([report(A2, { clientStatus: 'complete' })]))
      .thenState(job, { versions: [{ status: 'dead' }] });
  });

  test('stays running while a deployment does', () => {
    placed()
      .and(reported([report(A1, { clientStatus: 'complete' })]))
      .when(reported([report(A2, { clientStatus: 'complete' })]))
      .thenState(job, { versions: [{ status: 'running' }] });
  });
});

describe('Which indexes move', () => {
  const at = 5;
  const moves: [string, object, boolean][] = [
    ['AllocationStopDesired', { description: 'no', clientStatus: null, followupEvalId: '' }, true],
    ['AllocationFollowupScheduled', { followupEvalId: idOf(5) }, true],
    ['AllocationConnectionNoted', { clientStatus: 'unknown', clientDescription: '' }, true],
    ['AllocationTransitionDesired', { transition: { Migrate: true } }, true],
    ['AllocationPromoted', {}, true],
    ['AllocationReported', report(A1), false],
    ['AllocationHealthSet', { healthy: true }, false],
    ['AllocationReplaced', { nextAllocation: A2 }, false],
  ];
  test.each(moves)('%s', (type, data, agentsSeeIt) => {
    const story = placed().and([event(alloc, type, data)]);
    expect(story.state(alloc)).toMatchObject({
      createIndex: 4,
      modifyIndex: at,
      allocModifyIndex: agentsSeeIt ? at : 4,
    });
  });

  test('the time moves with plans and reports, not with transitions, promotions and links', () => {
    const time = (type: string, data: object): boolean => {
      const story = placed();
      const before = story.state<AllocationState>(alloc).modifyTime;
      return story.and([event(alloc, type, data)]).state<AllocationState>(alloc).modifyTime > before;
    };
    expect(moves.filter(([type, data]) => !time(type, data)).map(([type]) => type)).toEqual([
      'AllocationTransitionDesired',
      'AllocationPromoted',
      'AllocationReplaced',
    ]);
  });
});

describe('A note of a server', () => {
  test('that the client is cut off or back is kept with its time', () => {
    const story = placed().and(disconnected);
    expect(story.state(alloc)).toMatchObject({
      clientStatus: 'unknown',
      stateChanges: [{ value: 'unknown', time: expect.any(Number) as number }],
    });
    expect(story.state(summary)).toBeDefined();
  });

  test('merges wishes field by field', () => {
    const story = placed()
      .and([event(alloc, 'AllocationTransitionDesired', { transition: { Migrate: true } })])
      .and([event(alloc, 'AllocationTransitionDesired', { transition: { Reschedule: true, Migrate: null } })]);
    expect(story.state(alloc)).toMatchObject({
      desiredTransition: { Migrate: true, Reschedule: true, NoShutdownDelay: null },
    });
  });
});
