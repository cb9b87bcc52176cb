import {
  NO_REGISTRY,
  renderAclAuthMethod,
  renderAclBindingRule,
  renderAclPolicy,
  renderAclRole,
  renderAclToken,
  currentVersion,
  renderAllocation,
  renderDeployment,
  renderEvaluation,
  renderJob,
  renderJobSummary,
  renderNamespace,
  renderNode,
  renderNodePool,
  renderRootKey,
  renderScalingPolicy,
  renderAutopilotConfiguration,
  renderSchedulerConfiguration,
  renderService,
  renderDeadLetter,
  renderVariableMetadata,
  renderWebhook,
  type AggregateState,
  type AclAuthMethodState,
  type AclBindingRuleState,
  type AclPolicyState,
  type AclRegistryState,
  type AclRoleState,
  type AclTokenState,
  type AllocationServices,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
  type JobPurgeState,
  type JobState,
  type JobSummaryState,
  type NamespaceState,
  type NodePoolState,
  type FreezesState,
  type WebhookLettersState,
  type WebhooksState,
  type KeyringState,
  type NodeState,
  type ScalingPolicyState,
  type AutopilotConfigurationState,
  type SchedulerConfigurationState,
  type VariableState,
} from '@app/domain';
import { assertNever, streamKey, streamType, type StreamName } from '@app/kernel';

/** Whether the object is gone for good: its job was purged, or it was collected as garbage. */
export const isGone = (state: AggregateState | undefined): boolean =>
  (state as { readonly purged?: boolean } | undefined)?.purged === true;

/** The whole object after an event, as Nomad's event stream has it in `Payload`: JSON text. A job that is gone is shown as it was. */
export function payloadText(
  stream: StreamName,
  before: AggregateState | undefined,
  after: AggregateState | undefined,
): string {
  return JSON.stringify({ ...objectOf(stream, before, after), Deleted: isGone(after) });
}

function objectOf(stream: StreamName, before: AggregateState | undefined, after: AggregateState | undefined): object {
  const type = streamType(stream);
  switch (type) {
    case 'deployment':
      return { Deployment: after === undefined ? null : renderDeployment(after as DeploymentState) };
    case 'allocation':
      return { Allocation: after === undefined ? null : renderAllocation(after as AllocationState) };
    case 'evaluation':
      return { Evaluation: after === undefined ? null : renderEvaluation(after as EvaluationState) };
    case 'job': {
      const version = currentVersion(after as JobState | undefined) ?? currentVersion(before as JobState | undefined);
      return { Job: version === undefined ? null : renderJob(version) };
    }
    case 'job-summary':
      return { JobSummary: after === undefined ? null : renderJobSummary(after as JobSummaryState) };
    case 'job-purge': {
      const { namespace, jobId, upTo } = after as JobPurgeState;
      return { JobPurge: { Namespace: namespace, JobID: jobId, UpTo: upTo } };
    }
    case 'node':
      return { Node: after === undefined ? null : renderNode(after as NodeState) };
    case 'namespace':
      return { Namespace: after === undefined ? null : renderNamespace(after as NamespaceState) };
    case 'node-pool':
      return { NodePool: after === undefined ? null : renderNodePool(after as NodePoolState) };
    case 'scaling-policy':
      return { ScalingPolicy: after === undefined ? null : renderScalingPolicy(after as ScalingPolicyState) };
    case 'scheduler-configuration':
      return { SchedulerConfig: renderSchedulerConfiguration(after as SchedulerConfigurationState | undefined) };
    case 'autopilot-configuration':
      return { AutopilotConfig: renderAutopilotConfiguration(after as AutopilotConfigurationState | undefined) };
    case 'keyring':
      return { RootKeys: ((after as KeyringState | undefined)?.keys ?? []).map(renderRootKey) };
    case 'freezes':
      return { Freezes: (after as FreezesState | undefined)?.windows ?? [] };
    case 'webhooks':
      return { Webhooks: ((after as WebhooksState | undefined)?.webhooks ?? []).map(renderWebhook) };
    case 'webhook-letters':
      return { DeadLetters: ((after as WebhookLettersState | undefined)?.letters ?? []).map(renderDeadLetter) };
    case 'services': {
      const owner = after as AllocationServices | undefined;
      return { Services: (owner?.services ?? []).map((service) => renderService(owner!, service)) };
    }
    case 'acl-token':
      return { ACLToken: after === undefined ? null : renderAclToken(after as AclTokenState, new Map(), '') };
    case 'acl-policy':
      return { ACLPolicy: after === undefined ? null : renderAclPolicy(after as AclPolicyState) };
    case 'acl-role':
      return { ACLRole: after === undefined ? null : renderAclRole(after as AclRoleState) };
    case 'acl-auth-method':
      return { AuthMethod: after === undefined ? null : renderAclAuthMethod(after as AclAuthMethodState) };
    case 'acl-binding-rule':
      return { ACLBindingRule: after === undefined ? null : renderAclBindingRule(after as AclBindingRuleState) };
    case 'acl-registry': {
      const { bootstrapIndex, roles } = (after ?? NO_REGISTRY) as AclRegistryState;
      return {
        ACLRegistry: { BootstrapIndex: bootstrapIndex, Roles: roles.map(({ id, name }) => ({ ID: id, Name: name })) },
      };
    }
    case 'variable':
      // Whoever knows the id of a lock may break it: it is in no message but its own event's.
      return { Metadata: after === undefined ? null : renderVariableMetadata(after as VariableState, false) };
  }
  return assertNever(type);
}

/** What keeps its order in the topic of events: everything of one job, and everything of one node. */
export function orderKey(stream: StreamName, state: AggregateState | undefined): string {
  const type = streamType(stream);
  if (type === 'deployment' || type === 'allocation' || type === 'evaluation') {
    const owned = state as DeploymentState | AllocationState | EvaluationState | undefined;
    return owned === undefined ? stream : `${owned.namespace}/${owned.jobId}`;
  }
  return streamKey(stream);
}
