import { deploymentStream, jobStream, US_PER_S } from '@app/kernel';
import {
  allocationId,
  DEPLOYMENT,
  given,
  healthReported,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  type Given,
} from '@app/testing';
import {
  currentVersion,
  failDeployment,
  failWatchedDeployment,
  markStable,
  pauseDeployment,
  renderDeploymentWait,
  setAllocationHealth,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
  type JobState,
} from '@app/domain';

const JOB = jobStream('default', 'web');
const ON = deploymentStream(DEPLOYMENT);
const DEADLINE_S = 600;

const latestEvaluation = (story: Given): string => {
  const ids = story.world.streams().filter((stream) => stream.startsWith('evaluation/'));
  return story.state<EvaluationState>(ids.at(-1)!).id;
};

/** Version 0 is stable; version 1 is rolled out with one canary. */
function canaryRollout(change: { readonly meta?: object } = {}): Given {
  const more = { Meta: change.meta ?? null };
  const story = given(nodeRegistered(), nodeIsReady(), registered(jobSpec({ update: { AutoRevert: true } })));
  story.and((view, context) =>
    markStable(view, context, { namespace: 'default', jobId: 'web', version: 0, stable: true }),
  );
  story.and(registered(jobSpec({ tag: 'new', update: { AutoRevert: true, Canary: 1 }, more })));
  const group = { autoRevert: true, desiredCanaries: 1 };
  return story.and(
    planned({
      evaluation: latestEvaluation(story),
      deployment: { groups: { app: group } },
      place: [{ id: allocationId(1), canary: true }],
    }),
  );
}

describe('better than Nomad', () => {
  it('an auto-revert can skip the canary phase, when the request says so', () => {
    const revert = canaryRollout().when((view, context) =>
      failDeployment(view, context, { deploymentId: DEPLOYMENT, skipsCanaries: true }),
    );
    const job = revert.after.state<JobState>(JOB);
    expect(currentVersion(job)).toMatchObject({ version: 2, skipsCanaries: true, stable: true });
  });

  it('an auto-revert can skip the canary phase, when set-health of an allocation causes it', () => {
    const command = { deploymentId: DEPLOYMENT, healthy: [], unhealthy: [allocationId(1)], skipsCanaries: true };
    const revert = canaryRollout().when((view, context) => setAllocationHealth(view, context, command));
    expect(currentVersion(revert.after.state<JobState>(JOB))).toMatchObject({ version: 2, skipsCanaries: true });
  });

  it('an auto-revert can skip the canary phase, when the meta of the job says so', () => {
    const revert = canaryRollout({ meta: { 'rollbook.revert': 'immediate' } }).when((view, context) =>
      failDeployment(view, context, { deploymentId: DEPLOYMENT }),
    );
    expect(currentVersion(revert.after.state<JobState>(JOB))).toMatchObject({ version: 2, skipsCanaries: true });
  });

  it('an auto-revert goes through its canaries as in Nomad unless it is told otherwise', () => {
    const revert = canaryRollout().when((view, context) => failDeployment(view, context, { deploymentId: DEPLOYMENT }));
    expect(currentVersion(revert.after.state<JobState>(JOB))).not.toHaveProperty('skipsCanaries');
  });

  it('a paused deployment never runs out of its deadline', () => {
    canaryRollout()
      .and((view, context) => pauseDeployment(view, context, { deploymentId: DEPLOYMENT, pause: true }))
      .later(100 * DEADLINE_S * US_PER_S)
      .when((view, context) =>
        failWatchedDeployment(view, context, { deploymentId: DEPLOYMENT, cause: 'deadline', rollback: true }),
      )
      .thenNothing();
  });

  it('a deployment that was paused has its whole deadline before it when it is resumed', () => {
    canaryRollout()
      .and((view, context) => pauseDeployment(view, context, { deploymentId: DEPLOYMENT, pause: true }))
      .later(100 * DEADLINE_S * US_PER_S)
      .and((view, context) => pauseDeployment(view, context, { deploymentId: DEPLOYMENT, pause: false }))
      .later((DEADLINE_S - 10) * US_PER_S)
      .when((view, context) =>
        failWatchedDeployment(view, context, { deploymentId: DEPLOYMENT, cause: 'deadline', rollback: true }),
      )
      .thenNothing();
  });

  it('there is no revert storm after a partition: what was reverted to is not reverted again', () => {
    const story = canaryRollout().and((view, context) => failDeployment(view, context, { deploymentId: DEPLOYMENT }));
    for (let n = 2; n < 6; n++) {
      const id = DEPLOYMENT.replace(/.$/, String(n));
      const evaluation = latestEvaluation(story);
      story.and(
        planned({
          evaluation,
          deployment: { id, groups: { app: { autoRevert: true } } },
          place: [{ id: allocationId(n) }],
        }),
      );
      story.and((view, context) => failDeployment(view, context, { deploymentId: id }));
      expect(story.state<DeploymentState>(deploymentStream(id)).statusDescription).toMatch(
        /not rolling back to stable job version 2 as current job has same specification/,
      );
    }
    expect(currentVersion(story.state<JobState>(JOB))?.version).toBe(2);
  });

  describe('a deployment that waits for promotion says for how long and for whom', () => {
    const waitOf = (story: Given): Record<string, unknown> => {
      const canary = story.state<AllocationState>(`allocation/${allocationId(1)}`);
      return renderDeploymentWait(story.state<DeploymentState>(ON), [canary]);
    };

    it('for an operator, since its canaries are healthy', () => {
      const story = canaryRollout();
      expect(waitOf(story)).toMatchObject({ WaitingFor: 'health', By: null });
      story.and(healthReported(true, allocationId(1)));
      const { timestamp } = story.state<AllocationState>(`allocation/${allocationId(1)}`).deploymentStatus!;
      story.later(3600 * US_PER_S);
      const since = new Date(timestamp / 1000).getTime();
      const wait = waitOf(story);
      expect(wait).toMatchObject({
        WaitingFor: 'promotion',
        By: 'operator',
        Groups: { app: { HealthyCanaries: [allocationId(1)], DesiredCanaries: 1 } },
      });
      expect(Date.parse(wait['Since'] as string)).toBe(since);
    });

    it('for its resumption while it is paused, and for nothing once it has ended', () => {
      const story = canaryRollout().and((view, context) =>
        pauseDeployment(view, context, { deploymentId: DEPLOYMENT, pause: true }),
      );
      expect(waitOf(story)).toMatchObject({ WaitingFor: 'resume' });
      story.and((view, context) => failDeployment(view, context, { deploymentId: DEPLOYMENT }));
      expect(waitOf(story)).toMatchObject({ WaitingFor: null, Since: null, Groups: {} });
    });
  });
});
