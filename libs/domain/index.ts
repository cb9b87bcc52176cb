export * from './nomad.js';
export { evolve, type AggregateState } from './aggregates.js';
export { EVENT_TYPES } from './upcasting/event-types.js';
export * from './allocation/state.js';
export { isEligibleSimply, reportAllocations, stopAllocation, type AllocationReport } from './allocation/decide.js';
export { evolveAllocation } from './allocation/evolve.js';
export { renderAllocation, renderAllocationStub } from './allocation/render.js';
export * from './deployment/state.js';
export {
  failDeployment,
  IMMEDIATE,
  failWatchedDeployment,
  pauseDeployment,
  progressDeployment,
  promoteDeployment,
  setAllocationHealth,
  unblockDeployment,
  type DeploymentAnswer,
} from './deployment/decide.js';
export { renderDeployment } from './deployment/render.js';
export { renderDeploymentWait } from './deployment/waiting.js';
export {
  failureAhead,
  GOES_ON_WAITING,
  PROMOTES_ITSELF,
  renderWaiting,
  type Outlook,
  type WaitingDeployment,
} from './deployment/outlook.js';
export * from './evaluation/state.js';
export { newEvaluation } from './evaluation/create.js';
export { cancelEvaluations, failEvaluation, unblockEvaluations } from './evaluation/decide.js';
export type { ScalingPolicyState } from './scaling-policy/state.js';
export { renderScalingPolicy, renderScalingPolicyStub } from './scaling-policy/render.js';
export { deleteEvaluations } from './evaluation/delete.js';
export {
  MAX_FITS,
  type GroupExplanation,
  type NodeVerdict,
  type PlacementExplanation,
  type Room,
} from './evaluation/explanation.js';
export { renderEvaluation, renderEvaluationStub } from './evaluation/render.js';
export * from './job/state.js';
export {
  deregisterJob,
  evaluateJobCommand,
  markStable,
  registerJob,
  revertJob,
  skipShutdownDelays,
  type DeregisterJob,
  type JobAnswer,
  type RegisterJob,
} from './job/decide.js';
export { dispatchJob, type DispatchAnswer, type DispatchJob } from './job/dispatch.js';
export type { JobEvent } from './job/events.js';
export { dueLaunch, forcePeriodicJob, launchPeriodicJob } from './job/launch.js';
export { rehearseRegistration, type JobRehearsal } from './job/rehearse.js';
export { scaleJob, type ScaleJob } from './job/scale.js';
export { tagVersion, untagVersion, type TagAnswer, type TagVersion } from './job/tag.js';
export { renderJobStub } from './job/render.js';
export { groupCapabilities, lacks, LACKING_ATTRIBUTE, taskCapabilities, type Capability } from './job/capabilities.js';
export * from './job/spec/index.js';
export {
  defineFreeze,
  deleteFreeze,
  noteFrozen,
  unlessFrozen,
  type Change,
  type FrozenDetail,
} from './freezes/decide.js';
export { renderFreeze } from './freezes/render.js';
export type { FreezeDefinition, FreezesState } from './freezes/state.js';
export {
  defineWebhook,
  deleteWebhook,
  disableWebhook,
  discardLetters,
  enableWebhook,
  giveUpDelivery,
  noteReached,
  noteRedelivery,
  redeliverLetters,
} from './webhooks/decide.js';
export { renderDeadLetter, renderWebhook } from './webhooks/render.js';
export type {
  DeadLetter,
  FailedDelivery,
  Webhook,
  WebhookDefinition,
  WebhookLettersState,
  WebhooksState,
} from './webhooks/state.js';
export * from './garbage/thresholds.js';
export {
  collectDeployments,
  collectEvaluations,
  collectJob,
  collectNode,
  type EvaluationWithAllocations,
  type JobWithBelongings,
} from './garbage/collect.js';
export { endPurge, purgeRemnants, type PurgeRemnants } from './job-purge/decide.js';
export * from './job-purge/state.js';
export * from './job-summary/state.js';
export { reconcileSummary } from './job-summary/decide.js';
export { renderJobSummary } from './job-summary/render.js';
export * from './namespace/state.js';
export { placeProblems, type Places } from './namespace/admit.js';
export {
  defineNamespace,
  deleteNamespace,
  type DefineNamespace,
  type NamespaceUse,
  type UnlicensedOfNamespace,
} from './namespace/decide.js';
export { renderNamespace } from './namespace/render.js';
export * from './node-pool/state.js';
export { defineNodePool, deleteNodePool, type DefineNodePool } from './node-pool/decide.js';
export { renderNodePool } from './node-pool/render.js';
export * from './node/state.js';
export {
  emitNodeEvents,
  evaluateNode,
  heartbeatNode,
  missHeartbeat,
  missHeartbeats,
  type MissedHeartbeat,
  purgeNode,
  registerNode,
  setEligibility,
} from './node/decide.js';
export {
  completeDrain,
  drainAllocations,
  drainNode,
  isForced,
  type Drained,
  type DrainNode,
  type DrainSpec,
} from './node/drain.js';
export type { AffectedJob } from './node/evaluate.js';
export { MAX_CORES, MAX_PORT } from './node/bounds.js';
export { computedClass } from './node/computed-class.js';
export { renderNode, renderNodeStub } from './node/render.js';
export * from './plan/plan.js';
export { fingerprintOf, submitPlan, type PlanBasis, type SubmitPlan } from './plan/decide.js';
export * from './autopilot-configuration/state.js';
export { chooseAutopilotConfiguration } from './autopilot-configuration/decide.js';
export { renderAutopilotConfiguration } from './autopilot-configuration/render.js';
export * from './scheduler-configuration/state.js';
export { chooseSchedulerConfiguration } from './scheduler-configuration/decide.js';
export { renderSchedulerConfiguration } from './scheduler-configuration/render.js';
export { rawNumber } from './raw-json.js';
export { schemaOf, upcast } from './upcasting/index.js';
export {
  MANAGEMENT,
  NO_PERMISSIONS,
  type GrantedLevel,
  type LeveledBlock,
  type Permissions,
  type WorkloadPlace,
  permissionsOf,
} from './acl/permissions.js';
export {
  NAMESPACE_CAPABILITIES,
  OPERATOR_CAPABILITIES,
  type HostVolumeCapability,
  type NamespaceCapability,
  type NodePoolCapability,
  type OperatorCapability,
  type VariableCapability,
} from './acl/policy/capabilities.js';
export { parseRules } from './acl/policy/parse.js';
export type { PolicyRules } from './acl/policy/rules.js';
export { ACL_NAME } from './acl/names.js';
export * from './acl-token/state.js';
export {
  asOf,
  bootstrapAcl,
  changeAclToken,
  createAclToken,
  deleteAclToken,
  exchangeOneTimeSecret,
  expireAclToken,
  issueOneTimeSecret,
  type AclTokenAnswer,
  type NewAclToken,
  type WriteAclToken,
} from './acl-token/decide.js';
export { renderAclToken, renderAclTokenStub, type RoleNames } from './acl-token/render.js';
export * from './acl-policy/state.js';
export { defineAclPolicy, deleteAclPolicy, type DefineAclPolicy } from './acl-policy/decide.js';
export { renderAclPolicy, renderAclPolicyStub } from './acl-policy/render.js';
export * from './acl-role/state.js';
export { defineAclRole, deleteAclRole, type AclRoleAnswer, type DefineAclRole } from './acl-role/decide.js';
export { renderAclRole } from './acl-role/render.js';
export * from './acl-registry/state.js';
export * from './acl-auth-method/state.js';
export {
  defineAclAuthMethod,
  deleteAclAuthMethod,
  type AclAuthMethodAnswer,
  type DefineAclAuthMethod,
} from './acl-auth-method/decide.js';
export type { UncheckedAssertion, UncheckedConfig } from './acl-auth-method/validate.js';
export { REDACTED, renderAclAuthMethod, renderAclAuthMethodStub } from './acl-auth-method/render.js';
export * from './acl-binding-rule/state.js';
export {
  defineAclBindingRule,
  deleteAclBindingRule,
  type AclBindingRuleAnswer,
  type DefineAclBindingRule,
} from './acl-binding-rule/decide.js';
export { renderAclBindingRule, renderAclBindingRuleStub } from './acl-binding-rule/render.js';
export { logIn, type Binding, type LogIn } from './acl-token/log-in.js';
export { uploadAclToken, type UploadAclToken } from './acl-token/upload.js';
export * from './keyring/state.js';
export {
  deprecateRootKey,
  initialiseKeyring,
  publishRootKey,
  removeRootKey,
  rotateKeyring,
  type NewRootKey,
} from './keyring/decide.js';
export { renderRootKey } from './keyring/render.js';
export * from './variable/state.js';
export {
  deleteVariable,
  expireLock,
  lockVariable,
  releaseVariable,
  resealVariable,
  writeVariable,
  type VariableAnswer,
} from './variable/decide.js';
export { renderVariableMetadata } from './variable/render.js';
export { publicData, SECRET_MEMBERS } from './secrets.js';
export * from './service/state.js';
/** @public `registerServices`: for clients that speak Nomad's RPC, which register one by one. */
export { deregisterService, registerServices } from './service/decide.js';
export { allocationOfService, offersServices } from './service/register.js';
export { renderService } from './service/render.js';
