import { assertNever, streamType, type DomainEvent, type Fact, type StreamName } from '@app/kernel';
import type { AclTokenEvent } from './acl-token/events.js';
import { evolveAclToken } from './acl-token/evolve.js';
import type { AclTokenState } from './acl-token/state.js';
import type { AclAuthMethodEvent } from './acl-auth-method/events.js';
import { evolveAclAuthMethod } from './acl-auth-method/evolve.js';
import type { AclAuthMethodState } from './acl-auth-method/state.js';
import type { AclBindingRuleEvent } from './acl-binding-rule/events.js';
import { evolveAclBindingRule } from './acl-binding-rule/evolve.js';
import type { AclBindingRuleState } from './acl-binding-rule/state.js';
import type { AclPolicyEvent } from './acl-policy/events.js';
import { evolveAclPolicy } from './acl-policy/evolve.js';
import type { AclPolicyState } from './acl-policy/state.js';
import type { AclRoleEvent } from './acl-role/events.js';
import { evolveAclRole } from './acl-role/evolve.js';
import type { AclRoleState } from './acl-role/state.js';
import type { AclRegistryEvent } from './acl-registry/events.js';
import { evolveAclRegistry } from './acl-registry/evolve.js';
import type { AclRegistryState } from './acl-registry/state.js';
import type { AllocationEvent } from './allocation/events.js';
import { evolveAllocation } from './allocation/evolve.js';
import type { AllocationState } from './allocation/state.js';
import type { AutopilotConfigurationEvent } from './autopilot-configuration/events.js';
import { evolveAutopilotConfiguration } from './autopilot-configuration/evolve.js';
import type { AutopilotConfigurationState } from './autopilot-configuration/state.js';
import type { DeploymentEvent } from './deployment/events.js';
import { evolveDeployment } from './deployment/evolve.js';
import type { DeploymentState } from './deployment/state.js';
import type { EvaluationEvent } from './evaluation/events.js';
import { evolveEvaluation } from './evaluation/evolve.js';
import type { EvaluationState } from './evaluation/state.js';
import type { FreezeEvent } from './freezes/events.js';
import { evolveFreezes } from './freezes/evolve.js';
import type { FreezesState } from './freezes/state.js';
import type { JobPurgeEvent } from './job-purge/events.js';
import { evolveJobPurge } from './job-purge/evolve.js';
import type { JobPurgeState } from './job-purge/state.js';
import type { JobSummaryEvent } from './job-summary/events.js';
import { evolveJobSummary } from './job-summary/evolve.js';
import type { JobSummaryState } from './job-summary/state.js';
import type { JobEvent } from './job/events.js';
import { evolveJob } from './job/evolve.js';
import type { JobState } from './job/state.js';
import type { NamespaceEvent } from './namespace/events.js';
import { evolveNamespace } from './namespace/evolve.js';
import type { NamespaceState } from './namespace/state.js';
import type { NodePoolEvent } from './node-pool/events.js';
import { evolveNodePool } from './node-pool/evolve.js';
import type { NodePoolState } from './node-pool/state.js';
import type { KeyringEvent } from './keyring/events.js';
import { evolveKeyring } from './keyring/evolve.js';
import type { KeyringState } from './keyring/state.js';
import type { NodeEventRecord } from './node/events.js';
import { evolveNode } from './node/evolve.js';
import type { NodeState } from './node/state.js';
import type { ScalingPolicyEvent } from './scaling-policy/events.js';
import { evolveScalingPolicy } from './scaling-policy/evolve.js';
import type { ScalingPolicyState } from './scaling-policy/state.js';
import type { SchedulerConfigurationEvent } from './scheduler-configuration/events.js';
import { evolveSchedulerConfiguration } from './scheduler-configuration/evolve.js';
import type { SchedulerConfigurationState } from './scheduler-configuration/state.js';
import type { ServicesEvent } from './service/events.js';
import { evolveServices } from './service/evolve.js';
import type { AllocationServices } from './service/state.js';
import type { VariableEvent } from './variable/events.js';
import { evolveVariable } from './variable/evolve.js';
import type { VariableState } from './variable/state.js';
import type { WebhookEvent, WebhookLetterEvent } from './webhooks/events.js';
import { evolveWebhookLetters, evolveWebhooks } from './webhooks/evolve.js';
import type { WebhookLettersState, WebhooksState } from './webhooks/state.js';

export type AggregateState =
  | AclTokenState
  | AclPolicyState
  | AclRoleState
  | AclAuthMethodState
  | AclBindingRuleState
  | AclRegistryState
  | AllocationState
  | AutopilotConfigurationState
  | DeploymentState
  | EvaluationState
  | FreezesState
  | JobState
  | JobPurgeState
  | JobSummaryState
  | NamespaceState
  | NodePoolState
  | NodeState
  | ScalingPolicyState
  | SchedulerConfigurationState
  | KeyringState
  | VariableState
  | WebhooksState
  | WebhookLettersState
  | AllocationServices;

/** The state of any stream after one more event: the fold that rows, responses, stream messages and Kafka records come from. */
export function evolve(
  stream: StreamName,
  state: AggregateState | undefined,
  event: DomainEvent,
  fact: Fact,
): AggregateState | undefined {
  const type = streamType(stream);
  switch (type) {
    case 'allocation':
      return evolveAllocation(state as AllocationState | undefined, event as AllocationEvent, fact);
    case 'deployment':
      return evolveDeployment(state as DeploymentState | undefined, event as DeploymentEvent, fact);
    case 'evaluation':
      return evolveEvaluation(state as EvaluationState | undefined, event as EvaluationEvent, fact);
    case 'freezes':
      return evolveFreezes(state as FreezesState | undefined, event as FreezeEvent, fact);
    case 'job':
      return evolveJob(state as JobState | undefined, event as JobEvent, fact);
    case 'job-purge':
      return evolveJobPurge(state as JobPurgeState | undefined, event as JobPurgeEvent, fact);
    case 'job-summary':
      return evolveJobSummary(state as JobSummaryState | undefined, event as JobSummaryEvent, fact);
    case 'node':
      return evolveNode(state as NodeState | undefined, event as NodeEventRecord, fact);
    case 'namespace':
      return evolveNamespace(state as NamespaceState | undefined, event as NamespaceEvent, fact);
    case 'node-pool':
      return evolveNodePool(state as NodePoolState | undefined, event as NodePoolEvent, fact);
    case 'scaling-policy':
      return evolveScalingPolicy(state as ScalingPolicyState | undefined, event as ScalingPolicyEvent, fact);
    case 'scheduler-configuration':
      return evolveSchedulerConfiguration(
        state as SchedulerConfigurationState | undefined,
        event as SchedulerConfigurationEvent,
        fact,
      );
    case 'autopilot-configuration':
      return evolveAutopilotConfiguration(
        state as AutopilotConfigurationState | undefined,
        event as AutopilotConfigurationEvent,
        fact,
      );
    case 'keyring':
      return evolveKeyring(state as KeyringState | undefined, event as KeyringEvent, fact);
    case 'services':
      return evolveServices(state as AllocationServices | undefined, event as ServicesEvent, fact);
    case 'variable':
      return evolveVariable(state as VariableState | undefined, event as VariableEvent, fact);
    case 'acl-token':
      return evolveAclToken(state as AclTokenState | undefined, event as AclTokenEvent, fact);
    case 'acl-policy':
      return evolveAclPolicy(state as AclPolicyState | undefined, event as AclPolicyEvent, fact);
    case 'acl-role':
      return evolveAclRole(state as AclRoleState | undefined, event as AclRoleEvent, fact);
    case 'acl-auth-method':
      return evolveAclAuthMethod(state as AclAuthMethodState | undefined, event as AclAuthMethodEvent, fact);
    case 'acl-binding-rule':
      return evolveAclBindingRule(state as AclBindingRuleState | undefined, event as AclBindingRuleEvent, fact);
    case 'acl-registry':
      return evolveAclRegistry(state as AclRegistryState | undefined, event as AclRegistryEvent, fact);
    case 'webhooks':
      return evolveWebhooks(state as WebhooksState | undefined, event as WebhookEvent, fact);
    case 'webhook-letters':
      return evolveWebhookLetters(state as WebhookLettersState | undefined, event as WebhookLetterEvent, fact);
  }
  return assertNever(type);
}
