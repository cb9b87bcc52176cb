import {
  accept,
  ACL_REGISTRY,
  aclTokenStream,
  goDuration,
  reject,
  usFromNs,
  type CommandContext,
  type Decision,
  type DurationNs,
  type Index,
  type NewEvent,
  type Rejection,
  type StateView,
  type TimeUs,
} from '@app/kernel';
import type { AclRegistryEvent } from '../acl-registry/events.js';
import { roleIdOf, type AclRegistryState } from '../acl-registry/state.js';
import { presentRole } from '../acl-role/decide.js';
import { multiError } from '../job/spec/multi-error.js';
import type { AclTokenEvent, AclTokenGrants } from './events.js';
import type { RoleNames } from './render.js';
import { isExpired, type AclTokenState, type AclTokenType } from './state.js';

const MAX_NAME_BYTES = 256;
const MIN_TTL: DurationNs = 60e9;
const MAX_TTL: DurationNs = 24 * 3600e9;
const NS_PER_US = 1000;
const ONE_TIME_TTL_US = 600e6;

export interface WriteAclToken {
  readonly name: string;
  /** Bytes of the name. */
  readonly nameBytes: number;
  readonly type: string;
  readonly policies: readonly string[];
  /** By id, or where that is empty by name. */
  readonly roles: readonly { readonly id: string; readonly name: string }[];
  readonly isGlobal: boolean;
  readonly ttl: DurationNs;
  readonly time: TimeUs;
  readonly hash: string;
}

export interface NewAclToken extends WriteAclToken {
  readonly accessorId: string;
  readonly secretDigest: string;
}

/** The token as it is now; the index of this commit is still to be put in where it is 0. */
export interface AclTokenAnswer {
  readonly token: AclTokenState;
  readonly roleNames: readonly (readonly [id: string, name: string])[];
}

/** As it is after the commit of this index. */
export const asOf = (token: AclTokenState, index: Index): AclTokenState => ({
  ...token,
  createIndex: token.createIndex || index,
  modifyIndex: token.modifyIndex || index,
});

/** Nomad: ACL.UpsertTokens. Rejections: acl-token-invalid (detail: the text), acl-role-unknown (detail: what it was asked for by). */
export function createAclToken(
  view: StateView,
  { now }: CommandContext,
  command: NewAclToken,
): Decision<AclTokenAnswer> {
  const { accessorId, secretDigest, isGlobal, ttl } = command;
  const expirationTime = command.time || (ttl === 0 ? 0 : now + usFromNs(ttl));
  const problems = [...faultsOf(command), ...faultsOfExpiry(command, now, expirationTime)];
  if (problems.length > 0) return invalid(problems);
  const roles = rolesOf(view, command);
  if ('code' in roles) return { kind: 'rejected', rejection: roles };
  const created = {
    ...grantsOf(command, roles),
    accessorId,
    isGlobal,
    createTime: now,
    expirationTtl: ttl,
    expirationTime,
    secretDigest,
  };
  return accept([on(accessorId, { type: 'AclTokenCreated', data: created })], {
    token: { ...created, oneTimeSecrets: [], createIndex: 0, modifyIndex: 0, purged: false },
    roleNames: [...roles],
  });
}

/** Nomad: ACL.UpsertTokens. Rejections: those of its creation, acl-token-unknown (detail: its accessor). */
export function changeAclToken(
  view: StateView,
  { now }: CommandContext,
  command: WriteAclToken & { readonly accessorId: string },
): Decision<AclTokenAnswer> {
  const { accessorId } = command;
  const token = presentToken(view, accessorId, now);
  if (token === undefined) return reject('acl-token-unknown', accessorId);
  const time = command.time || (command.ttl === 0 ? token.expirationTime : token.createTime + usFromNs(command.ttl));
  const problems = [
    ...faultsOf(command),
    ...(command.isGlobal === token.isGlobal ? [] : ['cannot toggle global mode']),
    ...(command.ttl === token.expirationTtl ? [] : ['cannot update expiration TTL']),
    ...(time === token.expirationTime ? [] : ['cannot update expiration time']),
  ];
  if (problems.length > 0) return invalid(problems);
  const roles = rolesOf(view, command);
  if ('code' in roles) return { kind: 'rejected', rejection: roles };
  const grants = grantsOf(command, roles);
  return accept([on(accessorId, { type: 'AclTokenChanged', data: grants })], {
    token: { ...token, ...grants, modifyIndex: 0 },
    roleNames: [...roles],
  });
}

/** Nomad: ACL.DeleteTokens. Rejections: acl-tokens-nonexistent (detail: the accessor). */
export function deleteAclToken(view: StateView, _context: CommandContext, command: { readonly id: string }): Decision {
  const token = view.read<AclTokenState>(aclTokenStream(command.id));
  if (token === undefined || token.purged) return reject('acl-tokens-nonexistent', command.id);
  return accept([on(command.id, { type: 'AclTokenDeleted', data: {} })]);
}

/** Removes a token whose time is over; changes nothing otherwise. */
export function expireAclToken(view: StateView, { now }: CommandContext, command: { readonly id: string }): Decision {
  const token = view.read<AclTokenState>(aclTokenStream(command.id));
  if (token === undefined || token.purged || !isExpired(token, now)) return accept([]);
  return accept([on(command.id, { type: 'AclTokenExpired', data: {} })]);
}

/** Nomad: ACL.UpsertOneTimeToken; the answer is when it expires. Rejections: permission-denied. */
export function issueOneTimeSecret(
  view: StateView,
  { now }: CommandContext,
  command: { readonly id: string; readonly oneTimeDigest: string },
): Decision<TimeUs> {
  if (presentToken(view, command.id, now) === undefined) return reject('permission-denied');
  const expiresAt = now + ONE_TIME_TTL_US;
  const { oneTimeDigest } = command;
  return accept([on(command.id, { type: 'OneTimeSecretIssued', data: { oneTimeDigest, expiresAt } })], expiresAt);
}

/** Nomad: ACL.ExchangeOneTimeToken. Rejections: permission-denied. */
export function exchangeOneTimeSecret(
  view: StateView,
  { now }: CommandContext,
  command: { readonly id: string; readonly oneTimeDigest: string },
): Decision<AclTokenAnswer> {
  const token = presentToken(view, command.id, now);
  const held = token?.oneTimeSecrets.find(({ digest }) => digest === command.oneTimeDigest);
  if (token === undefined || held === undefined || held.expiresAt <= now) return reject('permission-denied');
  const roleNames = (token.roles ?? []).flatMap((id) => {
    const role = presentRole(view, id);
    return role === undefined ? [] : [[id, role.name] as const];
  });
  const { oneTimeDigest } = command;
  return accept([on(command.id, { type: 'OneTimeSecretExchanged', data: { oneTimeDigest } })], { token, roleNames });
}

/**
 * Makes a management token where there is none yet, or once more where somebody could put the reset index into a file of the server. Nomad:
 * ACL.Bootstrap. Rejections: acl-bootstrapped (detail: the reset index), acl-reset-index (detail: [given, needed]).
 */
export function bootstrapAcl(
  view: StateView,
  { now }: CommandContext,
  command: {
    readonly accessorId: string;
    readonly secretDigest: string;
    readonly hash: string;
    /** What the file says; undefined: there is none. */
    readonly resetIndex: Index | undefined;
  },
): Decision<AclTokenAnswer> {
  const { accessorId, secretDigest, hash, resetIndex } = command;
  const { bootstrapIndex } = view.read<AclRegistryState>(ACL_REGISTRY) ?? { bootstrapIndex: 0 };
  if (bootstrapIndex > 0) {
    if (resetIndex === undefined) return reject('acl-bootstrapped', String(bootstrapIndex));
    if (resetIndex !== bootstrapIndex) return reject('acl-reset-index', JSON.stringify([resetIndex, bootstrapIndex]));
  }
  const created = {
    accessorId,
    secretDigest,
    hash,
    name: 'Bootstrap Token',
    type: 'management' as const,
    policies: null,
    roles: null,
    isGlobal: true,
    createTime: now,
    expirationTtl: 0,
    expirationTime: 0,
  };
  const bootstrapped: AclRegistryEvent = { type: 'AclBootstrapped', data: { accessorId } };
  return accept(
    [on(accessorId, { type: 'AclTokenCreated', data: created }), { stream: ACL_REGISTRY, event: bootstrapped }],
    {
      token: { ...created, oneTimeSecrets: [], createIndex: 0, modifyIndex: 0, purged: false },
      roleNames: [],
    },
  );
}

const on = (accessorId: string, event: AclTokenEvent): NewEvent => ({ stream: aclTokenStream(accessorId), event });

const invalid = (problems: readonly string[]): Decision<never> =>
  reject('acl-token-invalid', `token 0 invalid: ${multiError(problems)}`);

/** The token, if it is there and its time is not over. */
export function presentToken(view: StateView, id: string, now: TimeUs): AclTokenState | undefined {
  const token = view.read<AclTokenState>(aclTokenStream(id));
  return token === undefined || token.purged || isExpired(token, now) ? undefined : token;
}

function faultsOf({ nameBytes, type, policies, roles }: WriteAclToken): string[] {
  const problems: string[] = [];
  const hasGrants = policies.length > 0 || roles.length > 0;
  if (nameBytes > MAX_NAME_BYTES) problems.push('token name too long');
  if (type === 'client') {
    if (!hasGrants) problems.push('client token missing policies or roles');
  } else if (type === 'management') {
    if (hasGrants) problems.push('management token cannot be associated with policies or roles');
  } else problems.push('token type must be client or management');
  return problems;
}

function faultsOfExpiry({ ttl }: WriteAclToken, createTime: TimeUs, expirationTime: TimeUs): string[] {
  const problems: string[] = [];
  if (ttl < 0) problems.push(`token expiration TTL '${goDuration(ttl)}' should not be negative`);
  if (expirationTime === 0) return problems;
  const left = (expirationTime - createTime) * NS_PER_US;
  if (left < 0) problems.push('expiration time cannot be before create time');
  const was = `in the future (was ${goDuration(left)})`;
  if (left < MIN_TTL) problems.push(`expiration time cannot be less than ${goDuration(MIN_TTL)} ${was}`);
  if (left > MAX_TTL) problems.push(`expiration time cannot be more than ${goDuration(MAX_TTL)} ${was}`);
  return problems;
}

/** The roles that a token is to have, each once, or why not. */
function rolesOf(view: StateView, { roles }: WriteAclToken): RoleNames | Rejection {
  const found = new Map<string, string>();
  for (const { id, name } of roles) {
    const known = id || roleIdOf(view.read<AclRegistryState>(ACL_REGISTRY), name);
    const role = known === undefined ? undefined : presentRole(view, known);
    if (role === undefined) return { code: 'acl-role-unknown', detail: id || name };
    found.set(role.id, role.name);
  }
  return found;
}

function grantsOf({ name, type, policies, roles, hash }: WriteAclToken, found: RoleNames): AclTokenGrants {
  const isClient = type === 'client';
  return {
    name,
    type: type as AclTokenType,
    policies: isClient ? policies : null,
    roles: isClient && roles.length > 0 ? [...found.keys()] : null,
    hash,
  };
}
