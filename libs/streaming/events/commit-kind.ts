/*
 * Nomad names an event after the commit that it is of, not after its object. Here a commit is known by what it holds: of these rules the first
 * that fits says what it was. Source: spec/http-api §4.7 and its recordings.
 */

type Rule = readonly [kind: string, ...anyOf: readonly string[]];

const COMMANDS: readonly Rule[] = [
  ['JobBatchDeregistered', 'AllocationCollected', 'EvaluationCollected', 'DeploymentCollected'],
  ['JobDeregistered', 'JobPurged', 'JobStopped'],
  ['DeploymentAllocHealth', 'AllocationHealthSet'],
  ['DeploymentPromotion', 'DeploymentPromoted'],
];
/** A scheduler's pass has ended in this commit. */
const PASS: ReadonlySet<string> = new Set(['EvaluationCompleted', 'EvaluationFailed', 'EvaluationBlocked']);
const OTHERS: readonly Rule[] = [
  [
    'DeploymentStatusUpdate',
    'DeploymentPaused',
    'DeploymentResumed',
    'DeploymentFailed',
    'DeploymentSucceeded',
    'DeploymentCancelled',
  ],
  ['JobRegistered', 'JobRegistered', 'JobScaled', 'PeriodicJobLaunched'],
  ['AllocationUpdated', 'AllocationReported'],
  ['NodeRegistration', 'NodeRegistered', 'NodeDescriptionChanged'],
  ['NodeDeregistration', 'NodePurged'],
  ['NodeEligibility', 'NodeEligibilityChanged'],
  ['NodeDrain', 'NodeDrainChanged'],
  ['NodeStreamEvent', 'NodeStatusChanged', 'NodeAllocationsRefreshed'],
  ['AllocationUpdateDesiredStatus', 'AllocationTransitionDesired', 'AllocationStopDesired'],
  ['EvaluationUpdated', 'EvaluationCreated', 'EvaluationUnblocked', 'EvaluationCanceled'],
  ['NodePoolUpserted', 'NodePoolDefined'],
  ['NodePoolDeleted', 'NodePoolDeleted'],
  ['ACLTokenUpserted', 'AclTokenCreated', 'AclTokenChanged'],
  ['ACLTokenDeleted', 'AclTokenDeleted', 'AclTokenExpired'],
  ['ACLPolicyUpserted', 'AclPolicyDefined'],
  ['ACLPolicyDeleted', 'AclPolicyDeleted'],
  ['ACLRoleUpserted', 'AclRoleDefined'],
  ['ACLRoleDeleted', 'AclRoleDeleted'],
  ['ACLAuthMethodUpserted', 'AclAuthMethodDefined'],
  ['ACLAuthMethodDeleted', 'AclAuthMethodDeleted'],
  ['ACLBindingRuleUpserted', 'AclBindingRuleDefined'],
  ['ACLBindingRuleDeleted', 'AclBindingRuleDeleted'],
  ['VariableUpdated', 'VariableWritten', 'VariableLocked', 'VariableUnlocked', 'VariableDeleted'],
];

/** What Nomad calls a commit. */
export interface CommitKind {
  /** Undefined: a commit that Nomad tells nobody of, such as the tag of a version. */
  readonly type: string | undefined;
  /** It holds a scheduler's plan and the end of its evaluation, which Nomad commits one after the other. */
  readonly isPlan: boolean;
}

/** The kind of a commit that holds events of these types. */
export function commitKind(types: ReadonlySet<string>): CommitKind {
  const fits = ([, ...anyOf]: Rule): boolean => anyOf.some((type) => types.has(type));
  const command = COMMANDS.find(fits);
  if (command !== undefined) return { type: command[0], isPlan: false };
  if ([...PASS].some((type) => types.has(type))) {
    const isPlan = [...types].some((type) => type.startsWith('Allocation') || type.startsWith('Deployment'));
    return { type: isPlan ? 'PlanResult' : 'EvaluationUpdated', isPlan };
  }
  return { type: OTHERS.find(fits)?.[0], isPlan: false };
}
