import type { Index } from '@app/kernel';
import type { JobSpec, ScalingPolicy } from '../nomad.js';
import { jsonEqual } from './spec/spec-changed.js';

/*
 * A scaling block is a policy with an id of its own, which stays as long as the group keeps the block. Its indexes are those of the commits
 * that made and changed it. Source: spec/http-api-more §15, recording scaling-policies.
 */

/** Of the commit that the block is stored by; known when it is folded. */
const THIS_COMMIT: Index = 0;

const content = ({ ID: _id, CreateIndex: _created, ModifyIndex: _modified, ...policy }: ScalingPolicy) => policy;

function identify(policy: ScalingPolicy, before: ScalingPolicy | null, newId: () => string): ScalingPolicy {
  if (before === null || before.ID === '')
    return { ...policy, ID: newId(), CreateIndex: THIS_COMMIT, ModifyIndex: THIS_COMMIT };
  const isSame = jsonEqual(content(policy), content(before));
  const { ID, CreateIndex, ModifyIndex } = before;
  return { ...policy, ID, CreateIndex, ModifyIndex: isSame ? ModifyIndex : THIS_COMMIT };
}

const withPolicies = (spec: JobSpec, change: (policy: ScalingPolicy, group: string) => ScalingPolicy): JobSpec =>
  spec.TaskGroups.every(({ Scaling }) => Scaling === null)
    ? spec
    : {
        ...spec,
        TaskGroups: spec.TaskGroups.map((group) =>
          group.Scaling === null ? group : { ...group, Scaling: change(group.Scaling, group.Name) },
        ),
      };

/** A specification whose scaling blocks have their ids: those of the version before, or new ones. */
export const withPolicyIds = (spec: JobSpec, before: JobSpec | undefined, newId: () => string): JobSpec =>
  withPolicies(spec, (policy, group) =>
    identify(policy, before?.TaskGroups.find(({ Name }) => Name === group)?.Scaling ?? null, newId),
  );

/** The same once its commit has an index. Blocks without an id are of an earlier release, and stay as they are. */
export const withPolicyIndexes = (spec: JobSpec, index: Index): JobSpec =>
  withPolicies(spec, (policy) =>
    policy.ID === ''
      ? policy
      : { ...policy, CreateIndex: policy.CreateIndex || index, ModifyIndex: policy.ModifyIndex || index },
  );
