import { jobStream, jobSummaryStream } from '@app/kernel';
import { event, given, idOf, jobSpec, registered, START, type Decide, type Given } from '@app/testing';
import { deregisterJob, evaluateJobCommand } from './decide.js';
import { dispatchJob, type DispatchAnswer, type DispatchJob } from './dispatch.js';
import type { JobState } from './state.js';

const block = { Payload: 'optional', MetaRequired: ['need'], MetaOptional: ['may'] };
const template = (change: object = {}, more: object = {}) =>
  jobSpec({
    id: 'par',
    type: 'batch',
    more: { Meta: { fixed: 'yes' }, ParameterizedJob: { ...block, ...change }, ...more },
  });

const dispatch =
  (change: Partial<DispatchJob> = {}): Decide<DispatchAnswer> =>
  (view, context) =>
    dispatchJob(view, context, {
      namespace: 'default',
      jobId: 'par',
      payload: null,
      meta: { need: 'this' },
      idPrefixTemplate: '',
      priority: 0,
      idempotencyToken: '',
      ...change,
    });
const payload = (text: string, bytes = text.length) => ({ base64: Buffer.from(text).toString('base64'), bytes });
const parent = (change?: object): Given => given(registered(template(change)));
const stop: Decide = (view, context) =>
  deregisterJob(view, context, {
    namespace: 'default',
    jobId: 'par',
    purge: false,
    evalPriority: 0,
    noShutdownDelay: false,
    allocationIds: [],
    deploymentIds: [],
    evaluationIds: [],
  });

const SECOND = START / 1_000_000 + 1;
const child = `par/dispatch-${SECOND}-00000000`;

describe('dispatching a parameterized job', () => {
  it('makes a child that has the payload and the meta of both, and evaluates it', () => {
    parent()
      .when(dispatch({ payload: payload('hello'), meta: { need: 'this', may: 'that' }, idempotencyToken: 'once' }))
      .thenAppended(
        event(jobStream('default', child), 'JobRegistered', {
          version: 0,
          cause: 'dispatch',
          status: 'pending',
          spec: {
            ID: child,
            ParentID: 'par',
            Name: child,
            Dispatched: true,
            DispatchIdempotencyToken: 'once',
            Payload: 'aGVsbG8=',
            Meta: { fixed: 'yes', need: 'this', may: 'that' },
            ParameterizedJob: block,
          },
        }),
        event(jobSummaryStream('default', 'par'), 'JobSummaryChildrenCounted', { pending: 1, running: 0, dead: 0 }),
        event(jobSummaryStream('default', child), 'JobSummaryGroupsAdded'),
        event(`evaluation/${idOf(2)}`, 'EvaluationCreated', {
          triggeredBy: 'job-register',
          type: 'batch',
          jobId: child,
        }),
      )
      .thenAnswered({ dispatchedJobId: child, evalId: idOf(2) });
  });

  it('leaves the parent without an evaluation, and running', () => {
    const story = parent();
    expect(story.state<JobState>(jobStream('default', 'par')).versions[0]?.status).toBe('running');
    story.when(evaluate('par')).thenRejected('job-is-parameterized');
  });

  it('makes children that can be evaluated', () => {
    parent()
      .and(dispatch())
      .when(evaluate(child))
      .thenAmongOthers(event(`evaluation/${idOf(3)}`, 'EvaluationCreated', { jobId: child }));
  });

  it('puts the template into the id of the child', () => {
    const { decision } = parent().when(dispatch({ idPrefixTemplate: 'eu' }));
    expect(decision).toMatchObject({ answer: { dispatchedJobId: `par/dispatch-eu-${SECOND}-00000000` } });
  });

  it('gives the child a priority of its own where asked for', () => {
    parent()
      .when(dispatch({ priority: 70 }))
      .thenAmongOthers(event(`evaluation/${idOf(2)}`, 'EvaluationCreated', { priority: 70 }));
    parent()
      .when(dispatch({ priority: 101 }))
      .thenRejected('dispatch-priority');
  });

  it('starts nothing yet when the child is periodic', () => {
    const Periodic = { Enabled: true, Specs: ['@daily'], SpecType: 'cron' };
    const outcome = given(registered(template({}, { Periodic }))).when(dispatch());
    outcome.thenAnswered({ dispatchedJobId: child, evalId: '' });
    expect(outcome.types('evaluation')).toEqual([]);
  });

  it('counts a child as running and as dead when its status says so', () => {
    const story = parent().and(dispatch());
    const purge: Decide = (view, context) =>
      deregisterJob(view, context, {
        namespace: 'default',
        jobId: child,
        purge: true,
        evalPriority: 0,
        noShutdownDelay: false,
        allocationIds: [],
        deploymentIds: [],
        evaluationIds: [],
      });
    story
      .when(purge)
      .thenAmongOthers(
        event(jobSummaryStream('default', 'par'), 'JobSummaryChildrenCounted', { pending: 0, running: 0, dead: 1 }),
      );
  });
});

describe('a dispatch is refused', () => {
  it('when there is no such job', () => given().when(dispatch()).thenRejected('parameterized-job-not-found'));

  it('when the job takes no parameters', () =>
    given(registered(jobSpec({ id: 'par' })))
      .when(dispatch())
      .thenRejected('job-not-parameterized', 'par'));

  it('when the job is a dispatched child itself', () =>
    parent()
      .and(dispatch())
      .when(dispatch({ jobId: child }))
      .thenRejected('job-not-parameterized', child));

  it('when the job is stopped', () => parent().and(stop).when(dispatch()).thenRejected('job-is-stopped', 'par'));

  it('when the payload is missing, forbidden or too large', () => {
    parent({ Payload: 'required' }).when(dispatch()).thenRejected('dispatch-payload-missing');
    parent({ Payload: 'forbidden' })
      .when(dispatch({ payload: payload('x') }))
      .thenRejected('dispatch-payload-forbidden');
    parent()
      .when(dispatch({ payload: payload('x', 17_000) }))
      .thenRejected('dispatch-payload-too-large', '17000 > 16384');
    parent()
      .when(dispatch({ payload: payload('x', 16_384) }))
      .thenAmongOthers(event(jobStream('default', child), 'JobRegistered'));
  });

  it('when meta is missing or not permitted, with the keys in order', () => {
    parent()
      .when(dispatch({ meta: {} }))
      .thenRejected('dispatch-meta-missing', '[need]');
    parent()
      .when(dispatch({ meta: { need: 'a', what: 'b', and: 'c' } }))
      .thenRejected('dispatch-meta-unpermitted', '[and what]');
    parent({ MetaRequired: ['toString'] })
      .when(dispatch({ meta: {} }))
      .thenRejected('dispatch-meta-missing', '[toString]');
  });
});

const evaluate =
  (jobId: string): Decide =>
  (view, context) =>
    evaluateJobCommand(view, context, { namespace: 'default', jobId, forceReschedule: [] });
