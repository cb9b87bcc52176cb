import {
  currentVersion,
  failDeployment,
  markStable,
  registerJob,
  computedClass,
  heartbeatNode,
  registerNode,
  type DeploymentState,
  type JobSpec,
} from '@app/domain';
import { schedule } from '@app/scheduling';
import { submitPlan, fingerprintOf } from '@app/domain';
import { changed, node, service } from '../../libs/scheduling/testing/specs.js';
import { MemoryLog } from './memory-log.js';
import { randomOf } from './random.js';

const COUNT = 4;

/** Registers, schedules what is pending, and so on until nothing is. */
function story() {
  const random = randomOf(1);
  let now = 1_767_225_600_000_000;
  const log = new MemoryLog(() => (now += 1_000_000), random.uuid);
  const description = node('node-1');
  log.execute('RegisterNode', (view, context) =>
    registerNode(view, context, {
      description,
      secretDigest: '',
      computedClass: computedClass(description),
      affected: [],
    }),
  );
  log.execute('HeartbeatNode', (view, context) =>
    heartbeatNode(view, context, { nodeId: 'node-1', affected: [], hasLiveAllocations: false }),
  );
  const settle = (): void => {
    for (const evaluation of log.cluster.openEvaluations()) {
      const { plan, outcome } = schedule({
        evaluation,
        cluster: log.cluster,
        now,
        newId: random.uuid,
        elapsed: () => 0,
      });
      const newest = log.cluster.deploymentsOfJob('default', 'shop').at(-1);
      const basis = {
        jobModifyIndex: currentVersion(log.cluster.job('default', 'shop'))!.jobModifyIndex,
        deployment: newest === undefined ? null : { id: newest.id, fingerprint: fingerprintOf(newest) },
      };
      const command = {
        evaluationId: evaluation.id,
        namespace: 'default',
        jobId: 'shop',
        plan,
        outcome,
        basis,
        supersededEvals: [],
        otherOpenEvaluations: false,
        signingKeyId: '',
      };
      log.execute('SubmitPlan', (view, context) => submitPlan(view, context, command));
    }
  };
  return {
    log,
    register(spec: JobSpec) {
      log.execute('RegisterJob', (view, context) =>
        registerJob(view, context, { spec, enforceIndex: null, evalPriority: 0 }),
      );
      settle();
    },
    stable: () =>
      log.execute('MarkStable', (view, context) =>
        markStable(view, context, { namespace: 'default', jobId: 'shop', version: 0, stable: true }),
      ),
    fail(skipsCanaries: boolean) {
      const { id } = log.cluster.deploymentsOfJob('default', 'shop').at(-1)!;
      log.execute('FailDeployment', (view, context) =>
        failDeployment(view, context, { deploymentId: id, skipsCanaries }),
      );
      settle();
    },
    newest: (): DeploymentState => log.cluster.deploymentsOfJob('default', 'shop').at(-1)!,
  };
}

const spec = service({ Count: COUNT });
const withCanary = (of: JobSpec): JobSpec => ({
  ...of,
  TaskGroups: of.TaskGroups.map((group) => ({
    ...group,
    Update: { ...group.Update!, Canary: 2, AutoRevert: true, MaxParallel: COUNT },
  })),
});

/** Version 1 has replaced everything of version 0, and then its successor fails while it tries its canaries. */
function failing(skipsCanaries: boolean): DeploymentState {
  const { register, stable, fail, newest } = story();
  register(withCanary(spec));
  stable();
  register({
    ...changed(withCanary(spec), 'new'),
    TaskGroups: changed(withCanary(spec), 'new').TaskGroups.map((group) => ({
      ...group,
      Update: { ...group.Update!, Canary: 0 },
    })),
  });
  fail(skipsCanaries);
  return newest();
}

describe('better than Nomad', () => {
  it('an auto-revert can skip the canary phase: its deployment replaces at once', () => {
    expect(failing(true).groups['web']).toMatchObject({ desiredCanaries: 0, placedCanaries: [] });
  });

  it('an auto-revert tries its canaries first when nobody asks for more haste', () => {
    expect(failing(false).groups['web']).toMatchObject({ desiredCanaries: 2 });
  });
});
