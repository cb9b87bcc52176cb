import { isExpired, type AclPolicyState, type AclRoleState, type AclTokenState } from '@app/domain';
import { aclPolicyStream, aclRoleStream, aclTokenStream, isoFromUs, type StreamName } from '@app/kernel';
import { digestOfSecret } from '@app/keyring';
import * as messages from '@app/nomad-rpc';
import { method, RpcError, ZERO_TIME, type Any, type Connection, type Method } from '@app/nomad-rpc';
import type { Callers, WorkloadCaller } from './callers.js';
import { MAX_ACL_NAMES } from './limits.js';
import type { NodeDesk } from './services.js';

const DENIED = 'Permission denied';
const ANONYMOUS = 'anonymous';
/** Whoever shows no token; and any token while nobody checks them. */
const ANONYMOUS_TOKEN = {
  AccessorID: ANONYMOUS,
  SecretID: '',
  Name: 'Anonymous Token',
  Type: 'client',
  Policies: [ANONYMOUS] as readonly string[],
  Roles: null,
  Global: false,
  Hash: Buffer.alloc(0),
  CreateTime: ZERO_TIME,
  ExpirationTime: null,
  ExpirationTTL: 0n,
  CreateIndex: 0,
  ModifyIndex: 0,
};
/** What is asked for an index is neither waited for, nor may it be. */
const META = { Index: 0, LastContact: 0, KnownLeader: true, NextToken: '' };
const NO_IDENTITY = { ACLToken: null, Claims: null, ClientID: '', TLSName: '', RemoteIP: null };

/**
 * Nomad: who somebody is who asks at a client's own HTTP API, or whom a server calls a client for; and what a client that has ACLs on needs
 * to tell what they may do. spec/rpc §9.
 */
export function aclMethods(desk: NodeDesk, callers: Callers): Method<Connection>[] {
  const { services } = desk;

  return [
    method('ACL.WhoAmI', messages.whoAmIRequest, messages.whoAmIReply, async ({ Region, AuthToken }, connection) => {
      desk.checkRegion(Region);
      const caller = AuthToken === '' ? undefined : await callers.resolve(AuthToken, connection).catch(toUnknown);
      if (caller?.kind === 'node') return { Identity: { ...NO_IDENTITY, ClientID: caller.node.id }, ...META };
      if (caller?.kind === 'workload') return { Identity: { ...NO_IDENTITY, Claims: claimsOf(caller) }, ...META };
      return { Identity: { ...NO_IDENTITY, ACLToken: await tokenOf(AuthToken) }, ...META };
    }),

    method('ACL.GetPolicies', messages.getPoliciesRequest, messages.getPoliciesReply, async (request, connection) => {
      desk.checkRegion(request.Region);
      const names = bounded(request.Names);
      await checkMayRead(request.AuthToken, connection, policiesOf, names);
      return policiesReply(names);
    }),

    method('ACL.GetRolesByID', messages.getRolesRequest, messages.getRolesReply, async (request, connection) => {
      desk.checkRegion(request.Region);
      const ids = bounded(request.ACLRoleIDs);
      await checkMayRead(request.AuthToken, connection, rolesOf, ids);
      const at = await services.tail.readIndex();
      const roles = await statesOf<AclRoleState>(ids.map(aclRoleStream));
      const named = roles.map((role) => [
        role.id,
        {
          ID: role.id,
          Name: role.name,
          Description: role.description,
          Policies: role.policies.map((Name) => ({ Name })),
          Hash: Buffer.from(role.hash, 'base64'),
          CreateIndex: role.createIndex,
          ModifyIndex: role.modifyIndex,
        },
      ]);
      return { ACLRoles: Object.fromEntries(named), ...messages.metaAt(Math.max(1, at)) };
    }),

    method(
      'ACL.GetClaimPolicies',
      messages.getClaimPoliciesRequest,
      messages.getPoliciesReply,
      async (request, connection) => {
        desk.checkRegion(request.Region);
        const caller = await callers.resolve(request.AuthToken, connection);
        if (caller.kind !== 'workload') throw new RpcError(DENIED);
        return policiesReply(await services.policiesOf(caller.allocation, caller.identity.taskName));
      },
    ),
  ];

  async function tokenOf(secret: string): Promise<AnyToken> {
    if (secret === '') return ANONYMOUS_TOKEN;
    if (secret.includes('.')) throw new RpcError(DENIED);
    const found = await userToken(secret);
    if (found !== undefined) return found;
    if (services.checksTokens) throw new RpcError('ACL token not found');
    return ANONYMOUS_TOKEN;
  }

  async function userToken(secret: string): Promise<TokenForClient | undefined> {
    await services.tail.readIndex();
    const [accessorId] = await services.readModels.keys('acl_token', { secret_digest: digestOfSecret(secret) });
    const [token] = accessorId === undefined ? [] : await statesOf<AclTokenState>([aclTokenStream(accessorId)]);
    if (token === undefined) return undefined;
    if (isExpired(token, services.clock.now())) throw new RpcError('ACL token expired');
    const roles = await statesOf<AclRoleState>((token.roles ?? []).map(aclRoleStream));
    return {
      ...ANONYMOUS_TOKEN,
      AccessorID: token.accessorId,
      SecretID: secret,
      Name: token.name,
      Type: token.type,
      Policies: token.policies ?? [],
      Roles: roles.map(({ id, name }) => ({ ID: id, Name: name })),
      Global: token.isGlobal,
      Hash: Buffer.from(token.hash, 'base64'),
      CreateTime: isoFromUs(token.createTime) ?? ZERO_TIME,
      ExpirationTime: token.expirationTime === 0 ? null : isoFromUs(token.expirationTime),
      ExpirationTTL: BigInt(token.expirationTtl),
      CreateIndex: token.createIndex,
      ModifyIndex: token.modifyIndex,
    };
  }

  /** A node reads what it needs to know for others; anybody else what their own token has. @throws RpcError */
  async function checkMayRead(
    secret: string,
    connection: Connection,
    own: (token: AnyToken) => readonly string[] | Promise<readonly string[]>,
    wanted: readonly string[],
  ): Promise<void> {
    const caller = secret === '' ? undefined : await callers.resolve(secret, connection).catch(toUnknown);
    if (caller?.kind === 'node') return;
    const token = await tokenOf(secret);
    if (token.Type === 'management') return;
    const held = new Set(await own(token));
    if (!wanted.every((name) => held.has(name))) throw new RpcError(DENIED);
  }

  /** What a token has by its roles is its own, too. */
  async function policiesOf(token: AnyToken): Promise<readonly string[]> {
    const roles = await statesOf<AclRoleState>(rolesOf(token).map(aclRoleStream));
    return [...token.Policies, ...roles.flatMap(({ policies }) => policies)];
  }

  async function policiesReply(names: readonly string[]) {
    const at = await services.tail.readIndex();
    const policies = await statesOf<AclPolicyState>(names.map(aclPolicyStream));
    const named = policies.map((policy) => [
      policy.name,
      {
        Name: policy.name,
        Description: policy.description,
        Rules: policy.rules,
        Hash: Buffer.from(policy.hash, 'base64'),
        CreateIndex: policy.createIndex,
        ModifyIndex: policy.modifyIndex,
      },
    ]);
    return { Policies: Object.fromEntries(named), ...messages.metaAt(Math.max(1, at)) };
  }

  /** Those that are there. */
  async function statesOf<T extends { readonly purged: boolean }>(streams: readonly StreamName[]): Promise<T[]> {
    if (streams.length === 0) return [];
    const stored = await services.store.load([...streams]);
    return [...stored.values()].map(({ state }) => JSON.parse(state) as T).filter(({ purged }) => !purged);
  }
}

interface TokenForClient extends Omit<typeof ANONYMOUS_TOKEN, 'Roles' | 'ExpirationTime'> {
  readonly Roles: readonly { readonly ID: string; readonly Name: string }[] | null;
  readonly ExpirationTime: string | null;
}

type AnyToken = typeof ANONYMOUS_TOKEN | TokenForClient;

const rolesOf = ({ Roles }: AnyToken): readonly string[] => (Roles ?? []).map(({ ID }) => ID);

/** A token of somebody else than nodes and workloads is looked for among users'. */
function toUnknown(error: unknown): undefined {
  if (error instanceof RpcError && error.message === DENIED) return undefined;
  throw error;
}

function bounded(names: readonly string[] | null): readonly string[] {
  if ((names ?? []).length > MAX_ACL_NAMES) throw new RpcError(`more than ${MAX_ACL_NAMES} names`);
  return names ?? [];
}

const claimsOf = ({ identity }: Extract<WorkloadCaller, { kind: 'workload' }>): Any => ({
  AllocationID: identity.allocationId,
  Audience: [...identity.audience],
  ConsulNamespace: '',
  Expiry: null,
  ExtraClaims: null,
  ID: identity.id,
  IssuedAt: null,
  Issuer: '',
  JobID: identity.jobId,
  Namespace: identity.namespace,
  ServiceName: identity.serviceName,
  Subject: identity.subject,
  TaskName: identity.taskName,
  VaultNamespace: '',
  VaultRole: '',
});
