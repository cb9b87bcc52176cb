import {
  isActive,
  isTemplate,
  rawNumber,
  requiresPromotion,
  type AllocationState,
  type DeploymentState,
  type JobStatus,
  type JobVersion,
} from '@app/domain';
import { nsFromUs, type Index } from '@app/kernel';

/** What is shown of a child: it moves its parent's page. */
export interface Child {
  readonly status: JobStatus;
  readonly modifyIndex: Index;
}

/** A job with what runs of it. */
export interface JobAtWork {
  readonly current: JobVersion;
  readonly allocations: readonly AllocationState[];
  readonly deployment: DeploymentState | undefined;
  readonly children: readonly Child[];
}

/** Where nomad-pack notes what it made a job of. */
const PACK = 'pack.name';

/** Nomad: JobStatusesJob; spec/http-api §3. */
export const renderJobStatus = ({ current, allocations, deployment, children }: JobAtWork): object => {
  const { spec } = current;
  return {
    ID: spec.ID,
    Namespace: spec.Namespace,
    Name: spec.Name,
    Type: spec.Type,
    NodePool: spec.NodePool,
    Datacenters: spec.Datacenters,
    Priority: spec.Priority,
    Version: current.version,
    SubmitTime: rawNumber(nsFromUs(current.submitTime)),
    ModifyIndex: current.modifyIndex,
    Allocs: allocations.length === 0 ? null : allocations.map(renderAllocation),
    GroupCountSum: spec.TaskGroups.reduce((sum, { Count }) => sum + Count, 0),
    ChildStatuses: isTemplate(spec) ? children.map(({ status }) => status) : null,
    ParentID: spec.ParentID,
    LatestDeployment: deployment === undefined ? null : renderDeployment(deployment),
    Stop: spec.Stop,
    IsPack: spec.Meta?.[PACK] !== undefined,
    Status: current.status,
  };
};

const renderAllocation = (alloc: AllocationState): object => ({
  ID: alloc.id,
  Group: alloc.taskGroup,
  ClientStatus: alloc.clientStatus,
  NodeID: alloc.nodeId,
  DeploymentStatus: {
    Canary: alloc.deploymentStatus?.canary ?? false,
    Healthy: alloc.deploymentStatus?.healthy ?? null,
  },
  JobVersion: alloc.jobVersion,
  FollowupEvalID: alloc.followupEvalId,
  HasPausedTask: false,
});

const renderDeployment = (deployment: DeploymentState): object => ({
  ID: deployment.id,
  IsActive: isActive(deployment),
  JobVersion: deployment.jobVersion,
  Status: deployment.status,
  StatusDescription: deployment.statusDescription,
  AllAutoPromote:
    deployment.status === 'running' &&
    Object.values(deployment.groups).every((group) => group.desiredCanaries === 0 || group.autoPromote),
  RequiresPromotion: requiresPromotion(deployment),
});
