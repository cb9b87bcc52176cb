import { scalingPolicyStream } from '@app/kernel';
import { given, jobSpec, registered, type Decide, type Given } from '@app/testing';
import { deregisterJob } from '../job/decide.js';
import { renderJob } from '../job/spec/render.js';
import type { JobState } from '../job/state.js';
import type { ScalingPolicy } from '../nomad.js';
import { renderScalingPolicy } from './render.js';
import type { ScalingPolicyState } from './state.js';

const block = (change: Partial<ScalingPolicy> = {}): ScalingPolicy => ({
  ID: '',
  Type: 'horizontal',
  Target: null,
  Policy: { cooldown: '1m' },
  Min: 1,
  Max: 3,
  Enabled: true,
  CreateIndex: 0,
  ModifyIndex: 0,
  ...change,
});
const spec = (scaling: ScalingPolicy | null, count = 1) => {
  const plain = jobSpec({ count });
  return { ...plain, TaskGroups: plain.TaskGroups.map((group) => ({ ...group, Scaling: scaling })) };
};
const deregistered =
  (purge: boolean): Decide =>
  (view, context) =>
    deregisterJob(view, context, {
      ...{ namespace: 'default', jobId: 'web', purge, evalPriority: 0, noShutdownDelay: false },
      ...{ allocationIds: [], deploymentIds: [], evaluationIds: [] },
    });

const identities = (story: Given) => story.state<JobState>('job/default/web').versions[0]?.scalingPolicies ?? [];
const policyOf = (story: Given, id: string) => story.state<ScalingPolicyState>(scalingPolicyStream(id));

describe('The scaling policy of a group', () => {
  test('is made with its block, and shown with the job', () => {
    const story = given(registered(spec(block())));
    const [identity] = identities(story);
    const policy = policyOf(story, identity!.id);
    expect(renderScalingPolicy(policy)).toMatchObject({
      Type: 'horizontal',
      Target: { Namespace: 'default', Job: 'web', Group: policy.group },
      Policy: { cooldown: '1m' },
      ...{ Min: 1, Max: 3, Enabled: true },
    });
    const { versions } = story.state<JobState>('job/default/web');
    expect(renderJob(versions[0]!)).toMatchObject({
      TaskGroups: [{ Scaling: { ID: policy.id, CreateIndex: policy.createIndex, ModifyIndex: policy.modifyIndex } }],
    });
  });

  test('stays as it is when something else of its job changes', () => {
    const story = given(registered(spec(block())));
    const [before] = identities(story);
    expect(identities(story.and(registered(spec(block(), 2))))).toEqual([before]);
  });

  test('keeps its id when its block changes', () => {
    const story = given(registered(spec(block())));
    const [before] = identities(story);
    const [after] = identities(story.and(registered(spec(block({ Max: 5 })))));
    expect(after).toMatchObject({ id: before!.id, createIndex: before!.createIndex });
    expect(after!.modifyIndex).toBeGreaterThan(before!.modifyIndex);
    expect(policyOf(story, before!.id)).toMatchObject({ max: 5, modifyIndex: after!.modifyIndex });
  });

  test('goes with its block, and comes back as another one', () => {
    const story = given(registered(spec(block())));
    const [before] = identities(story);
    story.and(registered(spec(null)));
    expect(identities(story)).toEqual([]);
    expect(policyOf(story, before!.id).purged).toBe(true);
    expect(identities(story.and(registered(spec(block()))))[0]!.id).not.toBe(before!.id);
  });

  test('is disabled while its job is stopped', () => {
    const story = given(registered(spec(block())), deregistered(false));
    const [identity] = identities(story);
    expect(policyOf(story, identity!.id)).toMatchObject({ enabled: false, modifyIndex: identity!.modifyIndex });
    story.and(registered(spec(block())));
    expect(policyOf(story, identity!.id).enabled).toBe(true);
  });

  test('is purged with its job', () => {
    const story = given(registered(spec(block())));
    const [identity] = identities(story);
    story.and(deregistered(true));
    expect(policyOf(story, identity!.id).purged).toBe(true);
  });
});
