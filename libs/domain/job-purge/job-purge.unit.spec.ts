import { deploymentStream, jobPurgeStream, jobSummaryStream, allocationStream } from '@app/kernel';
import {
  allocationId,
  DEPLOYMENT,
  given,
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
  collectEvaluations,
  collectJob,
  deregisterJob,
  endPurge,
  NO_THRESHOLDS,
  purgeRemnants,
  reconcileSummary,
  skipShutdownDelays,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
  type JobPurgeState,
  type JobSummaryState,
} from '@app/domain';

const [FIRST, SECOND, NEW] = [allocationId(1), allocationId(2), allocationId(3)];
const JOB = { namespace: 'default', jobId: 'web' };

const openEvaluations = (story: Given): string[] =>
  story.world
    .streams()
    .filter((stream) => stream.startsWith('evaluation/'))
    .map((stream) => story.state<EvaluationState>(stream))
    .filter(({ status }) => status === 'pending')
    .map(({ id }) => id);

/** A service with two allocations and a deployment. */
function running(): Given {
  const story = given(nodeRegistered(), nodeIsReady(), registered(jobSpec({ count: 2 })));
  return story.and(
    planned({
      evaluation: openEvaluations(story)[0]!,
      deployment: { groups: { app: { desiredTotal: 2 } } },
      place: [{ id: FIRST }, { id: SECOND }],
    }),
    reported([report(FIRST), report(SECOND)]),
  );
}

/** A purge that names the first allocation only. */
const purged: Decide = (view, context) =>
  deregisterJob(view, context, {
    ...JOB,
    purge: true,
    evalPriority: 0,
    noShutdownDelay: false,
    allocationIds: [FIRST],
    deploymentIds: [],
    evaluationIds: [],
    leavesMore: true,
  });
const swept =
  (upTo: number): Decide =>
  (view, context) =>
    purgeRemnants(view, context, {
      ...JOB,
      upTo,
      allocationIds: [SECOND, NEW],
      deploymentIds: [DEPLOYMENT],
      evaluationIds: [],
    });
const purgeOf = (story: Given): JobPurgeState => story.state<JobPurgeState>(jobPurgeStream('default', 'web'));
const isPurged = (story: Given, id: string): boolean => story.state<AllocationState>(allocationStream(id)).purged;

/** The purged job registered again, with one allocation that runs. */
const again = (story: Given): Given => {
  const mayPlace = new Set(openEvaluations(story));
  story.and(registered(jobSpec({ count: 1 })));
  const evaluation = openEvaluations(story).find((id) => !mayPlace.has(id))!;
  return story.and(planned({ evaluation, place: [{ id: NEW }] }), reported([report(NEW)]));
};

describe('The purge of a job that has more than one command can carry', () => {
  it('hides all that there is up to its own commit, and takes the rest away afterwards', () => {
    const begun = running().when(purged);
    expect(begun.types()).toEqual([
      'JobPurged',
      'JobSummaryPurged',
      'JobPurgeBegun',
      'AllocationPurged',
      'EvaluationCreated',
    ]);
    const story = begun.after;
    const { upTo } = purgeOf(story);
    expect(upTo).toBe(story.world.index);
    expect(isPurged(story, SECOND)).toBe(false);
    story.and(swept(upTo));
    expect(isPurged(story, SECOND)).toBe(true);
    expect(story.state<DeploymentState>(deploymentStream(DEPLOYMENT)).purged).toBe(true);
    story.when(swept(upTo)).thenNothing();
    story.and((view, context) => endPurge(view, context, { ...JOB, upTo }));
    expect(purgeOf(story).isOver).toBe(true);
    story.when((view, context) => endPurge(view, context, { ...JOB, upTo })).thenNothing();
  });

  it('leaves a job of the same id alone that is registered meanwhile', () => {
    const story = again(running().and(purged));
    const { upTo } = purgeOf(story);
    story.and(swept(upTo));
    expect(isPurged(story, SECOND)).toBe(true);
    expect(isPurged(story, NEW)).toBe(false);
    expect(story.state<JobSummaryState>(jobSummaryStream('default', 'web')).liveAllocations).toBe(1);
  });

  it('keeps what is reported of its remnants out of the counts of a job of the same id', () => {
    const story = again(running().and(purged));
    const before = story.state<JobSummaryState>(jobSummaryStream('default', 'web'));
    story.and(reported([report(SECOND, { clientStatus: 'complete' })]));
    expect(story.state<JobSummaryState>(jobSummaryStream('default', 'web'))).toEqual(before);
    const all = { ...JOB, allocationIds: [SECOND, NEW], deploymentIds: [] };
    story.when((view, context) => reconcileSummary(view, context, all)).thenNothing();
  });

  it('is not ended by the end of an earlier one', () => {
    const story = again(running().and(purged));
    const first = purgeOf(story).upTo;
    story.and(purged);
    expect(purgeOf(story).upTo).toBeGreaterThan(first);
    story.when((view, context) => endPurge(view, context, { ...JOB, upTo: first })).thenNothing();
    story.and(swept(first));
    expect(isPurged(story, NEW)).toBe(true);
  });

  it('does not begin where the command carries everything', () => {
    const story = running();
    const all: Decide = (view, context) =>
      deregisterJob(view, context, {
        ...JOB,
        purge: true,
        evalPriority: 0,
        noShutdownDelay: false,
        allocationIds: [FIRST, SECOND],
        deploymentIds: [DEPLOYMENT],
        evaluationIds: [],
      });
    expect(story.when(all).types()).not.toContain('JobPurgeBegun');
  });
});

describe('Garbage that is more than one command can carry', () => {
  const stopped = (story: Given): Given =>
    story.and(
      (view, context) =>
        deregisterJob(view, context, {
          ...JOB,
          purge: false,
          evalPriority: 0,
          noShutdownDelay: false,
          allocationIds: [],
          deploymentIds: [],
          evaluationIds: [],
        }),
      reported([report(FIRST, { clientStatus: 'complete' }), report(SECOND, { clientStatus: 'complete' })]),
    );
  const dead = (): Given => {
    const story = stopped(
      given(nodeRegistered(), nodeIsReady(), registered(jobSpec({ type: 'batch', count: 2 }))).and(),
    );
    for (const evaluation of openEvaluations(story)) story.and(planned({ evaluation }));
    return story;
  };
  const collected =
    (judgedAt: number): Decide =>
    (view, context) =>
      collectJob(view, context, {
        ...JOB,
        evaluationIds: [],
        allocationIds: [],
        deploymentIds: [],
        thresholds: NO_THRESHOLDS,
        judgedAt,
      });

  it('is a job whose rows were judged, and that has not moved since', () => {
    const story = dead();
    const { index } = story.world;
    story.when(collected(1)).thenNothing();
    expect(story.when(collected(index)).types()).toContain('JobPurgeBegun');
  });

  it('goes allocation by allocation, and its evaluation with the last of them', () => {
    const story = running();
    const evaluationId = story.state<AllocationState>(allocationStream(FIRST)).evalId;
    stopped(story);
    const part =
      (allocationIds: readonly string[], leavesMore: boolean): Decide =>
      (view, context) =>
        collectEvaluations(view, context, {
          evaluations: [{ evaluationId, allocationIds, leavesMore }],
          thresholds: NO_THRESHOLDS,
        });
    const first = story.when(part([FIRST], true));
    expect(first.types()).toEqual(['AllocationCollected']);
    expect(first.after.when(part([SECOND], false)).types()).toEqual(['AllocationCollected', 'EvaluationCollected']);
  });
});

describe('Allocations of a job that is to stop without delay', () => {
  it('are told so before, some at a time', () => {
    const story = running();
    const told: Decide = (view, context) => skipShutdownDelays(view, context, { ...JOB, allocationIds: [FIRST] });
    expect(story.when(told).types()).toEqual(['AllocationTransitionDesired']);
  });
});
