import {
  accept,
  ACL_REGISTRY,
  aclAuthMethodStream,
  reject,
  type CommandContext,
  type Decision,
  type DurationNs,
  type Index,
  type NewEvent,
  type StateView,
} from '@app/kernel';
import type { AclRegistryEvent } from '../acl-registry/events.js';
import type { AclRegistryState } from '../acl-registry/state.js';
import { multiError } from '../job/spec/multi-error.js';
import type { AclAuthMethodEvent } from './events.js';
import { evolveAclAuthMethod } from './evolve.js';
import {
  NO_METHOD_SECRETS,
  type AclAuthMethodDefinition,
  type AclAuthMethodState,
  type AuthMethodConfig,
  type AuthMethodSecrets,
} from './state.js';
import { faultsOfAuthMethod, type UncheckedConfig } from './validate.js';

const DEFAULT_NAME_FORMAT = '${auth_method_type}-${auth_method_name}';

export interface DefineAclAuthMethod {
  readonly name: string;
  /** Empty: as it was; likewise of the others. */
  readonly type: string;
  readonly tokenLocality: string;
  readonly tokenNameFormat: string;
  /** 0: as it was. */
  readonly maxTokenTtl: DurationNs;
  /** Never as it was. */
  readonly isDefault: boolean;
  /** Null: as it was, with its secrets; else nothing of the old one is left. */
  readonly config: UncheckedConfig | null;
  /** Encrypted; a secret that is undefined is as it was. */
  readonly secrets: { readonly [K in keyof AuthMethodSecrets]: string | undefined };
  /** What tells two definitions apart. Pure. */
  readonly hashOf: (definition: object) => string;
}

/** The method as of the commit of this index. */
export type AclAuthMethodAnswer = (index: Index) => AclAuthMethodState;

/** Nomad: ACL.UpsertAuthMethods. Rejections: acl-auth-method-invalid (detail: the text), acl-default-method-taken (detail: whose it is). */
export function defineAclAuthMethod(
  view: StateView,
  context: CommandContext,
  command: DefineAclAuthMethod,
): Decision<AclAuthMethodAnswer> {
  const { name, isDefault, hashOf } = command;
  const before = presentMethod(view, name);
  const merged = {
    name,
    isDefault,
    type: command.type || (before?.type ?? ''),
    tokenLocality: command.tokenLocality || (before?.tokenLocality ?? ''),
    tokenNameFormat: command.tokenNameFormat || (before?.tokenNameFormat ?? DEFAULT_NAME_FORMAT),
    maxTokenTtl: command.maxTokenTtl || (before?.maxTokenTtl ?? 0),
    config: command.config ?? before?.config ?? null,
    secrets: secretsOf(command, before?.secrets ?? NO_METHOD_SECRETS),
  };
  const problems = faultsOfAuthMethod(merged);
  if (problems.length > 0) return reject('acl-auth-method-invalid', `auth method 0 invalid: ${multiError(problems)}`);
  const holder = view.read<AclRegistryState>(ACL_REGISTRY)?.defaultMethod ?? '';
  if (isDefault && holder !== '' && holder !== name) return reject('acl-default-method-taken', holder);
  const checked = { ...merged, config: merged.config as AuthMethodConfig } as Omit<AclAuthMethodDefinition, 'hash'>;
  const defined: AclAuthMethodEvent = { type: 'AclAuthMethodDefined', data: { ...checked, hash: hashOf(checked) } };
  const events = [on(name, defined)];
  if (isDefault !== (holder === name)) events.push(registered(isDefault ? name : ''));
  return accept(events, (index) => evolveAclAuthMethod(before, defined, { index, time: context.now })!);
}

/** Nomad: ACL.DeleteAuthMethods. Its binding rules stay. Rejections: acl-auth-method-not-found. */
export function deleteAclAuthMethod(
  view: StateView,
  _context: CommandContext,
  { name }: { readonly name: string },
): Decision {
  const method = presentMethod(view, name);
  if (method === undefined) return reject('acl-auth-method-not-found');
  const deleted = on(name, { type: 'AclAuthMethodDeleted', data: {} });
  return accept(method.isDefault ? [deleted, registered('')] : [deleted]);
}

export function presentMethod(view: StateView, name: string): AclAuthMethodState | undefined {
  const method = view.read<AclAuthMethodState>(aclAuthMethodStream(name));
  return method?.purged ? undefined : method;
}

function secretsOf({ config, secrets }: DefineAclAuthMethod, before: AuthMethodSecrets): AuthMethodSecrets {
  if (config === null) return before;
  return {
    clientSecret: secrets.clientSecret ?? before.clientSecret,
    assertionSecret: secrets.assertionSecret ?? before.assertionSecret,
    privateKey: secrets.privateKey ?? before.privateKey,
  };
}

const on = (name: string, event: AclAuthMethodEvent): NewEvent => ({ stream: aclAuthMethodStream(name), event });
const registered = (name: string): NewEvent<AclRegistryEvent> => ({
  stream: ACL_REGISTRY,
  event: { type: 'AclDefaultMethodChanged', data: { name } },
});
