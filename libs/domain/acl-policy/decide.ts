import {
  accept,
  aclPolicyStream,
  reject,
  type CommandContext,
  type Decision,
  type NewEvent,
  type StateView,
} from '@app/kernel';
import { ACL_NAME } from '../acl/names.js';
import { parseRules } from '../acl/policy/parse.js';
import { multiError } from '../job/spec/multi-error.js';
import type { AclPolicyEvent } from './events.js';
import type { AclPolicyDefinition, AclPolicyState } from './state.js';

const MAX_DESCRIPTION_BYTES = 256;

export interface DefineAclPolicy {
  readonly name: string;
  readonly definition: AclPolicyDefinition;
  /** Bytes of the description. */
  readonly descriptionBytes: number;
}

/** Nomad: ACL.UpsertPolicies. Rejections: acl-policy-invalid (detail: the text). */
export function defineAclPolicy(_view: StateView, _context: CommandContext, command: DefineAclPolicy): Decision {
  const { name, definition } = command;
  const problems: string[] = [];
  if (!ACL_NAME.test(name)) problems.push(`invalid name '${name}'`);
  const rules = parseRules(definition.rules);
  if (!rules.ok) problems.push(`failed to parse rules: ${rules.error}`);
  if (command.descriptionBytes > MAX_DESCRIPTION_BYTES)
    problems.push(`description longer than ${MAX_DESCRIPTION_BYTES}`);
  const bound = definition.jobAcl;
  if (bound !== null) {
    if (bound.jobId !== '' && bound.namespace === '') problems.push('namespace must be set to set job ID');
    if (bound.group !== '' && bound.jobId === '') problems.push('job ID must be set to set group');
    if (bound.task !== '' && bound.group === '') problems.push('group must be set to set task');
  }
  if (problems.length > 0) return reject('acl-policy-invalid', `policy 0 invalid: ${multiError(problems)}`);
  return accept([on(name, { type: 'AclPolicyDefined', data: { name, ...definition } })]);
}

/** Nomad: ACL.DeletePolicies: one that is not there is none. */
export function deleteAclPolicy(
  view: StateView,
  _context: CommandContext,
  command: { readonly name: string },
): Decision {
  if (presentPolicy(view, command.name) === undefined) return accept([]);
  return accept([on(command.name, { type: 'AclPolicyDeleted', data: {} })]);
}

export function presentPolicy(view: StateView, name: string): AclPolicyState | undefined {
  const policy = view.read<AclPolicyState>(aclPolicyStream(name));
  return policy?.purged ? undefined : policy;
}

const on = (name: string, event: AclPolicyEvent): NewEvent => ({ stream: aclPolicyStream(name), event });
