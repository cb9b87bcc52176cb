import type { Draft } from '../command/draft.js';
import { THIS_INDEX } from '../evaluation/state.js';
import { jsonEqual } from '../job/spec/spec-changed.js';
import type { JobVersion, ScalingPolicyIdentity } from '../job/state.js';
import type { JobSpec, TaskGroup } from '../nomad.js';

/** What of a policy is told by its block and its job. */
const contentOf = (spec: JobSpec, { Scaling: scaling }: TaskGroup) => ({
  type: scaling?.Type ?? '',
  policy: scaling?.Policy ?? null,
  min: scaling?.Min ?? 0,
  max: scaling?.Max ?? 0,
  enabled: (scaling?.Enabled ?? false) && !spec.Stop,
});

/**
 * Makes the scaling policies of a job's next version: a group keeps its policy as long as it keeps its block, and the policy moves only when
 * the block does. Returns whose they are.
 */
export function storePolicies(
  draft: Draft,
  current: JobVersion | undefined,
  spec: JobSpec,
): readonly ScalingPolicyIdentity[] {
  const former = new Map(current?.scalingPolicies?.map((one) => [one.group, one]));
  const policies = spec.TaskGroups.filter(({ Scaling: scaling }) => scaling !== null).map((group) => {
    const known = former.get(group.Name);
    former.delete(group.Name);
    const content = contentOf(spec, group);
    const before = current?.spec.TaskGroups.find(({ Name: name }) => name === group.Name);
    if (known && current && before && jsonEqual(contentOf(current.spec, before), content)) return known;
    // A child has the block of its parent, and a policy of its own.
    const given = spec.ParentID === '' ? group.Scaling?.ID : '';
    const id = known?.id ?? (given || draft.context.newId());
    const { Namespace: namespace, ID: jobId } = spec;
    draft.onScalingPolicy(id, {
      type: 'ScalingPolicySet',
      data: { id, namespace, jobId, group: group.Name, ...content },
    });
    return { group: group.Name, id, createIndex: known?.createIndex ?? THIS_INDEX, modifyIndex: THIS_INDEX };
  });
  for (const { id } of former.values()) draft.onScalingPolicy(id, { type: 'ScalingPolicyRemoved', data: {} });
  return policies;
}

/** The policies of a job that goes. */
export function removePolicies(draft: Draft, current: JobVersion | undefined): void {
  for (const { id } of current?.scalingPolicies ?? []) {
    draft.onScalingPolicy(id, { type: 'ScalingPolicyRemoved', data: {} });
  }
}
