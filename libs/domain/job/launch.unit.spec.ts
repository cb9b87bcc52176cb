import { jobStream, jobSummaryStream, US_PER_S } from '@app/kernel';
import { event, given, idOf, jobSpec, planned, registered, START, type Decide, type Given } from '@app/testing';
import { deregisterJob, evaluateJobCommand } from './decide.js';
import { dueLaunch, forcePeriodicJob, launchPeriodicJob } from './launch.js';
import type { JobState } from './state.js';

const job = jobStream('default', 'cron');
const summary = jobSummaryStream('default', 'cron');
const HOUR_US = 3600 * US_PER_S;
const seconds = (us: number): number => us / US_PER_S;
const childAt = (us: number): string => `cron/periodic-${seconds(us)}`;

const hourly = (change: object = {}) =>
  jobSpec({
    id: 'cron',
    type: 'batch',
    more: { Periodic: { Enabled: true, Specs: ['0 * * * *'], SpecType: 'cron', ...change } },
  });
const launch: Decide = (view, context) => launchPeriodicJob(view, context, { namespace: 'default', jobId: 'cron' });
const force: Decide<{ readonly evalId: string }> = (view, context) =>
  forcePeriodicJob(view, context, { namespace: 'default', jobId: 'cron' });
const stop: Decide = (view, context) =>
  deregisterJob(view, context, {
    namespace: 'default',
    jobId: 'cron',
    purge: false,
    evalPriority: 0,
    noShutdownDelay: false,
    allocationIds: [],
    deploymentIds: [],
    evaluationIds: [],
  });
const due = (story: Given): number | null => dueLaunch(story.state<JobState>(job));
const periodic = (change?: object): Given => given(registered(hourly(change)));

describe('the next launch of a periodic job', () => {
  it('is the first time of the schedule after its registration', () => expect(due(periodic())).toBe(START + HOUR_US));

  it('is the first time after the last launch, once it was launched', () => {
    expect(due(periodic().later(HOUR_US).and(launch))).toBe(START + 2 * HOUR_US);
  });

  it('heeds the time zone', () => {
    expect(due(periodic({ Specs: ['0 3 * * *'], TimeZone: 'Europe/Berlin' }))).toBe(START + 2 * HOUR_US);
  });

  it('is the earliest of several schedules', () => {
    expect(due(periodic({ Specs: ['0 5 * * *', '0 4 * * *'] }))).toBe(START + 4 * HOUR_US);
  });

  it('is never for a job that is stopped or disabled', () => {
    expect(due(periodic().and(stop))).toBeNull();
    expect(due(periodic({ Enabled: false }))).toBeNull();
  });

  it('counts anew from a new registration', () => {
    const story = periodic()
      .later(5 * HOUR_US)
      .and(registered(hourly({ Specs: ['30 * * * *'] })));
    expect(due(story)).toBe(START + 5 * HOUR_US + HOUR_US / 2);
  });

  it('is forgotten with a purge', () => {
    const story = periodic()
      .later(HOUR_US)
      .and(launch, [event(job, 'JobPurged')]);
    expect(story.state<JobState>(job).lastLaunch).toBeUndefined();
    expect(due(story)).toBeNull();
  });
});

describe('launching a periodic job', () => {
  it('makes a child of the time that was due, and evaluates it', () => {
    const child = childAt(START + HOUR_US);
    periodic()
      .later(HOUR_US)
      .when(launch)
      .thenAppended(
        event(job, 'PeriodicJobLaunched', { due: START + HOUR_US, childId: child }),
        event(jobStream('default', child), 'JobRegistered', {
          version: 0,
          cause: 'periodic',
          status: 'pending',
          spec: { ID: child, Name: child, ParentID: 'cron', Periodic: null },
        }),
        event(summary, 'JobSummaryChildrenCounted', { pending: 1, running: 0, dead: 0 }),
        event(jobSummaryStream('default', child), 'JobSummaryGroupsAdded'),
        event(`evaluation/${idOf(1)}`, 'EvaluationCreated', {
          triggeredBy: 'periodic-job',
          type: 'batch',
          jobId: child,
        }),
      );
  });

  it('does nothing before its time, or a second time', () => {
    periodic().when(launch).thenNothing();
    periodic().later(HOUR_US).and(launch).when(launch).thenNothing();
  });

  it('makes up for all launches that were missed with one', () => {
    const story = periodic()
      .later(50 * HOUR_US)
      .and(launch);
    expect(due(story)).toBe(START + 51 * HOUR_US);
    expect(story.world.streams().filter((stream) => stream.startsWith('job/default/cron/'))).toEqual([
      jobStream('default', childAt(START + HOUR_US)),
    ]);
  });

  it('passes a launch over while a child has not ended, if the job prohibits overlap', () => {
    const story = periodic({ ProhibitOverlap: true }).later(HOUR_US).and(launch).later(HOUR_US);
    story.when(launch).thenAppended(event(job, 'PeriodicLaunchPassedOver', { due: START + 2 * HOUR_US }));
    expect(due(story.and(launch))).toBe(START + 3 * HOUR_US);
  });

  it('launches again once the child has ended', () => {
    const jobId = childAt(START + HOUR_US);
    const story = periodic({ ProhibitOverlap: true }).later(HOUR_US).and(launch);
    const evaluation = story.world
      .streams()
      .find((stream) => stream.startsWith('evaluation/'))!
      .slice('evaluation/'.length);
    story.and(planned({ evaluation, jobId }));
    expect(story.state(summary)).toMatchObject({ children: { pending: 0, running: 0, dead: 1 } });
    story
      .later(HOUR_US)
      .when(launch)
      .thenAmongOthers(event(job, 'PeriodicJobLaunched', { due: START + 2 * HOUR_US }));
  });

  it('overlaps where nothing is said against it', () => {
    periodic()
      .later(HOUR_US)
      .and(launch)
      .later(HOUR_US)
      .when(launch)
      .thenAmongOthers(event(summary, 'JobSummaryChildrenCounted', { pending: 2, running: 0, dead: 0 }));
  });

  it('leaves the job itself without an evaluation', () => {
    periodic()
      .when((view, context) =>
        evaluateJobCommand(view, context, { namespace: 'default', jobId: 'cron', forceReschedule: [] }),
      )
      .thenRejected('job-is-periodic');
  });
});

describe('forcing a periodic job', () => {
  it('launches it now, whatever its schedule and its children', () => {
    const outcome = periodic({ ProhibitOverlap: true }).and(force).when(force);
    outcome.thenAmongOthers(event(job, 'PeriodicJobLaunched', { childId: childAt(START + 2 * US_PER_S) }));
    expect(outcome.decision).toMatchObject({ answer: { evalId: idOf(2) } });
  });

  it('is refused for jobs that are unknown, not periodic, disabled or stopped', () => {
    given().when(force).thenRejected('job-not-found-write');
    given(registered(jobSpec({ id: 'cron' })))
      .when(force)
      .thenRejected('job-not-periodic');
    periodic({ Enabled: false }).when(force).thenRejected('job-not-tracked', '["cron","default"]');
    periodic().and(stop).when(force).thenRejected('job-not-tracked', '["cron","default"]');
  });
});
