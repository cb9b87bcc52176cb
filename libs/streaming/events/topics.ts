import {
  renderAclAuthMethod,
  renderAclBindingRule,
  renderAclPolicy,
  renderAclRole,
  renderAclToken,
  currentVersion,
  renderAllocation,
  renderAllocationStub,
  renderDeployment,
  renderEvaluation,
  renderEvaluationStub,
  renderJob,
  renderJobStub,
  renderNode,
  renderNodePool,
  renderNodeStub,
  renderService,
  renderVariableMetadata,
  type AclAuthMethodState,
  type AclBindingRuleState,
  type AclPolicyState,
  type AclRoleState,
  type AclTokenState,
  type AggregateState,
  type AllocationServices,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
  type JobState,
  type NodePoolState,
  type NodeState,
  type RegisteredService,
  type VariableState,
} from '@app/domain';
import type { StreamType } from '@app/kernel';

/** How the objects of one kind of stream are told of. */
export interface TopicRow<S> {
  /** Nomad's name of the topic. */
  readonly topic: string;
  /** The member of the payload that holds the object; absent: called like the topic. */
  readonly member?: string;
  readonly key: (state: S) => string;
  /** Absent: the objects are in no namespace. */
  readonly namespace?: (state: S) => string;
  /** Beside the key, what a subscriber may name to get the event. */
  readonly filterKeys?: (state: S) => readonly string[];
  /** The complete object; undefined: there is none to show, and no event. */
  readonly object: (state: S) => object | undefined;
  /** Its short form for `payload=stub`; absent: there is none. */
  readonly stub?: (state: S) => object | undefined;
  /** Members of the payload beside the object. */
  readonly beside?: (isGone: boolean) => object;
  /** How the object looked before is what an event of its end shows; absent: its last state; `nothing`: its end is not told. */
  readonly atEnd?: 'before' | 'nothing';
}

const row = <S extends AggregateState>(given: TopicRow<S>): TopicRow<AggregateState> =>
  given as unknown as TopicRow<AggregateState>;

/** Every kind of stream: its topic, or null where its changes are nobody's but ours. A new topic is one entry. Source: spec/http-api §4.7. */
export const TOPICS: Readonly<Record<StreamType, TopicRow<AggregateState> | null>> = {
  deployment: row<DeploymentState>({
    topic: 'Deployment',
    key: ({ id }) => id,
    namespace: ({ namespace }) => namespace,
    filterKeys: ({ jobId }) => [jobId],
    object: renderDeployment,
    atEnd: 'nothing',
  }),
  allocation: row<AllocationState>({
    topic: 'Allocation',
    key: ({ id }) => id,
    namespace: ({ namespace }) => namespace,
    filterKeys: ({ jobId, deploymentId }) => [jobId, deploymentId],
    object: renderAllocation,
    stub: renderAllocationStub,
    beside: () => ({ Timeout: false, TimeoutReason: '' }),
    atEnd: 'nothing',
  }),
  evaluation: row<EvaluationState>({
    topic: 'Evaluation',
    key: ({ id }) => id,
    namespace: ({ namespace }) => namespace,
    filterKeys: ({ jobId, deploymentId }) => [jobId, deploymentId],
    object: renderEvaluation,
    stub: renderEvaluationStub,
    atEnd: 'nothing',
  }),
  job: row<JobState>({
    topic: 'Job',
    key: ({ id }) => id,
    namespace: ({ namespace }) => namespace,
    object: (state) => ofCurrent(state, renderJob),
    stub: (state) => ofCurrent(state, renderJobStub),
    beside: (Deleted) => ({ Deleted }),
    atEnd: 'before',
  }),
  node: row<NodeState>({ topic: 'Node', key: ({ id }) => id, object: renderNode, stub: renderNodeStub }),
  'node-pool': row<NodePoolState>({ topic: 'NodePool', key: ({ name }) => name, object: renderNodePool }),
  variable: row<VariableState>({
    topic: 'Variable',
    member: 'Metadata',
    key: ({ path }) => path,
    namespace: ({ namespace }) => namespace,
    object: (state) => renderVariableMetadata(state, false),
    beside: (Deleted) => ({ Deleted }),
  }),
  'acl-token': row<AclTokenState>({
    topic: 'ACLToken',
    key: ({ accessorId }) => accessorId,
    object: (state) => renderAclToken(state, new Map(), ''),
  }),
  'acl-policy': row<AclPolicyState>({ topic: 'ACLPolicy', key: ({ name }) => name, object: renderAclPolicy }),
  'acl-role': row<AclRoleState>({
    topic: 'ACLRole',
    key: ({ id }) => id,
    filterKeys: ({ name }) => [name],
    object: renderAclRole,
  }),
  'acl-auth-method': row<AclAuthMethodState>({
    topic: 'ACLAuthMethod',
    member: 'AuthMethod',
    key: ({ name }) => name,
    object: renderAclAuthMethod,
  }),
  'acl-binding-rule': row<AclBindingRuleState>({
    topic: 'ACLBindingRule',
    key: ({ id }) => id,
    filterKeys: ({ authMethod }) => [authMethod],
    object: renderAclBindingRule,
  }),
  'acl-registry': null,
  // One stream holds all registrations of an allocation, and Nomad tells of each by itself: SERVICE.
  services: null,
  keyring: null,
  freezes: null,
  webhooks: null,
  'webhook-letters': null,
  namespace: null,
  'job-summary': null,
  'job-purge': null,
  'autopilot-configuration': null,
  'scheduler-configuration': null,
  'scaling-policy': null,
};

/** A registration, as an event tells of it. */
export interface ServiceOfAllocation {
  readonly owner: Omit<AllocationServices, 'services'>;
  readonly service: RegisteredService;
}

export const SERVICE: TopicRow<AggregateState> = {
  topic: 'Service',
  key: (state: ServiceOfAllocation) => state.service.id,
  namespace: (state: ServiceOfAllocation) => state.owner.namespace,
  filterKeys: (state: ServiceOfAllocation) => [state.owner.jobId, state.service.name],
  object: (state: ServiceOfAllocation) => renderService(state.owner, state.service),
} satisfies TopicRow<ServiceOfAllocation> as unknown as TopicRow<AggregateState>;

function ofCurrent(
  state: JobState,
  render: (version: NonNullable<ReturnType<typeof currentVersion>>) => object,
): object | undefined {
  const version = currentVersion(state);
  return version && render(version);
}

/** The topics that there are events of. */
export const TOPIC_NAMES: ReadonlySet<string> = new Set(
  [...Object.values(TOPICS), SERVICE].flatMap((one) => (one === null ? [] : [one.topic])),
);
