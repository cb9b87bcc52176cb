import type { AclTokenEvent } from '../acl-token/events.js';
import type { AclAuthMethodEvent } from '../acl-auth-method/events.js';
import type { AclBindingRuleEvent } from '../acl-binding-rule/events.js';
import type { AclPolicyEvent } from '../acl-policy/events.js';
import type { AclRoleEvent } from '../acl-role/events.js';
import type { AclRegistryEvent } from '../acl-registry/events.js';
import type { AllocationEvent } from '../allocation/events.js';
import type { AutopilotConfigurationEvent } from '../autopilot-configuration/events.js';
import type { DeploymentEvent } from '../deployment/events.js';
import type { EvaluationEvent } from '../evaluation/events.js';
import type { FreezeEvent } from '../freezes/events.js';
import type { JobPurgeEvent } from '../job-purge/events.js';
import type { JobSummaryEvent } from '../job-summary/events.js';
import type { JobEvent } from '../job/events.js';
import type { NamespaceEvent } from '../namespace/events.js';
import type { NodePoolEvent } from '../node-pool/events.js';
import type { KeyringEvent } from '../keyring/events.js';
import type { NodeEventRecord } from '../node/events.js';
import type { ScalingPolicyEvent } from '../scaling-policy/events.js';
import type { SchedulerConfigurationEvent } from '../scheduler-configuration/events.js';
import type { ServicesEvent } from '../service/events.js';
import type { VariableEvent } from '../variable/events.js';
import type { WebhookEvent, WebhookLetterEvent } from '../webhooks/events.js';

/** Whatever may stand in the log. */
export type AnyEvent =
  | AclTokenEvent
  | AclPolicyEvent
  | AclRoleEvent
  | AclAuthMethodEvent
  | AclBindingRuleEvent
  | AclRegistryEvent
  | AllocationEvent
  | AutopilotConfigurationEvent
  | DeploymentEvent
  | EvaluationEvent
  | FreezeEvent
  | JobPurgeEvent
  | JobSummaryEvent
  | JobEvent
  | NamespaceEvent
  | NodePoolEvent
  | KeyringEvent
  | NodeEventRecord
  | ScalingPolicyEvent
  | SchedulerConfigurationEvent
  | ServicesEvent
  | VariableEvent
  | WebhookEvent
  | WebhookLetterEvent;
type EventType = AnyEvent['type'];

/** Every type of event that this release knows: the compiler holds it complete for each aggregate here, a test for all the aggregates there are. */
const TYPES: Readonly<Record<EventType, true>> = {
  AclTokenCreated: true,
  AclTokenChanged: true,
  OneTimeSecretIssued: true,
  OneTimeSecretExchanged: true,
  AclTokenExpired: true,
  AclTokenDeleted: true,
  AclPolicyDefined: true,
  AclPolicyDeleted: true,
  AclRoleDefined: true,
  AclRoleDeleted: true,
  AclAuthMethodDefined: true,
  AclAuthMethodDeleted: true,
  AclBindingRuleDefined: true,
  AclBindingRuleDeleted: true,
  AclDefaultMethodChanged: true,
  AclBootstrapped: true,
  AclTokenUploaded: true,
  AclRoleNamed: true,
  AclRoleUnnamed: true,
  AllocationPlaced: true,
  AllocationStopDesired: true,
  AllocationPreempted: true,
  AllocationUpdatedInPlace: true,
  AllocationFollowupScheduled: true,
  AllocationConnectionNoted: true,
  AllocationRescheduleNoted: true,
  AllocationTransitionDesired: true,
  AllocationReplaced: true,
  AllocationPromoted: true,
  AllocationReported: true,
  AllocationHealthSet: true,
  AllocationPurged: true,
  AllocationCollected: true,
  DeploymentCreated: true,
  DeploymentGoalsChanged: true,
  DeploymentAllocationsPlaced: true,
  DeploymentAllocationsHealthy: true,
  DeploymentAllocationsUnhealthy: true,
  DeploymentPromoted: true,
  DeploymentPaused: true,
  DeploymentResumed: true,
  DeploymentFailed: true,
  DeploymentSucceeded: true,
  DeploymentCancelled: true,
  DeploymentPurged: true,
  DeploymentCollected: true,
  EvaluationCreated: true,
  EvaluationCompleted: true,
  EvaluationFailed: true,
  EvaluationBlocked: true,
  EvaluationUnblocked: true,
  EvaluationCanceled: true,
  EvaluationCollected: true,
  EvaluationDeleted: true,
  JobPurgeBegun: true,
  JobPurgeEnded: true,
  JobSummaryGroupsAdded: true,
  JobSummaryChanged: true,
  JobSummaryChildrenCounted: true,
  JobSummaryPurged: true,
  JobRegistered: true,
  JobStopped: true,
  JobStatusChanged: true,
  JobVersionMarkedStable: true,
  JobVersionTagged: true,
  JobScaled: true,
  PeriodicJobLaunched: true,
  PeriodicLaunchPassedOver: true,
  JobVersionUntagged: true,
  JobPurged: true,
  FreezeDefined: true,
  FreezeDeleted: true,
  FreezeRefusedChange: true,
  FreezeOverridden: true,
  WebhookDefined: true,
  WebhookEnabled: true,
  WebhookDisabled: true,
  WebhookDeleted: true,
  WebhookDeliveryFailed: true,
  WebhookRedeliveryRequested: true,
  WebhookRedeliveryFailed: true,
  WebhookRedelivered: true,
  WebhookLettersDiscarded: true,
  WebhookReached: true,
  WebhookLettersDropped: true,
  NamespaceDefined: true,
  NamespaceDeleted: true,
  NodePoolDefined: true,
  NodePoolDeleted: true,
  RootKeyAdded: true,
  RootKeyPublished: true,
  RootKeyDeprecated: true,
  RootKeyRemoved: true,
  ScalingPolicySet: true,
  ScalingPolicyRemoved: true,
  NodeRegistered: true,
  NodeDescriptionChanged: true,
  NodeStatusChanged: true,
  NodeEventsEmitted: true,
  NodeAllocationsRefreshed: true,
  NodeEligibilityChanged: true,
  NodeDrainChanged: true,
  NodePurged: true,
  AutopilotConfigurationChosen: true,
  SchedulerConfigurationChosen: true,
  ServicesRegistered: true,
  ServicesDeregistered: true,
  VariableWritten: true,
  VariableLocked: true,
  VariableUnlocked: true,
  VariableDeleted: true,
  VariableResealed: true,
};

export const EVENT_TYPES: ReadonlySet<string> = new Set(Object.keys(TYPES));
