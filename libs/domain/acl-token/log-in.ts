import { ACL_REGISTRY, reject, type CommandContext, type Decision, type Index, type StateView } from '@app/kernel';
import { presentMethod } from '../acl-auth-method/decide.js';
import { presentRule } from '../acl-binding-rule/decide.js';
import type { BindType } from '../acl-binding-rule/state.js';
import { presentPolicy } from '../acl-policy/decide.js';
import { roleIdOf, type AclRegistryState } from '../acl-registry/state.js';
import { createAclToken, type AclTokenAnswer } from './decide.js';

/** What a rule gives to whoever has just proved who that is. */
export interface Binding {
  readonly type: BindType;
  readonly name: string;
}

export interface LogIn {
  readonly accessorId: string;
  readonly secretDigest: string;
  /** As they were when the claims were held against them. */
  readonly method: { readonly name: string; readonly modifyIndex: Index };
  readonly rules: readonly { readonly id: string; readonly modifyIndex: Index }[];
  readonly bindings: readonly Binding[];
  readonly name: string;
  /** Bytes of the name. */
  readonly nameBytes: number;
  /** What tells two tokens apart. Pure. */
  readonly hashOf: (definition: object) => string;
}

/**
 * Makes the token of somebody who was authenticated by others. A role or policy that does not exist gives nothing. Nomad: ACL.Login. Rejections:
 * acl-login-outdated when the method or a rule is not what it was, acl-login-unbound, and those of the creation of a token.
 */
export function logIn(view: StateView, context: CommandContext, command: LogIn): Decision<AclTokenAnswer> {
  const { accessorId, secretDigest, name, nameBytes, hashOf, bindings } = command;
  const method = presentMethod(view, command.method.name);
  const isSame =
    method?.modifyIndex === command.method.modifyIndex &&
    command.rules.every(({ id, modifyIndex }) => presentRule(view, id)?.modifyIndex === modifyIndex);
  if (method === undefined || !isSame) return reject('acl-login-outdated');
  const isManagement = bindings.some(({ type }) => type === 'management');
  const named = (wanted: BindType): string[] =>
    isManagement ? [] : bindings.filter(({ type }) => type === wanted).map((binding) => binding.name);
  const policies = named('policy').filter((policy) => presentPolicy(view, policy) !== undefined);
  const registry = view.read<AclRegistryState>(ACL_REGISTRY);
  const roles = named('role').flatMap((role) => {
    const id = roleIdOf(registry, role);
    return id === undefined ? [] : [{ id, name: '' }];
  });
  if (!isManagement && policies.length === 0 && roles.length === 0) return reject('acl-login-unbound');
  const given = {
    name,
    type: isManagement ? 'management' : 'client',
    policies,
    roles,
    isGlobal: method.tokenLocality === 'global',
    ttl: method.maxTokenTtl,
    time: 0,
  };
  return createAclToken(view, context, { ...given, nameBytes, hash: hashOf(given), accessorId, secretDigest });
}
