import { multiError } from '@app/domain';
import { ownProperty, quoted, visible, type Rejection } from '@app/kernel';
import { NomadError } from '../http/index.js';

interface Wording {
  readonly status: number;
  readonly text: (detail: string) => string;
}

const fixed = (status: number, text: string): Wording => ({ status, text: () => text });
const listed = (items: string): string => multiError(items.split('\n'));

/** Every rejection of the domain with Nomad's status and text (spec/http-api §7). docs/errors.md lists the same. */
export const WORDINGS = {
  'acl-auth-method-invalid': { status: 400, text: (text) => text },
  'acl-auth-method-not-found': fixed(500, 'ACL auth method not found'),
  'acl-auth-method-unknown': { status: 400, text: (name) => `ACL auth method ${name} not found` },
  'acl-binding-rule-invalid': { status: 400, text: (text) => text },
  'acl-binding-rule-moved': fixed(400, 'cannot update auth method for binding rule, create a new rule instead'),
  'acl-binding-rule-not-found': fixed(500, 'ACL binding rule not found'),
  'acl-binding-rule-unknown': { status: 400, text: (id) => `cannot find binding rule ${id}` },
  'acl-bootstrapped': { status: 400, text: (index) => `ACL bootstrap already done (reset index: ${index})` },
  'acl-default-method-taken': { status: 400, text: (name) => `default method already exists: ${name}` },
  'acl-login-outdated': fixed(409, 'the auth method or one of its rules was changed meanwhile; log in again'),
  'acl-login-unbound': fixed(400, 'no role or policy bindings matched'),
  'acl-policy-invalid': { status: 400, text: (text) => text },
  'acl-policy-unknown': { status: 400, text: (name) => `cannot find policy ${name}` },
  'acl-reset-index': {
    status: 400,
    text: (detail) => {
      const [given, needed] = JSON.parse(detail) as [number, number];
      return `Invalid bootstrap reset index (specified ${given}, reset index: ${needed})`;
    },
  },
  'acl-role-invalid': { status: 400, text: (text) => text },
  'acl-role-name-taken': { status: 400, text: (name) => `role with name ${name} already exists` },
  'acl-role-not-found': fixed(500, 'ACL role not found'),
  'acl-role-rename-taken': { status: 500, text: (name) => `ACL role with name ${name} already exists` },
  'acl-role-unknown': { status: 400, text: (what) => `cannot find role ${what}` },
  'acl-token-invalid': { status: 400, text: (text) => text },
  'acl-token-unknown': { status: 400, text: (id) => `cannot find token ${id}` },
  'acl-tokens-nonexistent': { status: 400, text: (id) => `Cannot delete nonexistent tokens: ${id}` },
  'acl-secret-taken': fixed(400, 'the secret ID is in use by another token'),
  'acl-upload-management': fixed(400, 'cannot upload management tokens'),
  'acl-upload-outdated': fixed(409, 'other tokens are being uploaded; try again'),
  'permission-denied': fixed(403, 'Permission denied'),
  'allocation-not-found': fixed(404, 'allocation not found'),
  'canaries-not-healthy': { status: 500, text: listed },
  'deployment-not-found': fixed(500, 'deployment not found'),
  'deployment-terminal': {
    status: 500,
    text: (verb) =>
      verb === 'set health'
        ? "can't set health of allocations for a terminal deployment"
        : `can't ${verb} terminal deployment`,
  },
  'dispatch-meta-missing': { status: 500, text: (keys) => `Dispatch did not provide required meta keys: ${keys}` },
  'dispatch-meta-unpermitted': {
    status: 500,
    text: (keys) => `Dispatch request included unpermitted metadata keys: ${keys}`,
  },
  'dispatch-payload-forbidden': fixed(500, 'Payload provided but forbidden by parameterized job'),
  'dispatch-payload-missing': fixed(500, 'Payload is not provided but required by parameterized job'),
  'dispatch-payload-too-large': { status: 500, text: (sizes) => `Payload exceeds maximum size; ${sizes}` },
  'dispatch-priority': fixed(500, 'dispatch job priority must be between [1, 100]'),
  'enforce-index': { status: 500, text: (text) => text },
  'enforce-prior-version': {
    status: 500,
    text: (detail) => {
      const [current, enforced] = detail.split(' ');
      return `Current job has version ${current}; enforcing version ${enforced}`;
    },
  },
  'broker-not-paused': fixed(500, 'eval broker is enabled; eval broker must be paused to delete evals'),
  'dead-letter-not-found': { status: 404, text: (id) => `there is no dead letter ${quoted(id)}` },
  'evaluation-is-terminal': fixed(500, 'evaluation is terminal'),
  'evaluation-not-found': fixed(500, 'eval not found'),
  'evaluation-not-safe': { status: 500, text: (id) => `eval ${id} is not safe to delete` },
  'foreign-allocation': {
    status: 500,
    text: (detail) => {
      const [alloc, deployment] = detail.split(' ');
      return `alloc "${alloc}" is not part of deployment "${deployment}"`;
    },
  },
  'freeze-invalid': { status: 400, text: (text) => `invalid freeze: ${text}` },
  'freeze-not-found': { status: 404, text: (id) => `there is no freeze ${quoted(id)}` },
  frozen: {
    status: 409,
    text: (detail) => {
      const { freezeId, until, reason } = JSON.parse(detail) as { freezeId: string; until: string; reason: string };
      return `frozen until ${until} by ${quoted(freezeId)}: ${visible(reason)}`;
    },
  },
  'job-change-refused': { status: 500, text: (text) => text },
  'job-is-parameterized': fixed(500, "can't evaluate parameterized job"),
  'job-is-periodic': fixed(500, "can't evaluate periodic job"),
  'job-is-stopped': { status: 500, text: (id) => `Specified job ${JSON.stringify(id)} is stopped` },
  'job-not-admitted': { status: 500, text: (text) => text },
  'job-not-found-write': fixed(500, 'job not found'),
  'job-not-parameterized': {
    status: 500,
    text: (id) => `Specified job ${JSON.stringify(id)} is not a parameterized job`,
  },
  'job-not-periodic': fixed(500, "can't force launch non-periodic job"),
  'job-not-tracked': {
    status: 500,
    text: (detail) => {
      const [id, namespace] = JSON.parse(detail) as [string, string];
      return `can't force run non-tracked job ${JSON.stringify(id)} (${namespace})`;
    },
  },
  'job-unknown': { status: 500, text: (id) => `job ${JSON.stringify(id)} not found` },
  'job-version-not-found': {
    status: 500,
    text: (detail) => {
      const { jobId, namespace, version } = JSON.parse(detail) as { jobId: string; namespace: string; version: number };
      return `job ${JSON.stringify(jobId)} in namespace ${JSON.stringify(namespace)} at version ${version} not found`;
    },
  },
  'keyring-full': { status: 500, text: (most) => `the keyring holds ${most} keys already; remove one first` },
  'keyring-moved': fixed(503, 'the keyring is being rotated; try again'),
  'malformed-allocation-id': {
    status: 500,
    text: (id) => `alloc "${id}" lookup failed: index error: UUID must be 36 characters`,
  },
  'namespace-in-use': { status: 500, text: (text) => text },
  'namespace-invalid': { status: 500, text: (text) => text },
  'namespace-is-default': fixed(500, 'can not delete default namespace'),
  'namespace-not-found': fixed(500, 'namespace not found'),
  'no-allocation-ids': fixed(500, 'must specify at least one healthy/unhealthy allocation ID'),
  'node-is-draining': fixed(500, "can not set node's scheduling eligibility to eligible while it is draining"),
  'node-may-not-report': {
    status: 500,
    text: (detail) => {
      const [id, status] = detail.split(' ');
      return `node ${id} is not allowed to update allocs while in status ${status}`;
    },
  },
  'node-not-found': fixed(404, 'node not found'),
  'node-not-found-write': fixed(500, 'node not found'),
  'node-pool-in-use': { status: 500, text: (text) => text },
  'node-pool-invalid': { status: 400, text: (text) => text },
  'node-pool-name-empty': fixed(400, 'node pool name is empty'),
  'node-pool-not-found': { status: 500, text: (name) => `node pool ${name} not found` },
  'node-pool-undeletable': { status: 500, text: (name) => `deleting node pool ${quoted(name)} is not allowed` },
  'node-pool-unmodifiable': { status: 400, text: (name) => `modifying node pool ${quoted(name)} is not allowed` },
  'node-pools-unlicensed': fixed(500, 'Feature "Node Pools Governance" is unlicensed'),
  'node-beyond-bounds': { status: 400, text: (what) => `no machine has this: ${what}` },
  'node-secret-mismatch': fixed(403, 'node secret ID does not match. Not registering node.'),
  'parameterized-job-not-found': fixed(500, 'parameterized job not found'),
  'plan-is-stale': { status: 500, text: (what) => `plan is stale: ${what}` },
  'quota-not-found': {
    status: 500,
    text: (detail) => {
      const [namespace, quota] = JSON.parse(detail) as [string, string];
      return `namespace ${quoted(namespace)} using non-existent quota ${quoted(quota)}`;
    },
  },
  'registration-closed': fixed(
    403,
    'Job registration, dispatch, and scale are disabled by the scheduler configuration',
  ),
  'revert-to-current': fixed(500, "can't revert to current version"),
  'root-key-active': fixed(500, 'active root key cannot be deleted - call rotate first'),
  'root-key-in-use': fixed(500, 'root key in use, cannot delete'),
  'root-key-not-found': fixed(500, 'root key not found'),
  'scale-above-maximum': {
    status: 400,
    text: (counts) => `group count was greater than scaling policy maximum: ${counts}`,
  },
  'scale-below-minimum': {
    status: 400,
    text: (counts) => `group count was less than scaling policy minimum: ${counts}`,
  },
  'scale-blocked': fixed(400, 'job scaling blocked due to active deployment'),
  'scale-count-negative': fixed(400, "scaling action count can't be negative"),
  'scale-error-with-count': fixed(400, 'scaling action should not contain count if error is true'),
  'scale-group-not-found': {
    status: 400,
    text: (group) => `task group ${JSON.stringify(group)} specified for scaling does not exist in job`,
  },
  'scale-job-not-found': { status: 404, text: (id) => `job ${JSON.stringify(id)} not found` },
  'scale-system-count': fixed(400, 'jobs of type "system" can only be scaled between 0 and 1'),
  'scale-without-group': fixed(400, 'missing task group name for scaling action'),
  'tag-is-taken': {
    status: 500,
    text: (detail) => {
      const { jobId, name } = JSON.parse(detail) as { jobId: string; name: string };
      return `tag ${JSON.stringify(name)} already exists on a different version of job ${JSON.stringify(jobId)}`;
    },
  },
  'tag-latest-with-version': {
    status: 500,
    text: (version) => `version must be zero when tagging latest, got: ${version}`,
  },
  'tag-not-found': {
    status: 500,
    text: (detail) => {
      const { jobId, name } = JSON.parse(detail) as { jobId: string; name: string };
      return `tag ${JSON.stringify(name)} not found on job ${JSON.stringify(jobId)}`;
    },
  },
  'tag-version-not-found': {
    status: 500,
    text: (detail) => {
      const { jobId, version } = JSON.parse(detail) as { jobId: string; version: number };
      return `job ${JSON.stringify(jobId)} version ${version} not found`;
    },
  },
  'service-not-found': fixed(500, 'service registration not found'),
  'variable-not-found-write': fixed(500, "variable doesn't exist"),
  'variable-not-locked': fixed(500, "variable doesn't hold a lock"),
  'webhook-invalid': { status: 400, text: (text) => `invalid webhook: ${text}` },
  'webhook-is-disabled': { status: 409, text: (id) => `webhook ${quoted(id)} is disabled; enable it first` },
  'webhook-not-found': { status: 404, text: (id) => `there is no webhook ${quoted(id)}` },
  'unknown-allocation': { status: 500, text: (id) => `unknown alloc "${id}"` },
} as const satisfies Record<string, Wording>;

/** The answer to a rejected command. */
export function wordingOf(rejection: Rejection): NomadError {
  const wording: Wording | undefined = ownProperty(WORDINGS as Record<string, Wording>, rejection.code);
  if (wording === undefined) throw new Error(`no wording for rejection ${rejection.code}`);
  return new NomadError(wording.text(rejection.detail ?? ''), wording.status);
}
