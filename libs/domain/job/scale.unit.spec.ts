import { jobStream, SCHEDULER_CONFIGURATION } from '@app/kernel';
import {
  allocationId,
  event,
  given,
  idOf,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  type Decide,
  type Given,
} from '@app/testing';
import { DEFAULT_SCHEDULER_CONFIGURATION } from '../scheduler-configuration/state.js';
import { revertJob, type JobAnswer } from './decide.js';
import { dispatchJob } from './dispatch.js';
import { scaleJob, type ScaleJob } from './scale.js';
import { currentVersion, type JobState } from './state.js';

const job = jobStream('default', 'web');
const scale =
  (change: Partial<ScaleJob> = {}): Decide<JobAnswer> =>
  (view, context) =>
    scaleJob(view, context, {
      namespace: 'default',
      jobId: 'web',
      group: 'app',
      count: 4,
      message: 'more',
      error: false,
      meta: null,
      enforceIndex: null,
      ...change,
    });
const web = (options: Parameters<typeof jobSpec>[0] = {}): Given => given(registered(jobSpec(options)));
const scaledEvents = (story: Given) => story.state<JobState>(job).scalingEvents?.['app'] ?? [];

describe('scaling a group', () => {
  it('makes a new version with the count, notes it, and evaluates the job', () => {
    web()
      .when(scale({ meta: { by: ['autoscaler'] } }))
      .thenAppended(
        event(job, 'JobRegistered', { version: 1, cause: 'scale', stable: false }),
        event(`evaluation/${idOf(2)}`, 'EvaluationCreated', { triggeredBy: 'job-scaling' }),
        event(job, 'JobScaled', {
          group: 'app',
          count: 4,
          previousCount: 2,
          evalId: idOf(2),
          message: 'more',
          meta: { by: ['autoscaler'] },
        }),
      )
      .thenAnswered({ evalId: idOf(2), jobModifyIndex: null })
      .thenState(job, {
        versions: [{ spec: { TaskGroups: [{ Count: 4 }] } }, { spec: { TaskGroups: [{ Count: 2 }] } }],
      });
  });

  it('carries the stable flag over', () => {
    const stable = event(job, 'JobVersionMarkedStable', { version: 0, stable: true });
    web()
      .and(stable)
      .when(scale())
      .thenAmongOthers(event(job, 'JobRegistered', { cause: 'scale', stable: true }));
  });

  it('makes no version for the count that is there', () => {
    const outcome = web().when(scale({ count: 2 }));
    outcome.thenAnswered({ evalId: idOf(2), jobModifyIndex: 1 });
    expect(outcome.types('job/')).toEqual(['JobScaled']);
  });

  it('only notes what comes without a count', () => {
    web()
      .when(scale({ count: null, error: true, message: 'no metrics' }))
      .thenAppended(event(job, 'JobScaled', { count: null, previousCount: 2, error: true, evalId: '' }))
      .thenAnswered({ evalId: '', jobModifyIndex: 1 });
  });

  it('does not evaluate a template', () => {
    const Periodic = { Enabled: true, Specs: ['@daily'], SpecType: 'cron' };
    const outcome = web({ type: 'batch', more: { Periodic } }).when(scale());
    expect(outcome.types()).toEqual(['JobRegistered', 'JobScaled']);
  });

  it('keeps the newest ten events of a group, newest first', () => {
    const story = web();
    for (let n = 0; n < 12; n++) story.and(scale({ count: null, message: `note ${n}` }));
    expect(scaledEvents(story).map(({ message }) => message)).toEqual(
      Array.from({ length: 10 }, (_, n) => `note ${11 - n}`),
    );
    expect(scaledEvents(story)[0]).toMatchObject({ createIndex: 13 });
  });

  it('forgets the events with a purge, and keeps them with a registration', () => {
    const story = web().and(scale({ count: null }), registered(jobSpec({ count: 3 })));
    expect(scaledEvents(story)).toHaveLength(1);
    expect(scaledEvents(story.and(event(job, 'JobPurged')))).toEqual([]);
  });
});

describe('while an operator has closed registration', () => {
  const configuration = { ...DEFAULT_SCHEDULER_CONFIGURATION, rejectRegistration: true };
  const closed = event(SCHEDULER_CONFIGURATION, 'SchedulerConfigurationChosen', configuration);

  it('a management token registers, scales and reverts all the same', () => {
    const byManagement = true;
    const story = web().and(closed, registered(jobSpec({ count: 5 }), { byManagement }), scale({ byManagement }));
    const versionOf = (one: Given) => currentVersion(one.state<JobState>(job))?.version;
    expect(versionOf(story)).toBe(2);
    const back = { namespace: 'default', jobId: 'web', toVersion: 0, enforcePriorVersion: null, byManagement };
    expect(versionOf(story.and((view, context) => revertJob(view, context, back)))).toBe(3);
  });

  it('nothing is registered, scaled, dispatched or reverted', () => {
    const story = web().and(registered(jobSpec({ count: 3 })), closed);
    const refused = 'registration-closed';
    story.when(scale()).thenRejected(refused);
    story.when(registered(jobSpec({ count: 5 }))).thenRejected(refused);
    const about = { namespace: 'default', jobId: 'web' };
    story
      .when((view, context) => revertJob(view, context, { ...about, toVersion: 0, enforcePriorVersion: null }))
      .thenRejected(refused);
    story
      .when((view, context) =>
        dispatchJob(view, context, {
          ...about,
          ...{ payload: null, meta: {}, idPrefixTemplate: '', priority: 0, idempotencyToken: '' },
        }),
      )
      .thenRejected(refused);
  });
});

describe('scaling is refused', () => {
  it('without a group, with a negative count, or with a count beside an error', () => {
    web()
      .when(scale({ group: '' }))
      .thenRejected('scale-without-group');
    web()
      .when(scale({ count: -1 }))
      .thenRejected('scale-count-negative');
    web()
      .when(scale({ error: true }))
      .thenRejected('scale-error-with-count');
  });

  it('when the job or the group is not there, or the job has moved', () => {
    given().when(scale()).thenRejected('scale-job-not-found', 'web');
    web()
      .when(scale({ group: 'api' }))
      .thenRejected('scale-group-not-found', 'api');
    web()
      .when(scale({ enforceIndex: 7 }))
      .thenRejected('enforce-index', 'Enforcing job modify index 7: job exists with conflicting job modify index: 1');
    web()
      .when(scale({ enforceIndex: 1 }))
      .thenAmongOthers(event(job, 'JobScaled'));
  });

  it('beyond the limits of the scaling policy', () => {
    const TaskGroups = jobSpec().TaskGroups.map((group) => ({ ...group, Scaling: { Min: 2, Max: 5, Enabled: true } }));
    const limited = web({ more: { TaskGroups } });
    limited.when(scale({ count: 1 })).thenRejected('scale-below-minimum', '1 < 2');
    limited.when(scale({ count: 6 })).thenRejected('scale-above-maximum', '6 > 5');
  });

  it('for more than one allocation a node of a system job', () =>
    web({ type: 'system' })
      .when(scale({ count: 2 }))
      .thenRejected('scale-system-count'));

  it('while a deployment is active, except for notes', () => {
    const story = given(nodeRegistered(), nodeIsReady(), registered(jobSpec()));
    const evaluation = story.world
      .streams()
      .find((stream) => stream.startsWith('evaluation/'))!
      .slice('evaluation/'.length);
    story.and(planned({ evaluation, deployment: { groups: { app: {} } }, place: [{ id: allocationId(1) }] }));
    story.when(scale()).thenRejected('scale-blocked');
    story.when(scale({ count: null })).thenAppended(event(job, 'JobScaled'));
  });
});
