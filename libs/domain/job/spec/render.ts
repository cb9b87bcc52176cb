import { nsFromUs } from '@app/kernel';
import { rawNumber } from '../../raw-json.js';
import type { TaskGroup } from '../../nomad.js';
import type { JobVersion, ScalingPolicyIdentity } from '../state.js';

/**
 * Nomad's Job: the specification of one version and the server's bookkeeping. Times are integer nanoseconds, to be written by
 * `JSON.stringify`. Source: spec/http-api §2.4, recording jobs-read.
 */
export function renderJob({ spec, versionTag, ...version }: JobVersion): object {
  const { UI, ...specification } = spec;
  return {
    ...specification,
    ...(version.scalingPolicies && { TaskGroups: withPolicies(spec.TaskGroups, version.scalingPolicies) }),
    Status: version.status,
    StatusDescription: '',
    Stable: version.stable,
    Version: version.version,
    SubmitTime: rawNumber(nsFromUs(version.submitTime)),
    CreateIndex: version.createIndex,
    ModifyIndex: version.modifyIndex,
    JobModifyIndex: version.jobModifyIndex,
    UI,
    VersionTag: versionTag && { ...versionTag, TaggedTime: rawNumber(nsFromUs(versionTag.TaggedTime)) },
  };
}

function withPolicies(groups: readonly TaskGroup[], policies: readonly ScalingPolicyIdentity[]): readonly TaskGroup[] {
  const byGroup = new Map(policies.map((policy) => [policy.group, policy]));
  return groups.map((group) => {
    const policy = byGroup.get(group.Name);
    if (policy === undefined || group.Scaling === null) return group;
    const { id: ID, createIndex: CreateIndex, modifyIndex: ModifyIndex } = policy;
    return { ...group, Scaling: { ...group.Scaling, ID, CreateIndex, ModifyIndex } };
  });
}
