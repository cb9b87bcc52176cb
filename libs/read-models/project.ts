import {
  renderAclAuthMethodStub,
  renderAclBindingRuleStub,
  renderAclPolicyStub,
  renderAclRole,
  renderAclTokenStub,
  renderAllocationStub,
  renderDeployment,
  renderEvaluation,
  renderJob,
  renderJobStub,
  renderJobSummary,
  renderNamespace,
  renderNodePool,
  renderNodeStub,
  renderService,
  renderScalingPolicyStub,
  renderVariableMetadata,
  currentVersion,
  type AclAuthMethodState,
  type AclBindingRuleState,
  type AclPolicyState,
  type AclRoleState,
  type AclTokenState,
  type AllocationServices,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
  type JobPurgeState,
  type JobState,
  type JobSummaryState,
  type JobVersion,
  type NamespaceState,
  type NodePoolState,
  type NodeState,
  type ScalingPolicyState,
  type VariableState,
} from '@app/domain';
import type { RowWrite } from '@app/event-store';
import { assertNever, streamType, type StreamName } from '@app/kernel';

/** The rows that follow from one stream's change. Pure: the same states give the same rows, now and in a rebuild. */
export function project(stream: StreamName, before: unknown, after: unknown): readonly RowWrite[] {
  const type = streamType(stream);
  switch (type) {
    case 'deployment':
      return projectDeployment(after as DeploymentState);
    case 'allocation':
      return projectAllocation(after as AllocationState);
    case 'evaluation':
      return projectEvaluation(after as EvaluationState);
    case 'job':
      return projectJob(before as JobState | undefined, after as JobState);
    case 'job-summary':
      return projectJobSummary(after as JobSummaryState);
    case 'job-purge':
      return projectJobPurge(after as JobPurgeState);
    case 'node':
      return projectNode(after as NodeState);
    case 'namespace':
      return [projectNamed('namespace', after as NamespaceState, renderNamespace)];
    case 'node-pool':
      return [projectNamed('node_pool', after as NodePoolState, renderNodePool)];
    case 'services':
      return projectServices(before as AllocationServices | undefined, after as AllocationServices);
    case 'variable':
      return projectVariable(after as VariableState);
    case 'scaling-policy':
      return [projectScalingPolicy(after as ScalingPolicyState)];
    case 'acl-token':
      return projectAclToken(before as AclTokenState | undefined, after as AclTokenState);
    case 'acl-policy':
      return [projectAclPolicy(after as AclPolicyState)];
    case 'acl-role':
      return [projectAclRole(after as AclRoleState)];
    case 'acl-auth-method':
      return [projectAclAuthMethod(after as AclAuthMethodState)];
    case 'acl-binding-rule':
      return [projectAclBindingRule(after as AclBindingRuleState)];
    case 'acl-registry':
    case 'autopilot-configuration':
    case 'scheduler-configuration':
    case 'keyring':
    case 'freezes':
    case 'webhooks':
    case 'webhook-letters':
      return [];
  }
  return assertNever(type);
}

/** The tables whose index moves with a stream of this type. */
export const TABLES_OF = {
  deployment: ['deployment'],
  allocation: ['allocation'],
  evaluation: ['evaluation'],
  job: ['job', 'job_version'],
  'job-summary': ['job_summary'],
  // What it hides is hidden in all of them.
  'job-purge': ['job_purge', 'allocation', 'deployment', 'service'],
  node: ['node'],
  namespace: ['namespace'],
  'node-pool': ['node_pool'],
  // Read from their states.
  'autopilot-configuration': [],
  'scheduler-configuration': [],
  keyring: [],
  freezes: [],
  webhooks: [],
  'webhook-letters': [],
  variable: ['variable'],
  services: ['service'],
  'scaling-policy': ['scaling_policy'],
  'acl-token': ['acl_token'],
  'acl-policy': ['acl_policy'],
  'acl-role': ['acl_role'],
  'acl-auth-method': ['acl_auth_method'],
  'acl-binding-rule': ['acl_binding_rule'],
  'acl-registry': [],
} as const;

const removal = (table: string, key: string): RowWrite => ({ table, key, columns: null, document: null });

function projectDeployment(state: DeploymentState): RowWrite[] {
  if (state.purged) return [removal('deployment', state.id)];
  return [
    {
      table: 'deployment',
      key: state.id,
      columns: {
        namespace: state.namespace,
        job_id: state.jobId,
        job_create_index: state.jobCreateIndex,
        job_version: state.jobVersion,
        status: state.status,
        create_index: state.createIndex,
        modify_index: state.modifyIndex,
      },
      document: JSON.stringify(renderDeployment(state)),
    },
  ];
}

function projectAllocation(state: AllocationState): RowWrite[] {
  if (state.purged) {
    const columns = { node_id: state.nodeId, create_index: state.createIndex, modify_index: state.modifyIndex };
    return [removal('allocation', state.id), { table: 'purged_allocation', key: state.id, columns, document: '' }];
  }
  return [
    {
      table: 'allocation',
      key: state.id,
      columns: {
        namespace: state.namespace,
        job_id: state.jobId,
        job_create_index: state.jobCreateIndex,
        job_version: state.jobVersion,
        task_group: state.taskGroup,
        node_id: state.nodeId,
        eval_id: state.evalId,
        deployment_id: state.deploymentId,
        desired_status: state.desiredStatus,
        client_status: state.clientStatus,
        create_index: state.createIndex,
        modify_index: state.modifyIndex,
        alloc_modify_index: state.allocModifyIndex,
      },
      document: JSON.stringify(renderAllocationStub(state)),
    },
  ];
}

function projectEvaluation(state: EvaluationState): RowWrite[] {
  if (state.purged) return [removal('evaluation', state.id)];
  return [
    {
      table: 'evaluation',
      key: state.id,
      columns: {
        namespace: state.namespace,
        job_id: state.jobId,
        status: state.status,
        create_index: state.createIndex,
        modify_index: state.modifyIndex,
      },
      document: JSON.stringify(renderEvaluation(state)),
    },
  ];
}

function projectJob(before: JobState | undefined, after: JobState): RowWrite[] {
  const key = `${after.namespace}/${after.id}`;
  const current = currentVersion(after);
  const versions = changedVersions(before, after).map(({ version, retained }) => projectVersion(version, retained));
  if (current === undefined) return [removal('job', key), ...versions];
  return [
    {
      table: 'job',
      key,
      columns: {
        namespace: after.namespace,
        job_id: after.id,
        type: current.spec.Type,
        status: current.status,
        stop: current.spec.Stop,
        parent_id: current.spec.ParentID,
        create_index: current.createIndex,
        modify_index: current.modifyIndex,
      },
      document: JSON.stringify(renderJobStub(current)),
    },
    ...versions,
  ];
}

/** Versions that are new, changed, or no longer retained. */
function changedVersions(before: JobState | undefined, after: JobState): { version: JobVersion; retained: boolean }[] {
  const old = before?.versions ?? [];
  return [
    ...after.versions.filter((version) => !old.includes(version)).map((version) => ({ version, retained: true })),
    ...old
      .filter(
        (version) =>
          !after.versions.some((one) => one.version === version.version && one.createIndex === version.createIndex),
      )
      .map((version) => ({ version, retained: false })),
  ];
}

/** Where a version's row is found: versions start again when a job is registered after a purge. */
export const versionKey = (namespace: string, jobId: string, createIndex: number, version: number): string =>
  `${namespace}/${jobId}/${createIndex}/${version}`;

function projectVersion(version: JobVersion, retained: boolean): RowWrite {
  const document = JSON.stringify(renderJob(version));
  return {
    table: 'job_version',
    key: versionKey(version.spec.Namespace, version.spec.ID, version.createIndex, version.version),
    columns: {
      namespace: version.spec.Namespace,
      job_id: version.spec.ID,
      create_index: version.createIndex,
      version: version.version,
      modify_index: version.modifyIndex,
      retained,
      state: JSON.stringify(version),
      registered: document,
    },
    document,
  };
}

function projectJobSummary(state: JobSummaryState): RowWrite[] {
  const key = `${state.namespace}/${state.jobId}`;
  if (state.purged) return [removal('job_summary', key)];
  return [
    {
      table: 'job_summary',
      key,
      columns: {
        namespace: state.namespace,
        job_id: state.jobId,
        create_index: state.createIndex,
        modify_index: state.modifyIndex,
      },
      document: JSON.stringify(renderJobSummary(state)),
    },
  ];
}

/** Tables with rows that a purge hides. */
const HIDING_TABLES = ['allocation', 'deployment', 'service'] as const;

function projectJobPurge({ namespace, jobId, upTo, isOver }: JobPurgeState): RowWrite[] {
  const key = `${namespace}/${jobId}`;
  // Nothing has this key: the indexes of the tables move with what is hidden in them.
  const moved = HIDING_TABLES.map((table) => removal(table, ''));
  if (isOver) return [removal('job_purge', key), ...moved];
  return [{ table: 'job_purge', key, columns: { namespace, job_id: jobId, up_to: upTo }, document: '' }, ...moved];
}

function projectNode(state: NodeState): RowWrite[] {
  if (state.purged) return [removal('node', state.id)];
  return [
    {
      table: 'node',
      key: state.id,
      columns: {
        name: state.description.Name,
        datacenter: state.description.Datacenter,
        node_pool: state.description.NodePool,
        status: state.status,
        eligibility: state.eligibility,
        create_index: state.createIndex,
        modify_index: state.modifyIndex,
      },
      document: JSON.stringify(renderNodeStub(state)),
    },
  ];
}

/** What is found by its name, and by nothing else. */
function projectNamed<
  S extends {
    readonly name: string;
    readonly purged: boolean;
    readonly createIndex: number;
    readonly modifyIndex: number;
  },
>(table: string, state: S, render: (state: S) => object): RowWrite {
  if (state.purged) return removal(table, state.name);
  const columns = { create_index: state.createIndex, modify_index: state.modifyIndex };
  return { table, key: state.name, columns, document: JSON.stringify(render(state)) };
}

function projectVariable(state: VariableState): RowWrite[] {
  const key = `${state.namespace}/${state.path}`;
  if (state.purged) return [removal('variable', key)];
  return [
    {
      table: 'variable',
      key,
      columns: {
        namespace: state.namespace,
        path: state.path,
        key_id: state.keyId,
        lock_id: state.lock?.id ?? '',
        lock_ttl: state.lock?.ttl ?? 0,
        lock_delay: state.lock?.delay ?? 0,
        create_index: state.createIndex,
        modify_index: state.modifyIndex,
      },
      document: JSON.stringify(renderVariableMetadata(state, true)),
    },
  ];
}

function projectServices(before: AllocationServices | undefined, after: AllocationServices): RowWrite[] {
  const old = before?.services ?? [];
  const { namespace, jobId, allocationId } = after;
  const gone = old.filter(({ id }) => !after.services.some((service) => service.id === id));
  return [
    ...gone.map(({ id }) => removal('service', id)),
    ...after.services
      .filter((service) => !old.includes(service))
      .map((service) => ({
        table: 'service',
        key: service.id,
        columns: {
          namespace,
          service_name: service.name,
          job_id: jobId,
          alloc_id: allocationId,
          create_index: service.createIndex,
          modify_index: service.modifyIndex,
        },
        document: JSON.stringify(renderService(after, service)),
      })),
  ];
}

function projectScalingPolicy(state: ScalingPolicyState): RowWrite {
  if (state.purged) return removal('scaling_policy', state.id);
  return {
    table: 'scaling_policy',
    key: state.id,
    columns: {
      namespace: state.namespace,
      job_id: state.jobId,
      type: state.type,
      create_index: state.createIndex,
      modify_index: state.modifyIndex,
    },
    document: JSON.stringify(renderScalingPolicyStub(state)),
  };
}

function projectAclToken(before: AclTokenState | undefined, after: AclTokenState): RowWrite[] {
  const { accessorId, oneTimeSecrets } = after;
  const held = before?.oneTimeSecrets ?? [];
  const indexes = { create_index: after.createIndex, modify_index: after.modifyIndex };
  const oneTime = [
    ...held
      .filter(({ digest }) => !oneTimeSecrets.some((one) => one.digest === digest))
      .map(({ digest }) => removal('acl_one_time_secret', digest)),
    ...oneTimeSecrets
      .filter((one) => !held.includes(one))
      .map(({ digest }) => ({
        table: 'acl_one_time_secret',
        key: digest,
        columns: { accessor_id: accessorId, ...indexes },
        document: accessorId,
      })),
  ];
  if (after.purged) return [removal('acl_token', accessorId), ...oneTime];
  return [
    {
      table: 'acl_token',
      key: accessorId,
      columns: { secret_digest: after.secretDigest, expiration_time: after.expirationTime, ...indexes },
      document: JSON.stringify(renderAclTokenStub(after)),
    },
    ...oneTime,
  ];
}

function projectAclPolicy(state: AclPolicyState): RowWrite {
  if (state.purged) return removal('acl_policy', state.name);
  return {
    table: 'acl_policy',
    key: state.name,
    columns: {
      job_namespace: state.jobAcl?.namespace ?? '',
      create_index: state.createIndex,
      modify_index: state.modifyIndex,
    },
    document: JSON.stringify(renderAclPolicyStub(state)),
  };
}

function projectAclRole(state: AclRoleState): RowWrite {
  if (state.purged) return removal('acl_role', state.id);
  return {
    table: 'acl_role',
    key: state.id,
    columns: { name: state.name, create_index: state.createIndex, modify_index: state.modifyIndex },
    document: JSON.stringify(renderAclRole(state)),
  };
}

function projectAclAuthMethod(state: AclAuthMethodState): RowWrite {
  if (state.purged) return removal('acl_auth_method', state.name);
  return {
    table: 'acl_auth_method',
    key: state.name,
    columns: { create_index: state.createIndex, modify_index: state.modifyIndex },
    document: JSON.stringify(renderAclAuthMethodStub(state)),
  };
}

function projectAclBindingRule(state: AclBindingRuleState): RowWrite {
  if (state.purged) return removal('acl_binding_rule', state.id);
  return {
    table: 'acl_binding_rule',
    key: state.id,
    columns: { auth_method: state.authMethod, create_index: state.createIndex, modify_index: state.modifyIndex },
    document: JSON.stringify(renderAclBindingRuleStub(state)),
  };
}
