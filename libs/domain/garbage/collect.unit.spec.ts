import { allocationStream, deploymentStream, evaluationStream, jobStream, US_PER_S } from '@app/kernel';
import {
  allocationId,
  DEPLOYMENT,
  given,
  jobSpec,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  type Given,
} from '@app/testing';
import {
  collectDeployments,
  collectEvaluations,
  collectJob,
  collectNode,
  deregisterJob,
  failDeployment,
  GARBAGE_THRESHOLDS,
  missHeartbeat,
  NO_THRESHOLDS,
  reconcileSummary,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
} from '@app/domain';

const HOUR = 3600 * US_PER_S;
const A = allocationId(1);

const evaluationsOf = (story: Given): string[] =>
  story.world
    .streams()
    .filter((stream) => stream.startsWith('evaluation/'))
    .map((stream) => story.state<EvaluationState>(stream).id);

/** A service with one allocation, placed by its first evaluation. */
function running(): { readonly story: Given; readonly evaluationId: string } {
  const story = given(nodeRegistered(), nodeIsReady(), registered(jobSpec({ count: 1 })));
  const evaluationId = evaluationsOf(story)[0]!;
  story.and(
    planned({ evaluation: evaluationId, deployment: { groups: { app: { desiredTotal: 1 } } }, place: [{ id: A }] }),
    reported([report(A)]),
  );
  return { story, evaluationId };
}

const stop = (story: Given): Given =>
  story.and(
    (view, context) =>
      deregisterJob(view, context, {
        namespace: 'default',
        jobId: 'web',
        purge: false,
        evalPriority: 0,
        noShutdownDelay: false,
        allocationIds: [],
        deploymentIds: [],
        evaluationIds: [],
      }),
    (view, context) => failDeployment(view, context, { deploymentId: DEPLOYMENT }),
    reported([report(A, { clientStatus: 'complete' })]),
  );

const finishAll = (story: Given): Given => {
  for (const evaluation of evaluationsOf(story)) {
    if (story.state<EvaluationState>(evaluationStream(evaluation)).status === 'pending')
      story.and(planned({ evaluation }));
  }
  return story;
};

describe('garbage', () => {
  it('is not an evaluation whose allocation still runs, however old', () => {
    const { story, evaluationId } = running();
    const command = { evaluations: [{ evaluationId, allocationIds: [A] }], thresholds: GARBAGE_THRESHOLDS };
    story
      .later(1000 * HOUR)
      .when((view, context) => collectEvaluations(view, context, command))
      .thenNothing();
  });

  it('is an evaluation with its allocations once all of it has been over for an hour', () => {
    const { story, evaluationId } = running();
    const command = { evaluations: [{ evaluationId, allocationIds: [A] }], thresholds: GARBAGE_THRESHOLDS };
    stop(story)
      .later(HOUR / 2)
      .when((view, context) => collectEvaluations(view, context, command))
      .thenNothing();
    const collected = story.later(HOUR).when((view, context) => collectEvaluations(view, context, command));
    expect(collected.types()).toEqual(['AllocationCollected', 'EvaluationCollected']);
    expect(collected.after.state<AllocationState>(allocationStream(A)).purged).toBe(true);
  });

  it('is everything that is over when an operator asks for it, and nothing twice', () => {
    const { story, evaluationId } = running();
    const command = { evaluations: [{ evaluationId, allocationIds: [A] }], thresholds: NO_THRESHOLDS };
    const once = stop(story).when((view, context) => collectEvaluations(view, context, command));
    expect(once.types()).toHaveLength(2);
    once.after.when((view, context) => collectEvaluations(view, context, command)).thenNothing();
  });

  it('is not a failed allocation that may be rescheduled for as long as its job lives', () => {
    const { story, evaluationId } = running();
    story.and(reported([report(A, { clientStatus: 'failed' })]));
    const command = { evaluations: [{ evaluationId, allocationIds: [A] }], thresholds: NO_THRESHOLDS };
    story
      .later(1000 * HOUR)
      .when((view, context) => collectEvaluations(view, context, command))
      .thenNothing();
  });

  it('is not what a batch job has completed while the job is there', () => {
    const story = given(nodeRegistered(), nodeIsReady(), registered(jobSpec({ type: 'batch', count: 1 })));
    const evaluationId = evaluationsOf(story)[0]!;
    story.and(
      planned({ evaluation: evaluationId, place: [{ id: A }] }),
      reported([report(A, { clientStatus: 'complete' })]),
    );
    const command = { evaluations: [{ evaluationId, allocationIds: [A] }], thresholds: NO_THRESHOLDS };
    story
      .later(1000 * HOUR)
      .when((view, context) => collectEvaluations(view, context, command))
      .thenNothing();
  });

  it('is a deployment that ended an hour ago, and not an active one', () => {
    const { story } = running();
    const command = { deployments: [{ deploymentId: DEPLOYMENT, allocationIds: [A] }], thresholds: GARBAGE_THRESHOLDS };
    story
      .later(10 * HOUR)
      .when((view, context) => collectDeployments(view, context, command))
      .thenNothing();
    const collected = stop(story)
      .later(2 * HOUR)
      .when((view, context) => collectDeployments(view, context, command));
    expect(collected.after.state<DeploymentState>(deploymentStream(DEPLOYMENT)).purged).toBe(true);
  });

  it('is a stopped job with all that it has, four hours after it was stopped', () => {
    const { story } = running();
    finishAll(stop(story));
    const command = () => ({
      namespace: 'default',
      jobId: 'web',
      evaluationIds: evaluationsOf(story),
      allocationIds: [A],
      deploymentIds: [DEPLOYMENT],
      thresholds: GARBAGE_THRESHOLDS,
    });
    story
      .later(3 * HOUR)
      .when((view, context) => collectJob(view, context, command()))
      .thenNothing();
    const collected = story.later(2 * HOUR).when((view, context) => collectJob(view, context, command()));
    expect(collected.types('job')).toEqual(['JobPurged', 'JobSummaryPurged']);
    expect(collected.types('deployment')).toEqual(['DeploymentCollected']);
    expect(collected.after.state(jobStream('default', 'web'))).toMatchObject({ purged: true });
  });

  it('is not a job that is merely idle', () => {
    const { story } = running();
    const command = {
      namespace: 'default',
      jobId: 'web',
      evaluationIds: [],
      allocationIds: [],
      deploymentIds: [],
      thresholds: NO_THRESHOLDS,
    };
    story.when((view, context) => collectJob(view, context, command)).thenNothing();
  });

  it('is a node that has been down for a day with nothing left on it', () => {
    const story = given(nodeRegistered(), nodeIsReady());
    const collect = () =>
      story.when((view, context) =>
        collectNode(view, context, { nodeId: NODE, allocationIds: [], thresholds: GARBAGE_THRESHOLDS }),
      );
    story.later(100 * HOUR);
    collect().thenNothing();
    story
      .and((view, context) => missHeartbeat(view, context, { nodeId: NODE, status: 'down', affected: [] }))
      .later(23 * HOUR);
    collect().thenNothing();
    story.later(2 * HOUR);
    expect(collect().types()).toEqual(['NodePurged']);
  });
});

describe('the summaries', () => {
  it('are left alone when they are right', () => {
    const { story } = running();
    const command = { namespace: 'default', jobId: 'web', allocationIds: [A], deploymentIds: [DEPLOYMENT] };
    story.when((view, context) => reconcileSummary(view, context, command)).thenNothing();
  });
});
