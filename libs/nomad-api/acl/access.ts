import type { NamespaceCapability, Permissions } from '@app/domain';
import { allocationStream, nodeStream, US_PER_MS, type TimeUs } from '@app/kernel';
import type { Topic } from '@app/streaming';
import type { FastifyRequest } from 'fastify';
import { NomadError } from '../http/index.js';
import { EVERYBODY, type Caller, type Identity, type Stranger } from './caller.js';
import { mayFollow } from './subscriptions.js';
import { open, satisfies, type Row, type Subject } from './check.js';

/** Which rows of a list may be seen. */
export interface Visibility {
  /** Equal keys see the same; empty: everything. */
  readonly key: string;
  readonly sees: (namespace: string) => boolean;
}

export const EVERYTHING: Visibility = { key: '', sees: () => true };

/** What the access to one request needs of the server. */
export interface AccessServer {
  /** The access of a request as of now. */
  again(request: FastifyRequest, row: Row): Promise<Access>;
  /** The clock by which tokens expire. */
  now(): TimeUs;
  /** Calls whenever one of these topics moves, until it is told not to. */
  watch(topics: readonly Topic[], wake: () => void): () => void;
}

/** What tokens may do depends on these. */
const ACL_TOPICS = ['table:acl_token', 'table:acl_policy', 'table:acl_role'] as const;

export const denied = (): NomadError => new NomadError('Permission denied', 403);

/** What one request may do. Made before its handler runs; refusals are thrown. */
export class Access {
  private settled = false;
  private namespace: string | undefined;
  private required: Subject | undefined;
  private readonly first: Row;

  constructor(
    private row: Row,
    readonly caller: Caller | Stranger,
    /** False: ACLs are off. */
    readonly isEnforced: boolean,
    private readonly server: AccessServer,
    private readonly request: FastifyRequest | undefined,
  ) {
    this.first = row;
  }

  /** What the caller may do. @throws NomadError (403) for an unknown token */
  get permissions(): Permissions {
    return this.known().permissions;
  }

  /** The caller. @throws NomadError (403) for an unknown token */
  known(): Caller {
    if (this.isByStranger) throw denied();
    return this.caller as Caller;
  }

  /** Whether an unknown token came with the request. */
  get isByStranger(): boolean {
    return this.caller.identity.kind === 'stranger';
  }

  /** Whether a management token came with the request; without ACLs nobody has one. @throws NomadError (403) for an unknown token */
  get isByManagement(): boolean {
    return this.isEnforced && this.permissions.isManagement;
  }

  /** The check of the request's row. @throws NomadError (403) */
  require(subject: Subject = {}): void {
    if (!this.isEnforced) return;
    if (this.row.check.kind !== 'open') {
      const { permissions, identity } = this.known();
      const about = { ...subject, namespace: subject.namespace ?? this.namespace ?? 'default' };
      if (!satisfies(permissions, this.row.check, { ...about, by: identity })) throw denied();
      this.required = about;
    }
    this.settled = true;
  }

  /** Before a query is read. What is checked after its object was found only needs a token that is known. */
  beforeQuery(namespace: string): void {
    if (!this.isEnforced) return;
    if (this.row.order === 'first') return;
    if (this.row.order === 'when sent') return this.require({ namespace });
    this.known();
    this.settled = true;
  }

  /** Before a command is sent. */
  beforeCommand(): void {
    // What is checked first was: by the name in the path, which a command does not know.
    if (!this.isEnforced || this.isSettled) return;
    if (this.row.order === 'after existence') throw new Error('a command was sent before its object was checked');
    this.require();
  }

  /** What is answered instead of an object of this namespace, if it may not be seen. */
  refusalOf(namespace: string, id: string): NomadError | undefined {
    const { check, foreign } = this.row;
    if (!this.isEnforced || check.kind !== 'namespace') return undefined;
    const { permissions, identity } = this.known();
    if (satisfies(permissions, check, { namespace, by: identity })) return undefined;
    if (foreign === undefined) return denied();
    return new NomadError(typeof foreign.text === 'string' ? foreign.text : foreign.text(id), foreign.status);
  }

  /** Whether events of a topic and a namespace (`*`: of any) may be followed; an unknown token follows nothing. Throws never. */
  follows(topic: string, namespace: string): boolean {
    return !this.isByStranger && mayFollow(this.permissions, topic, namespace);
  }

  /** Says that the handler has checked by itself. @throws NomadError (403) */
  settle(isAllowed: boolean): void {
    if (!this.isEnforced) return;
    this.known();
    if (!isAllowed) throw denied();
    this.settled = true;
  }

  /** Says that what goes out is a refusal, whatever its status. */
  refused(): void {
    if (this.isEnforced) this.settled = true;
  }

  /** The namespace that a command is about, for the check when it is sent. */
  about(namespace: string): void {
    if (this.isEnforced) this.namespace = namespace;
  }

  /** Another row counts for this request, because of what it asks for. */
  as(row: Row): void {
    if (this.isEnforced) this.row = row;
  }

  /** Which rows this request may list. */
  visibility(): Visibility {
    const { check, rows } = this.row;
    const anyOf: readonly (readonly NamespaceCapability[])[] | undefined =
      rows?.map((one) => [one]) ?? (check.kind === 'namespace' ? check.anyOf : undefined);
    if (!this.isEnforced || this.permissions.isManagement || anyOf === undefined) return EVERYTHING;
    const { permissions } = this;
    return {
      key: `${permissions.key} ${anyOf.map((all) => all.join('+')).join('|')}`,
      sees: (namespace) => anyOf.some((all) => all.every((one) => permissions.inNamespace(namespace, one))),
    };
  }

  /** For how long the token is valid, in milliseconds; Infinity: for ever. */
  leftMs(): number {
    const { expiresAt } = this.caller as Partial<Caller>;
    return expiresAt === undefined ? Infinity : Math.max(1, Math.ceil((expiresAt - this.server.now()) / US_PER_MS));
  }

  /** What the right of this request depends on; who shows an identity loses it with its allocation or node. */
  get topics(): readonly Topic[] {
    const { identity } = this.caller;
    if (identity.kind === 'workload') return [...ACL_TOPICS, allocationStream(identity.allocationId)];
    return identity.kind === 'node' ? [...ACL_TOPICS, nodeStream(identity.nodeId)] : ACL_TOPICS;
  }

  /** Calls whenever something was written that the right of this request may depend on. */
  watch(wake: () => void): () => void {
    return this.server.watch(this.topics, wake);
  }

  /** The same request as of now: its token may have been changed or revoked since. */
  renewed(): Promise<Access> {
    return this.isEnforced ? this.server.again(this.request!, this.first) : Promise.resolve(this);
  }

  /** Whether it may go on as it was allowed to begin: by the check of its row, about the same subject. */
  allowsAsBefore({ row, required }: Access): boolean {
    if (this.isByStranger) return false;
    return (
      required === undefined ||
      satisfies(this.permissions, row.check, { ...required, by: this.caller.identity as Identity })
    );
  }

  /** Whether an answer may go out: somebody has checked. */
  get isSettled(): boolean {
    return this.settled || this.row.order === 'first' || this.row.check.kind === 'open';
  }
}

/** Without ACLs: nothing is refused, and nothing is remembered. */
const OFF: Access = new Access(
  open,
  EVERYBODY,
  false,
  { again: () => Promise.resolve(OFF), now: () => 0, watch: () => () => undefined },
  undefined,
);

/** What a request may do. */
export const accessOf = (request: FastifyRequest): Access =>
  (request as FastifyRequest & { readonly access?: Access | null }).access ?? OFF;
