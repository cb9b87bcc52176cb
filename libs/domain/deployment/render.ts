import { isoFromUs, nsFromUs } from '@app/kernel';
import { rawNumber } from '../raw-json.js';
import type { DeploymentGroup, DeploymentState } from './state.js';

/** Nomad's Deployment, the same alone and in lists. spec/http-api §2.1. */
export const renderDeployment = (state: DeploymentState): object => ({
  ID: state.id,
  Namespace: state.namespace,
  JobID: state.jobId,
  JobVersion: state.jobVersion,
  JobModifyIndex: state.jobModifyIndex,
  JobSpecModifyIndex: state.jobSpecModifyIndex,
  JobCreateIndex: state.jobCreateIndex,
  IsMultiregion: false,
  TaskGroups: Object.fromEntries(Object.entries(state.groups).map(([name, group]) => [name, renderGroup(group)])),
  Status: state.status,
  StatusDescription: state.statusDescription,
  EvalPriority: state.evalPriority,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
  CreateTime: rawNumber(nsFromUs(state.createTime)),
  ModifyTime: rawNumber(nsFromUs(state.modifyTime)),
});

const renderGroup = (group: DeploymentGroup): object => ({
  AutoRevert: group.autoRevert,
  AutoPromote: group.autoPromote,
  ProgressDeadline: group.progressDeadline,
  RequireProgressBy: isoFromUs(group.requireProgressBy),
  Promoted: group.promoted,
  PlacedCanaries: group.placedCanaries.length === 0 ? null : group.placedCanaries,
  DesiredCanaries: group.desiredCanaries,
  DesiredTotal: group.desiredTotal,
  PlacedAllocs: group.placedAllocs,
  HealthyAllocs: group.healthyAllocs,
  UnhealthyAllocs: group.unhealthyAllocs,
});
