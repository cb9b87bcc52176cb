import { allocationStream, deploymentStream, evaluationStream, jobStream, jobSummaryStream } from '@app/kernel';
import {
  allocationId,
  DEPLOYMENT,
  event,
  given,
  idOf,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  type Decide,
  type Given,
} from '@app/testing';
import {
  deregisterJob,
  evaluateJobCommand,
  markStable,
  revertJob,
  type DeregisterJob,
  type JobAnswer,
} from './decide.js';
import type { JobState } from './state.js';

const job = jobStream('default', 'web');
const summary = jobSummaryStream('default', 'web');
const [A1, A2] = [allocationId(1), allocationId(2)];
const NO_BELONGINGS = { allocationIds: [], deploymentIds: [], evaluationIds: [] };

const deregister =
  (more: Partial<DeregisterJob> = {}): Decide<JobAnswer | null> =>
  (view, context) =>
    deregisterJob(view, context, {
      namespace: 'default',
      jobId: 'web',
      purge: false,
      evalPriority: 0,
      noShutdownDelay: false,
      ...NO_BELONGINGS,
      ...more,
    });
const revert =
  (toVersion: number, enforcePriorVersion: number | null = null): Decide<JobAnswer> =>
  (view, context) =>
    revertJob(view, context, { namespace: 'default', jobId: 'web', toVersion, enforcePriorVersion });
const stable =
  (version: number, isStable = true): Decide =>
  (view, context) =>
    markStable(view, context, { namespace: 'default', jobId: 'web', version, stable: isStable });
const evaluate =
  (...forceReschedule: readonly string[]): Decide<JobAnswer> =>
  (view, context) =>
    evaluateJobCommand(view, context, { namespace: 'default', jobId: 'web', forceReschedule });

const version = (n: number) => registered(jobSpec({ tag: String(n) }));
/** Versions 0 to n − 1, the newest at index n. */
const versions = (n: number): Given => given(...Array.from({ length: n }, (_, i) => version(i)));
const stateOf = (story: Given): JobState => story.state(job);
const kept = (story: Given): number[] => stateOf(story).versions.map((one) => one.version);

const running = (): Given =>
  given(
    nodeRegistered(),
    nodeIsReady(),
    registered(jobSpec()),
    planned({ evaluation: idOf(1), deployment: { groups: { app: {} } }, place: [{ id: A1 }, { id: A2 }] }),
  );

describe('Registering a new job', () => {
  test('stores version 0, a summary with a row for each group and an evaluation, in one commit', () => {
    given()
      .when(registered(jobSpec({ groups: ['app', 'db'] })))
      .thenAppended(
        event(job, 'JobRegistered', {
          version: 0,
          stable: false,
          cause: 'register',
          status: 'pending',
          revertedTo: null,
        }),
        event(summary, 'JobSummaryGroupsAdded', { groups: ['app', 'db'] }),
        event(evaluationStream(idOf(1)), 'EvaluationCreated', {
          triggeredBy: 'job-register',
          priority: 50,
          status: 'pending',
        }),
      )
      .thenAnswered({ evalId: idOf(1), jobModifyIndex: null })
      .thenState(job, { versions: [{ version: 0, createIndex: 1, modifyIndex: 1, jobModifyIndex: 1 }] })
      .thenState(summary, { jobCreateIndex: 1, groups: { app: { queued: 0 }, db: { running: 0 } }, liveAllocations: 0 })
      .thenState(evaluationStream(idOf(1)), { jobModifyIndex: 1 });
  });

  test('takes a priority for the evaluation alone', () => {
    given()
      .when(registered(jobSpec(), { evalPriority: 80 }))
      .thenAmongOthers(event(evaluationStream(idOf(1)), 'EvaluationCreated', { priority: 80 }));
  });

  test.each([
    ['periodic', { Periodic: { Enabled: true, Spec: '@daily', SpecType: 'cron' } }],
    ['parameterized', { ParameterizedJob: { Payload: 'optional' } }],
  ])('that is %s makes no evaluation: it is a template', (_, more) => {
    const outcome = given().when(registered(jobSpec({ type: 'batch', more })));
    expect(outcome.types('evaluation')).toEqual([]);
    outcome.thenAnswered({ evalId: '', jobModifyIndex: null }).thenState(job, { versions: [{ status: 'running' }] });
  });
});

describe('Registering again', () => {
  test('with another specification stores the next version and keeps CreateIndex', () => {
    versions(1)
      .when(version(1))
      .thenState(job, {
        versions: [
          { version: 1, createIndex: 1, modifyIndex: 2, jobModifyIndex: 2, stable: false },
          { version: 0, createIndex: 1, modifyIndex: 1, jobModifyIndex: 1 },
        ],
      });
  });

  test('with the same specification only evaluates, and answers with the ModifyIndex that the job has', () => {
    versions(1)
      .when(version(0))
      .thenAppended(
        event(evaluationStream(idOf(2)), 'EvaluationCreated', { triggeredBy: 'job-register', jobModifyIndex: 1 }),
      )
      .thenAnswered({ evalId: idOf(2), jobModifyIndex: 1 });
  });

  test('over a stopped job is a change: it runs again', () => {
    versions(1)
      .and(deregister())
      .when(version(0))
      .thenState(job, { versions: [{ version: 2, spec: { Stop: false } }, {}, {}] });
  });

  test('keeps rows of groups that are gone and adds those that are new', () => {
    given(registered(jobSpec({ groups: ['app'] })))
      .when(registered(jobSpec({ groups: ['db'] })))
      .thenState(summary, { groups: { app: {}, db: {} } });
  });

  test('can leave counts as they are stored', () => {
    given(registered(jobSpec({ count: 7 })))
      .when(registered(jobSpec({ count: 1, tag: 'new' }), { preserveCounts: true }))
      .thenState(job, { versions: [{ spec: { TaskGroups: [{ Count: 7 }] } }, {}] });
  });

  test('cannot change the type', () => {
    versions(1)
      .when(registered(jobSpec({ type: 'batch' })))
      .thenRejected('job-change-refused', 'cannot update job from type "service" to "batch"');
  });
});

describe('EnforceIndex', () => {
  const enforce = (enforceIndex: number) => registered(jobSpec({ tag: 'new' }), { enforceIndex });

  test('0 wants a job that is new', () => {
    given()
      .when(enforce(0))
      .thenAmongOthers(event(job, 'JobRegistered', { version: 0 }));
    versions(1).when(enforce(0)).thenRejected('enforce-index', 'Enforcing job modify index 0: job already exists');
  });

  test('n wants the job as it was registered at n', () => {
    versions(2)
      .when(enforce(2))
      .thenAmongOthers(event(job, 'JobRegistered', { version: 2 }));
    versions(2)
      .when(enforce(1))
      .thenRejected('enforce-index', 'Enforcing job modify index 1: job exists with conflicting job modify index: 2');
    given().when(enforce(9)).thenRejected('enforce-index', 'Enforcing job modify index 9: job does not exist');
  });

  test('compares with JobModifyIndex, which a stable flag does not move', () => {
    versions(1)
      .and(stable(0))
      .when(enforce(1))
      .thenAmongOthers(event(job, 'JobRegistered', { version: 1 }));
  });

  test('takes a purged job for one that does not exist', () => {
    versions(1)
      .and(deregister({ purge: true }))
      .when(enforce(0))
      .thenAmongOthers(event(job, 'JobRegistered', { version: 0 }));
  });
});

describe('Stopping', () => {
  test('stores a version with Stop and evaluates with the type service', () => {
    versions(1)
      .when(deregister())
      .thenAppended(
        event(job, 'JobStopped', { version: 1, status: 'pending' }),
        event(evaluationStream(idOf(2)), 'EvaluationCreated', { triggeredBy: 'job-deregister', type: 'service' }),
      )
      .thenState(job, {
        versions: [{ version: 1, spec: { Stop: true }, jobModifyIndex: 2 }, { spec: { Stop: false } }],
      })
      .thenState(evaluationStream(idOf(2)), { jobModifyIndex: 2 });
  });

  test('carries the stable flag into the new version', () => {
    versions(1)
      .and(stable(0))
      .when(deregister())
      .thenState(job, { versions: [{ version: 1, stable: true }, { stable: true }] });
  });

  test('can skip the shutdown delay of what runs', () => {
    running()
      .when(deregister({ noShutdownDelay: true, allocationIds: [A1] }))
      .thenState(allocationStream(A1), { desiredTransition: { NoShutdownDelay: true } });
  });

  test('of a template needs no evaluation', () => {
    const template = jobSpec({ type: 'batch', more: { ParameterizedJob: { Payload: 'optional' } } });
    given(registered(template))
      .when(deregister())
      .thenAppended(event(job, 'JobStopped', { status: 'dead' }))
      .thenAnswered({ evalId: '', jobModifyIndex: null });
  });

  test('of a job that nobody knows is no error', () => {
    given().when(deregister()).thenNothing().thenAnswered(null);
    given()
      .when(deregister({ purge: true }))
      .thenNothing()
      .thenAnswered(null);
  });
});

describe('Purging', () => {
  const purge = deregister({
    purge: true,
    allocationIds: [A1, A2],
    deploymentIds: [DEPLOYMENT],
    evaluationIds: [idOf(1), idOf(2)],
  });

  test('takes the job with everything it has', () => {
    running()
      .and(evaluate())
      .when(purge)
      .thenAmongOthers(
        event(job, 'JobPurged'),
        event(summary, 'JobSummaryPurged'),
        event(allocationStream(A1), 'AllocationPurged'),
        event(allocationStream(A2), 'AllocationPurged'),
        event(deploymentStream(DEPLOYMENT), 'DeploymentPurged'),
      )
      .thenState(job, { purged: true, versions: [] })
      .thenState(summary, { purged: true, liveAllocations: 0, activeDeployments: 0 });
  });

  test('completes the evaluations that were still to be worked on', () => {
    running()
      .and(evaluate())
      .when(purge)
      .thenState(evaluationStream(idOf(2)), { status: 'complete', statusDescription: 'job web deleted' });
  });

  test('lets the next registration begin at version 0 with a new CreateIndex', () => {
    const { after } = running().and(purge).when(registered(jobSpec()));
    expect(stateOf(after).versions).toMatchObject([{ version: 0, createIndex: 6 }]);
    expect(after.state(summary)).toMatchObject({ jobCreateIndex: 6, purged: false, groups: { app: { starting: 0 } } });
  });
});

describe('Evaluating by hand', () => {
  test('makes an evaluation as a registration does', () => {
    versions(2)
      .when(evaluate())
      .thenAppended(
        event(evaluationStream(idOf(3)), 'EvaluationCreated', { triggeredBy: 'job-register', jobModifyIndex: 2 }),
      )
      .thenAnswered({ evalId: idOf(3), jobModifyIndex: 2 });
  });

  test('with force marks failed allocations that nothing has replaced', () => {
    running()
      .and(reported([report(A1, { clientStatus: 'failed' })]))
      .when(evaluate(A1, A2))
      .thenState(allocationStream(A1), { desiredTransition: { ForceReschedule: true } })
      .thenState(allocationStream(A2), { desiredTransition: { ForceReschedule: null } });
  });

  test('is refused where there is nothing to schedule', () => {
    given().when(evaluate()).thenRejected('job-not-found-write');
    given(registered(jobSpec({ type: 'batch', more: { ParameterizedJob: {} } })))
      .when(evaluate())
      .thenRejected('job-is-parameterized');
    given(
      registered(jobSpec({ type: 'batch', more: { Periodic: { Enabled: true, Spec: '@daily', SpecType: 'cron' } } })),
    )
      .when(evaluate())
      .thenRejected('job-is-periodic');
  });
});

describe('Reverting', () => {
  test('registers the specification of an older version as the next one, and not as stable', () => {
    versions(2)
      .and(stable(0))
      .when(revert(0))
      .thenAmongOthers(event(job, 'JobRegistered', { version: 2, cause: 'revert', revertedTo: 0, stable: false }))
      .thenState(job, { versions: [{ version: 2, spec: jobSpec({ tag: '0' }) }, {}, {}] });
  });

  test('is refused to the current version, to one that is unknown, and of an unknown job', () => {
    versions(2).when(revert(1)).thenRejected('revert-to-current');
    versions(2)
      .when(revert(9))
      .thenRejected('job-version-not-found', JSON.stringify({ jobId: 'web', namespace: 'default', version: 9 }));
    given().when(revert(0)).thenRejected('job-unknown', 'web');
  });

  test('can insist on the version that it reverts from', () => {
    versions(2)
      .when(revert(0, 1))
      .thenAmongOthers(event(job, 'JobRegistered', { version: 2 }));
    versions(2).when(revert(0, 0)).thenRejected('enforce-prior-version', '1 0');
  });
});

describe('The stable flag', () => {
  test('is set on the named version alone, whose ModifyIndex moves', () => {
    versions(2)
      .when(stable(0))
      .thenState(job, {
        versions: [
          { version: 1, stable: false, modifyIndex: 2 },
          { version: 0, stable: true, modifyIndex: 3, jobModifyIndex: 1 },
        ],
      });
  });

  test('can be taken back', () => {
    versions(1)
      .and(stable(0))
      .when(stable(0, false))
      .thenState(job, { versions: [{ stable: false }] });
  });

  test('is refused for a version that is not kept', () => {
    versions(1)
      .when(stable(3))
      .thenRejected('job-version-not-found', JSON.stringify({ jobId: 'web', namespace: 'default', version: 3 }));
  });
});

describe('Of its versions', () => {
  test('a job keeps the newest six', () => {
    expect(kept(versions(8))).toEqual([7, 6, 5, 4, 3, 2]);
  });

  test('the newest stable one is protected, and the next oldest goes', () => {
    expect(kept(versions(3).and(stable(0), version(3), version(4), version(5), version(6)))).toEqual([
      6, 5, 4, 3, 2, 0,
    ]);
  });

  test('an older stable one is not', () => {
    expect(kept(versions(3).and(stable(0), stable(1), version(3), version(4), version(5), version(6)))).toEqual([
      6, 5, 4, 3, 2, 1,
    ]);
  });

  test('tagged ones stay and do not count', () => {
    const tag = event(job, 'JobVersionTagged', { version: 0, name: 'golden', description: '' });
    expect(kept(versions(1).and(tag, ...[1, 2, 3, 4, 5, 6, 7].map(version)))).toEqual([7, 6, 5, 4, 3, 2, 0]);
  });

  test('one whose tag is taken away goes with the next overflow', () => {
    const tag = event(job, 'JobVersionTagged', { version: 0, name: 'golden', description: '' });
    const untag = event(job, 'JobVersionUntagged', { version: 0 });
    expect(kept(versions(1).and(tag, ...[1, 2, 3, 4, 5].map(version), untag, version(6)))).toEqual([6, 5, 4, 3, 2, 1]);
  });
});

describe('The status of a job', () => {
  const status = (story: Given): string => stateOf(story).versions[0]!.status;

  test('is pending while only evaluations are open', () => {
    expect(status(versions(1))).toBe('pending');
  });

  test('is running with allocations or an active deployment', () => {
    expect(status(running())).toBe('running');
    expect(
      status(given(registered(jobSpec()), planned({ evaluation: idOf(1), deployment: { groups: { app: {} } } }))),
    ).toBe('running');
  });

  test('is dead when the evaluation found nothing to run', () => {
    expect(status(given(registered(jobSpec({ count: 0 })), planned({ evaluation: idOf(1) })))).toBe('dead');
  });

  test('is pending while the evaluation of the stop is open, and dead when it is done', () => {
    const story = versions(1).and(planned({ evaluation: idOf(1) }), deregister());
    expect(status(story)).toBe('pending');
    expect(status(story.and(planned({ evaluation: idOf(2) })))).toBe('dead');
  });

  test('of a system job depends on Stop alone', () => {
    const story = given(registered(jobSpec({ type: 'system' })));
    expect(status(story)).toBe('running');
    expect(status(story.and(deregister()))).toBe('dead');
  });

  test('moves ModifyIndex and leaves JobModifyIndex', () => {
    expect(stateOf(running()).versions[0]).toMatchObject({ modifyIndex: 4, jobModifyIndex: 3 });
  });
});

describe('The summary', () => {
  test('follows what evaluations say is queued, and placements take from it', () => {
    const story = given(
      nodeRegistered(),
      nodeIsReady(),
      registered(jobSpec()),
      planned({ evaluation: idOf(1), outcome: { queuedAllocations: { app: 2 } } }),
    );
    expect(story.state(summary)).toMatchObject({ groups: { app: { queued: 2 } } });
    story.and(
      evaluate(),
      planned({ evaluation: idOf(2), place: [{ id: A1 }], outcome: { queuedAllocations: { app: 1 } } }),
    );
    expect(story.state(summary)).toMatchObject({ groups: { app: { queued: 1, starting: 1 } } });
  });

  test('ignores allocations of a job that was there under the same name', () => {
    const story = running().and(deregister({ purge: true }), registered(jobSpec()));
    story.and([
      event(allocationStream(A1), 'AllocationReported', { ...report(A1, { clientStatus: 'failed' }), id: undefined }),
    ]);
    story.and(reported([report(A2, { clientStatus: 'failed' })]));
    expect(story.state(summary)).toMatchObject({ groups: { app: { failed: 0, starting: 0 } } });
  });
});
