import type { ScalingPolicyState } from './state.js';

const target = ({ namespace, jobId, group }: ScalingPolicyState): object => ({
  Namespace: namespace,
  Job: jobId,
  Group: group,
});

/** Nomad: ScalingPolicy. */
export const renderScalingPolicy = (state: ScalingPolicyState): object => ({
  ID: state.id,
  Type: state.type,
  Target: target(state),
  Policy: state.policy,
  Min: state.min,
  Max: state.max,
  Enabled: state.enabled,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});

/** Nomad: ScalingPolicyListStub. */
export const renderScalingPolicyStub = (state: ScalingPolicyState): object => ({
  ID: state.id,
  Enabled: state.enabled,
  Type: state.type,
  Target: target(state),
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});
