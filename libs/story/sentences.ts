import { ownProperty } from '@app/kernel';
import { many } from './words.js';

/** What an event carries, as JSON. */
export type EventData = Readonly<Record<string, unknown>>;

const ID_SHOWN = 8;

const text = (value: unknown): string => (typeof value === 'string' ? value : String(value));
const short = (id: unknown): string => text(id).slice(0, ID_SHOWN);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const members = (value: unknown): EventData =>
  typeof value === 'object' && value !== null ? (value as EventData) : {};
const after = (word: string, value: unknown): string =>
  value === undefined || value === null || value === '' ? '' : `${word}${text(value)}`;
const ids = (value: unknown): string => list(value).map(short).join(', ');
const allocations = ({ allocations: all, group }: EventData): string =>
  `${many(list(all).length, 'allocation')} of ${text(group)} (${ids(all)})`;

function goals(groups: unknown): string {
  return Object.entries(members(groups))
    .map(([name, group]) => {
      const { desiredTotal, desiredCanaries } = members(group);
      return `${name} wants ${text(desiredTotal)}${desiredCanaries ? `, first ${many(Number(desiredCanaries), 'canary')}` : ''}`;
    })
    .join('; ');
}

const COLLECTED = 'collected as garbage: hidden from lists, kept in the log';

/** A short sentence for each event type; the data is the event's own. */
const SENTENCES: Readonly<Record<string, (data: EventData) => string>> = {
  DeploymentCreated: (data) =>
    `the rollout of version ${text(data['jobVersion'])} of ${text(data['jobId'])} begins: ${goals(data['groups'])}`,
  DeploymentGoalsChanged: (data) => `its goals are now: ${goals(data['groups'])}`,
  DeploymentAllocationsPlaced: (data) =>
    `${allocations(data)} placed${list(data['canaries']).length > 0 ? `, as canary: ${ids(data['canaries'])}` : ''}`,
  DeploymentAllocationsHealthy: (data) => `${allocations(data)} healthy`,
  DeploymentAllocationsUnhealthy: (data) => `${allocations(data)} unhealthy`,
  DeploymentPromoted: ({ groups, automatic }) =>
    `${automatic ? 'promoted itself' : 'promoted'}: ${list(groups).map(text).join(', ')}`,
  DeploymentPaused: () => 'paused',
  DeploymentResumed: () => 'goes on',
  DeploymentFailed: ({ statusDescription, revertedToVersion }) =>
    `failed: ${text(statusDescription)}${after('; back to version ', revertedToVersion)}`,
  DeploymentSucceeded: () => 'successful: every allocation is in place and healthy',
  DeploymentCancelled: ({ statusDescription }) => `cancelled: ${text(statusDescription)}`,
  DeploymentPurged: () => 'purged together with its job',
  DeploymentCollected: () => COLLECTED,
  AllocationPlaced: (data) =>
    `${text(data['name'])} placed on node ${text(data['nodeName'])} for version ${text(data['jobVersion'])}${data['canary'] ? ', as a canary' : ''}${data['previousAllocation'] ? `, in place of ${short(data['previousAllocation'])}` : ''}`,
  AllocationStopDesired: ({ description, clientStatus }) =>
    `to be stopped: ${text(description)}${after('; client status ', clientStatus)}`,
  AllocationPreempted: ({ byAllocation }) => `to be stopped: it makes room for ${short(byAllocation)}`,
  AllocationUpdatedInPlace: ({ jobVersion }) => `updated where it runs to version ${text(jobVersion)}`,
  AllocationFollowupScheduled: ({ followupEvalId }) =>
    followupEvalId === ''
      ? 'not to be rescheduled any more'
      : `to be rescheduled by evaluation ${short(followupEvalId)}`,
  AllocationConnectionNoted: ({ clientStatus }) => `its client's status is ${text(clientStatus)}`,
  AllocationRescheduleNoted: () => 'rescheduling noted',
  AllocationTransitionDesired: ({ transition }) =>
    `asked to ${Object.entries(members(transition))
      .filter(([, value]) => value === true)
      .map(([name]) => name.toLowerCase())
      .join(' and ')}`,
  AllocationReplaced: ({ nextAllocation }) => `replaced by ${short(nextAllocation)}`,
  AllocationPromoted: () => 'promoted: no canary any more',
  AllocationReported: ({ clientStatus, clientDescription, health }) =>
    `its node says: ${text(clientStatus)}${after(', ', clientDescription)}${health ? (members(health)['healthy'] ? '; healthy' : '; unhealthy') : ''}`,
  AllocationHealthSet: ({ healthy }) => `declared ${healthy ? 'healthy' : 'unhealthy'} by an operator`,
  AllocationPurged: () => 'purged together with its job',
  AllocationCollected: () => COLLECTED,
  EvaluationCreated: (data) =>
    `${text(data['jobId'])} is to be evaluated because of ${text(data['triggeredBy'])}${after('; ', data['statusDescription'])}`,
  EvaluationCompleted: ({ statusDescription, blockedEval }) =>
    `complete${after(': ', statusDescription)}${blockedEval ? `; what did not fit waits in ${short(blockedEval)}` : ''}`,
  EvaluationFailed: ({ statusDescription }) => `failed${after(': ', statusDescription)}`,
  EvaluationBlocked: ({ statusDescription }) => `waits for room${after(': ', statusDescription)}`,
  EvaluationUnblocked: () => 'there may be room now',
  EvaluationCanceled: ({ statusDescription }) => `cancelled${after(': ', statusDescription)}`,
  EvaluationCollected: () => COLLECTED,
  ScalingPolicySet: ({ group }) => `the scaling policy of ${text(group)} is set`,
  ScalingPolicyRemoved: () => 'the scaling policy is removed',
  EvaluationDeleted: () => 'was deleted by an operator',
  JobRegistered: ({ version, cause, revertedTo }) =>
    `version ${text(version)} by ${text(cause)}${after(', brings back version ', revertedTo)}`,
  JobStopped: ({ version }) => `stopped, as version ${text(version)}`,
  JobStatusChanged: ({ status }) => `is ${text(status)}`,
  JobVersionMarkedStable: ({ version, stable }) =>
    `version ${text(version)} is ${stable ? 'stable' : 'not stable any more'}`,
  JobVersionTagged: ({ version, name }) => `version ${text(version)} is called ${text(name)}`,
  JobVersionUntagged: ({ version }) => `version ${text(version)} has no name any more`,
  JobScaled: ({ group, count, message }) =>
    `${text(group)}${count === undefined || count === null ? ' noted' : ` scaled to ${text(count)}`}${after(': ', message)}`,
  PeriodicJobLaunched: ({ childId }) => `launched as ${text(childId)}`,
  PeriodicLaunchPassedOver: () => 'a launch was passed over: the one before is not done',
  JobPurged: () => 'purged',
  JobPurgeBegun: () => 'what the job had is hidden, and taken away part by part',
  JobPurgeEnded: () => 'nothing is left of what the job had',
  NodeRegistered: ({ description }) =>
    `${text(members(description)['Name'])} registered in ${text(members(description)['Datacenter'])}`,
  NodeDescriptionChanged: () => 'describes itself anew',
  NodeStatusChanged: ({ status, missedHeartbeat }) =>
    `is ${text(status)}${missedHeartbeat ? ': it missed its heartbeat' : ''}`,
  NodeEventsEmitted: ({ events }) =>
    `tells: ${list(events)
      .map((event) => text(members(event)['message']))
      .join('; ')}`,
  NodeAllocationsRefreshed: () => 'sent its allocations after it was cut off',
  NodeEligibilityChanged: ({ eligibility }) => `is ${text(eligibility)}`,
  NodeDrainChanged: ({ drain, eligibility }) =>
    drain ? 'is being drained' : `is not being drained any more, ${text(eligibility)}`,
  NodePurged: () => 'purged',
  NamespaceDefined: ({ description }) => `defined${after(': ', description)}`,
  NamespaceDeleted: () => 'deleted',
  NodePoolDefined: ({ description }) => `defined${after(': ', description)}`,
  NodePoolDeleted: () => 'deleted',
  AclTokenCreated: ({ type, policies, expirationTime }) =>
    `created: ${text(type)}${list(policies).length > 0 ? `, with ${list(policies).map(text).join(', ')}` : ''}${expirationTime ? ', for a time' : ''}`,
  AclTokenChanged: ({ type, policies }) =>
    `changed: ${text(type)}${list(policies).length > 0 ? `, with ${list(policies).map(text).join(', ')}` : ''}`,
  OneTimeSecretIssued: () => 'a one-time secret was issued for it',
  OneTimeSecretExchanged: () => 'a one-time secret was exchanged for it',
  AclTokenExpired: () => 'expired',
  AclTokenDeleted: () => 'deleted',
  AclPolicyDefined: ({ description }) => `defined${after(': ', description)}`,
  AclPolicyDeleted: () => 'deleted',
  AclRoleDefined: ({ name, policies }) => `${text(name)} defined, with ${list(policies).map(text).join(', ')}`,
  AclRoleDeleted: () => 'deleted',
  AclAuthMethodDefined: ({ type, isDefault }) => `defined: ${text(type)}${isDefault ? ', the default' : ''}`,
  AclAuthMethodDeleted: () => 'deleted',
  AclBindingRuleDefined: ({ authMethod, bindType, bindName }) =>
    `binds who logs in by ${text(authMethod)} to ${text(bindType)}${after(' ', bindName)}`,
  AclBindingRuleDeleted: () => 'deleted',
  AclDefaultMethodChanged: ({ name }) =>
    name ? `${text(name)} is the default auth method` : 'no auth method is the default',
  AclBootstrapped: ({ accessorId }) => `bootstrapped: management token ${short(accessorId)}`,
  AclTokenUploaded: ({ accessorId }) => `token ${short(accessorId)} uploaded with a secret of its owner's`,
  AclRoleNamed: ({ name, id }) => `role ${short(id)} is called ${text(name)}`,
  AclRoleUnnamed: ({ id }) => `role ${short(id)} has no name any more`,
  RootKeyAdded: ({ id, state }) => `root key ${short(id)} added, ${text(state)}`,
  RootKeyPublished: ({ id }) => `root key ${short(id)} is the active one now`,
  RootKeyDeprecated: ({ id }) => `nothing is encrypted by root key ${short(id)} any more`,
  RootKeyRemoved: ({ id }) => `root key ${short(id)} removed`,
  VariableWritten: ({ namespace, path }) => `${text(path)} in ${text(namespace)} written`,
  VariableLocked: ({ namespace, path }) => `${text(path)} in ${text(namespace)} written and locked`,
  VariableUnlocked: ({ cause }) => `its lock is ${text(cause)}`,
  VariableDeleted: () => 'deleted',
  ServicesRegistered: ({ services }) =>
    `services registered: ${list(services)
      .map((service) => text(members(service)['name']))
      .join(', ')}`,
  ServicesDeregistered: ({ ids: gone, cause }) => `${many(list(gone).length, 'service')} deregistered (${text(cause)})`,
  VariableResealed: ({ keyId }) => `encrypted by root key ${short(keyId)} now`,
  FreezeDefined: ({ id, reason }) => `freeze ${text(id)} defined: ${text(reason)}`,
  FreezeDeleted: ({ id }) => `freeze ${text(id)} deleted`,
  FreezeRefusedChange: ({ freezeId, command, namespace, jobId }) =>
    `freeze ${text(freezeId)} refused ${text(command)} of ${text(jobId)} in ${text(namespace)}`,
  FreezeOverridden: ({ freezeId, command, namespace, jobId }) =>
    `${text(command)} of ${text(jobId)} in ${text(namespace)} made in spite of freeze ${text(freezeId)}`,
  WebhookDefined: ({ id, url }) => `webhook ${text(id)} defined: ${text(url)}`,
  WebhookEnabled: ({ id }) => `webhook ${text(id)} enabled`,
  WebhookDisabled: ({ id, trouble }) => `webhook ${text(id)} disabled${after(': ', trouble)}`,
  WebhookDeleted: ({ id }) => `webhook ${text(id)} deleted`,
  WebhookDeliveryFailed: ({ deliveryId, attempts, error }) =>
    `${text(deliveryId)} given up after ${many(Number(attempts), 'attempt')}: ${text(error)}`,
  WebhookRedeliveryRequested: ({ deliveryIds }) =>
    `${many(list(deliveryIds).length, 'dead letter')} to be delivered once more`,
  WebhookRedeliveryFailed: ({ deliveryId, error }) => `${text(deliveryId)} not delivered once more: ${text(error)}`,
  WebhookRedelivered: ({ deliveryId }) => `${text(deliveryId)} delivered once more`,
  WebhookLettersDiscarded: ({ deliveryIds }) => `${many(list(deliveryIds).length, 'dead letter')} discarded`,
  WebhookReached: ({ index }) => `told of everything up to index ${text(index)}`,
  WebhookLettersDropped: () => 'forgotten with the webhook',
  AutopilotConfigurationChosen: () => 'the autopilot configuration is another one',
  SchedulerConfigurationChosen: ({ algorithm }) => `placement is now by ${text(algorithm)}`,
};

/** Every type of event. */
export const eventTypes: readonly string[] = Object.keys(SENTENCES);

/** Whether events of this type have words of their own. */
export const hasSentence = (type: string): boolean => Object.hasOwn(SENTENCES, type);

/** An event in words; one of a type that has no sentence yet, by its name. */
export function sentenceOf(type: string, data: EventData): string {
  if (hasSentence(type)) return ownProperty(SENTENCES, type)!(data);
  return type.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
}
