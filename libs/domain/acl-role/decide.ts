import {
  accept,
  ACL_REGISTRY,
  aclRoleStream,
  reject,
  type CommandContext,
  type Decision,
  type Index,
  type NewEvent,
  type StateView,
} from '@app/kernel';
import { ACL_NAME } from '../acl/names.js';
import { presentPolicy } from '../acl-policy/decide.js';
import type { AclRegistryEvent } from '../acl-registry/events.js';
import { roleIdOf, type AclRegistryState } from '../acl-registry/state.js';
import { multiError } from '../job/spec/multi-error.js';
import type { AclRoleEvent } from './events.js';
import { evolveAclRole } from './evolve.js';
import type { AclRoleDefinition, AclRoleState } from './state.js';

const MAX_DESCRIPTION_BYTES = 256;

export interface DefineAclRole extends AclRoleDefinition {
  /** Empty: a new one. */
  readonly id: string;
  /** Bytes of the description. */
  readonly descriptionBytes: number;
}

/** The role as of the commit of this index. */
export type AclRoleAnswer = (index: Index) => AclRoleState;

/**
 * Nomad: ACL.UpsertRoles. Rejections: acl-role-invalid (detail: the text), acl-role-unknown (detail: the id), acl-role-name-taken and
 * acl-role-rename-taken (detail: the name), acl-policy-unknown (detail: its name).
 */
export function defineAclRole(
  view: StateView,
  context: CommandContext,
  command: DefineAclRole,
): Decision<AclRoleAnswer> {
  const { name, description, hash } = command;
  const policies = [...new Set(command.policies)];
  const problems: string[] = [];
  if (!ACL_NAME.test(name)) problems.push(`invalid name '${name}'`);
  if (command.descriptionBytes > MAX_DESCRIPTION_BYTES)
    problems.push(`description longer than ${MAX_DESCRIPTION_BYTES}`);
  if (policies.length === 0) problems.push('at least one policy should be specified');
  if (problems.length > 0) return reject('acl-role-invalid', `role 0 invalid: ${multiError(problems)}`);
  const before = command.id === '' ? undefined : presentRole(view, command.id);
  if (command.id !== '' && before === undefined) return reject('acl-role-unknown', command.id);
  const holder = roleIdOf(view.read<AclRegistryState>(ACL_REGISTRY), name);
  if (holder !== undefined && holder !== before?.id)
    return reject(before === undefined ? 'acl-role-name-taken' : 'acl-role-rename-taken', name);
  const missing = policies.find((policy) => presentPolicy(view, policy) === undefined);
  if (missing !== undefined) return reject('acl-policy-unknown', missing);
  const id = before?.id ?? context.newId();
  const role = { id, name, description, policies, hash };
  const defined: AclRoleEvent = { type: 'AclRoleDefined', data: role };
  const events = [on(id, defined)];
  if (holder === undefined) events.push(registered({ type: 'AclRoleNamed', data: { id, name } }));
  return accept(events, (index) => evolveAclRole(before, defined, { index, time: context.now })!);
}

/** Nomad: ACL.DeleteRolesByID. Tokens keep its id, which gives nothing any more. Rejections: acl-role-not-found. */
export function deleteAclRole(view: StateView, _context: CommandContext, command: { readonly id: string }): Decision {
  const { id } = command;
  if (presentRole(view, id) === undefined) return reject('acl-role-not-found');
  return accept([on(id, { type: 'AclRoleDeleted', data: {} }), registered({ type: 'AclRoleUnnamed', data: { id } })]);
}

export function presentRole(view: StateView, id: string): AclRoleState | undefined {
  const role = view.read<AclRoleState>(aclRoleStream(id));
  return role?.purged ? undefined : role;
}

const on = (id: string, event: AclRoleEvent): NewEvent => ({ stream: aclRoleStream(id), event });
const registered = (event: AclRegistryEvent): NewEvent => ({ stream: ACL_REGISTRY, event });
