import {
  currentVersion,
  isBoundTo,
  isClientTerminal,
  isExpired,
  MANAGEMENT,
  NO_PERMISSIONS,
  parseRules,
  permissionsOf,
  type AclPolicyState,
  type AclRoleState,
  type AclTokenState,
  type AllocationState,
  type JobState,
  type Permissions,
  type PolicyRules,
  type WorkloadPlace,
} from '@app/domain';
import type { EventStore } from '@app/event-store';
import {
  aclPolicyStream,
  aclRoleStream,
  aclTokenStream,
  allocationStream,
  jobStream,
  parseExact,
  streamType,
  US_PER_S,
  type StreamName,
  type TimeUs,
} from '@app/kernel';
import { digestOfSecret, isSameDigest, type IdentityTokens } from '@app/keyring';
import type { ReadModels } from '@app/read-models';
import type { LogCommit, LogTail } from '@app/streaming';
import { LRUCache } from 'lru-cache';
import { isUuid } from '../http/index.js';
import type { Caller, Callers, Stranger } from './caller.js';
import { NodeSecrets } from './node-secrets.js';

const MAX_CALLERS = 10_000;
const MAX_POLICIES = 1_000;
const ANONYMOUS = 'anonymous';
const JWS_PARTS = 3;
const NO_JWS = 'go-jose/go-jose: compact JWS format must have three parts';
const STRANGER: Stranger = { identity: { kind: 'stranger' } };

export interface TokenCallersOptions {
  readonly readModels: Pick<ReadModels, 'keys'>;
  readonly store: Pick<EventStore, 'load'>;
  readonly identities: Pick<IdentityTokens, 'verify'>;
  readonly tail: Pick<LogTail, 'onCommit'>;
  readonly now: () => TimeUs;
}

/** A new token, which each login makes, moves nobody who is kept: unknown secrets are not. */
const movesCallers = ({ stream, events }: LogCommit['changes'][number]): boolean =>
  streamType(stream).startsWith('acl-') && events.some(({ type }) => type !== 'AclTokenCreated');

/**
 * Whose tokens are, by the log that is applied now: the secrets of tokens and of nodes, workload identities, and none at all. Tokens are kept by the digests
 * of their secrets until anything about ACLs changes, but for a new token; identities are verified each time, since they also end with their
 * allocations, keys and times.
 */
export class TokenCallers implements Callers {
  private readonly found = new LRUCache<string, Caller>({ max: MAX_CALLERS });
  private readonly rules = new LRUCache<string, PolicyRules>({ max: MAX_POLICIES });
  /** Counts what made callers out of date: one that was looked for meanwhile is not kept. */
  private generation = 0;

  private readonly nodes: NodeSecrets;

  constructor(private readonly options: TokenCallersOptions) {
    this.nodes = new NodeSecrets(options);
    options.tail.onCommit(({ changes }) => {
      if (!changes.some(movesCallers)) return;
      this.generation++;
      this.found.clear();
    });
  }

  resolve(secret: string | undefined): Promise<Caller | Stranger> | Caller {
    if (secret !== undefined && !isUuid(secret)) return this.ofWorkload(secret);
    const digest = secret === undefined ? '' : digestOfSecret(secret);
    const kept = this.found.get(digest);
    return kept !== undefined && !this.isOver(kept) ? kept : this.lookUp(secret, digest);
  }

  private async lookUp(secret: string | undefined, digest: string): Promise<Caller | Stranger> {
    const { generation } = this;
    const caller = await (secret === undefined ? this.anonymous() : this.ofSecret(digest));
    // What is unknown is looked for each time: made-up secrets must not push those of callers out.
    if (caller === undefined) return this.ofNode(digest);
    if (generation === this.generation) this.found.set(digest, caller);
    return caller;
  }

  now(): TimeUs {
    return this.options.now();
  }

  private isOver({ expiresAt }: Caller): boolean {
    return expiresAt !== undefined && expiresAt <= this.options.now();
  }

  private async anonymous(): Promise<Caller> {
    const permissions = await this.permissions([ANONYMOUS]);
    return { identity: { kind: 'anonymous' }, permissions, policies: [ANONYMOUS], roles: [] };
  }

  private async ofSecret(digest: string): Promise<Caller | undefined> {
    const [accessorId] = await this.options.readModels.keys('acl_token', { secret_digest: digest });
    const [token] = accessorId === undefined ? [] : await this.states<AclTokenState>([aclTokenStream(accessorId)]);
    const isUsable =
      token !== undefined &&
      !token.purged &&
      isSameDigest(token.secretDigest, digest) &&
      !isExpired(token, this.options.now());
    if (!isUsable) return undefined;
    const expiry = token.expirationTime === 0 ? {} : { expiresAt: token.expirationTime };
    const identity = { kind: 'token', accessorId: token.accessorId } as const;
    if (token.type === 'management') return { identity, permissions: MANAGEMENT, policies: [], roles: [], ...expiry };
    const states = await this.states<AclRoleState>((token.roles ?? []).map(aclRoleStream));
    const roles = states.filter((role) => role !== undefined && !role.purged) as AclRoleState[];
    const policies = [...new Set([...(token.policies ?? []), ...roles.flatMap((role) => role.policies)])];
    const permissions = await this.permissions(policies);
    return { identity, permissions, policies, roles: roles.map(({ id }) => id), ...expiry };
  }

  /** A node has no policies: what it may do stands with each request. */
  private async ofNode(digest: string): Promise<Caller | Stranger> {
    const nodeId = await this.nodes.nodeOf(digest);
    if (nodeId === undefined) return STRANGER;
    return { identity: { kind: 'node', nodeId }, permissions: NO_PERMISSIONS, policies: [], roles: [] };
  }

  private async ofWorkload(secret: string): Promise<Caller | Stranger> {
    if (secret.split('.').length !== JWS_PARTS) return { ...STRANGER, malformed: NO_JWS };
    const claims = await this.options.identities.verify(secret);
    if (claims === undefined) return STRANGER;
    const [allocation] = await this.states<AllocationState>([allocationStream(claims.allocationId)]);
    const isLive = allocation !== undefined && !allocation.purged && !isClientTerminal(allocation);
    if (!isLive || allocation.namespace !== claims.namespace) return STRANGER;
    const caller = await this.ofTask(allocation, claims.taskName);
    return claims.expiresAt === 0 ? caller : { ...caller, expiresAt: claims.expiresAt * US_PER_S };
  }

  /** The task of an allocation that runs, however it was recognised. */
  async ofTask(allocation: AllocationState, task: string): Promise<Caller> {
    const place = {
      namespace: allocation.namespace,
      jobId: await this.parentOf(allocation),
      group: allocation.taskGroup,
      task,
    };
    const policies = await this.boundTo(place);
    const permissions = await this.permissions(policies, place);
    const identity = { kind: 'workload', place, allocationId: allocation.id } as const;
    return { identity, permissions, policies, roles: [] };
  }

  /** The job that policies are bound to: the parent of a child. */
  private async parentOf({ namespace, jobId }: AllocationState): Promise<string> {
    const [job] = await this.states<JobState>([jobStream(namespace, jobId)]);
    return currentVersion(job)?.spec.ParentID || jobId;
  }

  private async boundTo(place: WorkloadPlace): Promise<string[]> {
    const names = await this.options.readModels.keys('acl_policy', { job_namespace: place.namespace });
    const states = await this.states<AclPolicyState>(names.map(aclPolicyStream));
    return states.flatMap((policy) =>
      policy !== undefined && !policy.purged && policy.jobAcl !== null && isBoundTo(policy.jobAcl, place)
        ? [policy.name]
        : [],
    );
  }

  /** What policies of these names add up to; one that does not exist adds nothing. */
  private async permissions(names: readonly string[], workload?: WorkloadPlace): Promise<Permissions> {
    const states = await this.states<AclPolicyState>([...names].sort().map(aclPolicyStream));
    const policies = states.filter((policy) => policy !== undefined && !policy.purged) as AclPolicyState[];
    const key = JSON.stringify([policies.map(({ name, modifyIndex }) => [name, modifyIndex]), workload ?? null]);
    return permissionsOf(
      policies.map((policy) => this.rulesOf(policy)),
      key,
      workload,
    );
  }

  private rulesOf({ name, modifyIndex, rules }: AclPolicyState): PolicyRules {
    const key = `${modifyIndex} ${name}`;
    const kept = this.rules.get(key);
    if (kept !== undefined) return kept;
    const parsed = parseRules(rules);
    if (!parsed.ok) throw new Error(`policy ${name} cannot be read: ${parsed.error}`);
    this.rules.set(key, parsed.rules);
    return parsed.rules;
  }

  private async states<S>(streams: readonly StreamName[]): Promise<(S | undefined)[]> {
    if (streams.length === 0) return [];
    const stored = await this.options.store.load(streams);
    return streams.map((stream) => {
      const one = stored.get(stream);
      return one === undefined ? undefined : (parseExact(one.state) as S);
    });
  }
}
