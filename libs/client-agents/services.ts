import type { AllocationState, JobSpec, NodeDescription, NodeState, Permissions } from '@app/domain';
import type { Command, CommandHandler, EventStore, Outcome } from '@app/event-store';
import { allocationStream, assertNever, nodeStream, type Index, type Rejection, type TimeUs } from '@app/kernel';
import { digestOfSecret, isSameDigest, type IdentityTokens, type Keyring } from '@app/keyring';
import { versionKey, type Heartbeats, type ReadModels, type Variables } from '@app/read-models';
import type { AnswerCache, LogTail, NodeNews } from '@app/streaming';
import { LRUCache } from 'lru-cache';
import { jobForClient, type JobForClient } from './allocation-for-client.js';
import { MAX_JOB_TEXTS_BYTES, MAX_QUERY_MS } from './limits.js';
import { RpcError } from '@app/nomad-rpc';

/** What the RPC edge is built on; made by the app. */
export interface RpcServices {
  readonly handler: CommandHandler;
  readonly store: EventStore;
  readonly readModels: ReadModels;
  readonly heartbeats: Heartbeats;
  readonly tail: LogTail;
  readonly news: NodeNews;
  readonly cache: AnswerCache;
  readonly variables: Variables;
  readonly keyring: Keyring;
  readonly identities: IdentityTokens;
  /** What a task of an allocation may do: what its identity implies, and the policies bound to its job; everything while ACLs are off. */
  readonly permissionsOf: (allocation: AllocationState, task: string) => Promise<Permissions>;
  /** The names of the policies that are bound to a task; none while ACLs are off. */
  readonly policiesOf: (allocation: AllocationState, task: string) => Promise<readonly string[]>;
  /** ACLs are on. */
  readonly checksTokens: boolean;
  readonly clock: { readonly now: () => TimeUs };
  /** What nodes may do with variables: nothing; everything while ACLs are off. */
  readonly permissionsOfNodes: Permissions;
  readonly region: string;
  readonly datacenter: string;
  /** The time until a node's next heartbeat, in milliseconds, drawn anew for each. */
  readonly ttlMs: () => number;
  /** The addresses of all instances that serve RPC, this one's first. */
  readonly servers: () => readonly string[];
  /** Nodes that the leader knows of; 0 where nobody counts. */
  readonly nodeCount: () => number;
  /** Whether a node that is not known yet may register with this token. */
  readonly mayJoin: (token: string, node: Pick<NodeDescription, 'Name' | 'NodePool'>) => Promise<boolean>;
  readonly random: () => number;
  /** Begins the span of what a node writes, as a trace of its own; undefined: nothing is traced. */
  readonly beginSpan?: ((command: string, nodeId: string) => WriteSpan) | undefined;
}

/** A span that goes on, as a `traceparent`. */
export interface WriteSpan {
  readonly traceparent: string;
  end(isError: boolean): void;
}

/** As much of a node as most calls are about. */
export type KnownNode = Pick<NodeState, 'id' | 'status' | 'eligibility' | 'secretDigest'>;

/** A version of a job: as clients take it, and in our own terms. */
export interface JobOfAllocation {
  readonly forClient: JobForClient;
  readonly spec: JobSpec;
}

/** Looks things up, and runs commands, for the methods. */
export class NodeDesk {
  /** Registered job documents never change. */
  private readonly jobs = new LRUCache<string, JobOfAllocation>({
    maxSize: MAX_JOB_TEXTS_BYTES,
    sizeCalculation: ({ forClient }) => 3 * forClient.encoded.bytes.length + 100,
  });

  constructor(readonly services: RpcServices) {}

  /** Our own region, or none. spec/rpc §7. @throws RpcError */
  checkRegion(region: string): void {
    if (region !== '' && region !== this.services.region) throw new RpcError('No path to region');
  }

  async node(id: string): Promise<NodeState | undefined> {
    const stream = nodeStream(id.toLowerCase());
    const stored = (await this.services.store.load([stream])).get(stream);
    const state = stored && (JSON.parse(stored.state) as NodeState);
    return state?.purged === true ? undefined : state;
  }

  /** What calls are answered by. Every call asks: it is kept until the node changes, as of a moment after this call. */
  async known(id: string): Promise<KnownNode | undefined> {
    const { tail, cache, store } = this.services;
    const stream = nodeStream(id.toLowerCase());
    const head = await tail.readIndex();
    const answer = await cache.read({
      key: `known ${stream}`,
      topics: [stream],
      load: async () => {
        const stored = (await store.load([stream])).get(stream);
        const state = stored && (JSON.parse(stored.state) as NodeState);
        const isThere = state !== undefined && !state.purged;
        return { status: isThere ? 200 : 404, index: head, body: Buffer.from(isThere ? knownText(state) : '') };
      },
    });
    return answer.status === 200 ? (JSON.parse(answer.body.toString()) as KnownNode) : undefined;
  }

  /** Those that are there, in no order. */
  async allocations(ids: readonly string[]): Promise<AllocationState[]> {
    const streams = ids.map((id) => allocationStream(id.toLowerCase()));
    const stored = await this.services.store.load(streams);
    return streams
      .flatMap((stream) => stored.get(stream) ?? [])
      .map(({ state }) => JSON.parse(state) as AllocationState)
      .filter((state) => !state.purged);
  }

  /** The node with this id, if the token is its secret. @throws RpcError as Nomad's texts say */
  async authenticated(id: string, token: string): Promise<KnownNode> {
    const node = await this.known(id);
    if (node === undefined) throw new RpcError('node not found');
    if (!isSecretOf(node, token)) throw new RpcError('Permission denied');
    return node;
  }

  /** Runs a command on behalf of a node. @throws RpcError with the text of what was not accepted */
  async execute<A>(
    nodeId: string,
    remoteAddress: string,
    command: Omit<Command<A>, 'meta'>,
    textOf: (rejection: Rejection) => string,
  ): Promise<{ readonly index: Index; readonly answer: A }> {
    const span = this.services.beginSpan?.(command.name, nodeId);
    const meta = { actor: `node ${nodeId}`, remoteAddress, ...(span && { traceparent: span.traceparent }) };
    let outcome: Outcome<A> | undefined;
    try {
      outcome = await this.services.handler.execute({ ...command, meta });
    } finally {
      span?.end(outcome?.kind !== 'accepted');
    }
    switch (outcome.kind) {
      case 'accepted':
        return outcome;
      case 'rejected':
        throw new RpcError(textOf(outcome.rejection));
      case 'overloaded':
      case 'conflict':
        // The client takes this text as a reason to try again within seconds.
        throw new RpcError('No cluster leader');
      case 'outdated':
      case 'duplicate':
      case 'key-reused':
      case 'fenced':
        throw new Error(`command ${command.name} ended as ${outcome.kind}`);
    }
    return assertNever(outcome);
  }

  /** The job of an allocation, as of its version. @throws Error where it is missing: nothing may be made of an allocation without it */
  async job(alloc: AllocationState): Promise<JobOfAllocation> {
    const key = versionKey(alloc.namespace, alloc.jobId, alloc.jobCreateIndex, alloc.jobVersion);
    const kept = this.jobs.get(key);
    if (kept !== undefined) return kept;
    const found = await this.services.readModels.jobVersion(key);
    if (found === undefined) throw new Error(`no job version ${key}`);
    const job = { forClient: jobForClient(found.registered), spec: found.version.spec };
    this.jobs.set(key, job);
    return job;
  }

  /** How long a query waits, from now, in milliseconds: 5 minutes at most, and up to a sixteenth more. spec/rpc §7. */
  waitMs(maxQueryTimeNs: bigint): number {
    const asked = Number(maxQueryTimeNs / 1_000_000n);
    const bounded = asked <= 0 ? MAX_QUERY_MS : Math.min(asked, MAX_QUERY_MS);
    return bounded + (this.services.random() * bounded) / 16;
  }
}

const knownText = ({ id, status, eligibility, secretDigest }: NodeState): string =>
  JSON.stringify({ id, status, eligibility, secretDigest } satisfies KnownNode);

export const isSecretOf = (node: KnownNode, secret: string): boolean =>
  isSameDigest(digestOfSecret(secret), node.secretDigest);
