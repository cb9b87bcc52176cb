import { isoFromUs, nsFromUs } from '@app/kernel';
import { omitEmpty } from '../allocation/render.js';
import { rawNumber } from '../raw-json.js';
import type { EvaluationState } from './state.js';

/** Nomad's Evaluation, alone and in lists; empty members are left out. spec/http-api §2.5. */
export const renderEvaluation = (state: EvaluationState): object =>
  omitEmpty({
    ID: state.id,
    Namespace: state.namespace,
    Priority: state.priority,
    Type: state.type,
    TriggeredBy: state.triggeredBy,
    JobID: state.jobId,
    JobModifyIndex: state.jobModifyIndex,
    NodeID: state.nodeId,
    NodeModifyIndex: state.nodeModifyIndex,
    DeploymentID: state.deploymentId,
    Status: state.status,
    StatusDescription: state.statusDescription,
    Wait: state.wait,
    WaitUntil: isoFromUs(state.waitUntil),
    NextEval: state.nextEval,
    PreviousEval: state.previousEval,
    BlockedEval: state.blockedEval,
    FailedTGAllocs: state.failedGroups,
    PlanAnnotations: state.planAnnotations && { ...state.planAnnotations, PreemptedAllocs: null },
    ClassEligibility: state.classEligibility,
    QuotaLimitReached: state.quotaLimitReached,
    EscapedComputedClass: state.escapedComputedClass,
    QueuedAllocations: state.queuedAllocations,
    SnapshotIndex: state.snapshotIndex,
    CreateIndex: state.createIndex,
    ModifyIndex: state.modifyIndex,
    CreateTime: rawNumber(nsFromUs(state.createTime)),
    ModifyTime: rawNumber(nsFromUs(state.modifyTime)),
  });

/** Nomad's EvaluationStub, as in RelatedEvals; every member is printed. */
export const renderEvaluationStub = (state: EvaluationState): object => ({
  ID: state.id,
  Namespace: state.namespace,
  Priority: state.priority,
  Type: state.type,
  TriggeredBy: state.triggeredBy,
  JobID: state.jobId,
  NodeID: state.nodeId,
  DeploymentID: state.deploymentId,
  Status: state.status,
  StatusDescription: state.statusDescription,
  WaitUntil: isoFromUs(state.waitUntil),
  NextEval: state.nextEval,
  PreviousEval: state.previousEval,
  BlockedEval: state.blockedEval,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
  CreateTime: rawNumber(nsFromUs(state.createTime)),
  ModifyTime: rawNumber(nsFromUs(state.modifyTime)),
});
