import type { NodeDescription } from '@app/domain';
import type { JsonObject } from '@app/kernel';
import { HEARTBEAT_SHARE, RETRY_FIRST_MS, RETRY_MAX_MS } from '../limits.js';
import { textOf, type AgentLog } from '../log.js';
import { RequestRefused, type ServerClient } from '../server-client.js';
import { backOff, type Timers } from '../timers.js';
import type { NodeIdentity } from './node-identity.js';

export interface SessionHost {
  readonly timers: Timers;
  readonly random: () => number;
  readonly log: AgentLog;
  readonly client: Pick<ServerClient, 'register' | 'heartbeat'>;
  readonly describe: () => Promise<NodeDescription>;
  /** The servers have just learnt of this node, for the first time or anew. */
  readonly registered: () => void;
  /** The node was silent for longer than it had time: servers may have taken its allocations for lost or unknown. */
  readonly cameBack: () => void;
  /** No heartbeat has been accepted for so many milliseconds. */
  readonly cutOff: (ms: number) => void;
}

/**
 * Keeps the node known and alive to its servers: registers, then says so again a bit before each time to live is over. Whoever needs a
 * heartbeat sooner asks for one; requests at the same time share one.
 */
export class NodeSession {
  /** Settles when the node is registered and its first heartbeat was accepted. */
  readonly ready: Promise<void>;
  readonly #host: SessionHost;
  readonly #identity: NodeIdentity;
  readonly #firstBeat = Promise.withResolvers<void>();
  #known = false;
  #token: string | undefined;
  #ttlMs = 0;
  #lastAcceptedMs: number | null = null;
  #beating: Promise<void> | null = null;
  #stopped = false;

  constructor(host: SessionHost, identity: NodeIdentity) {
    this.#host = host;
    this.#identity = identity;
    this.ready = this.#firstBeat.promise;
  }

  /** Runs until it is stopped. Never rejects. */
  async run(): Promise<void> {
    for (let attempt = 0; !this.#stopped;) {
      let delayMs: number;
      try {
        await this.beat();
        attempt = 0;
        // Somewhere in the last fifth before the limit, so that agents started together spread.
        delayMs = this.#ttlMs * HEARTBEAT_SHARE * (1 - this.#host.random() / 5);
      } catch (error) {
        if (this.#stopped) return;
        this.#host.log.warn({ error: textOf(error) }, 'no heartbeat was accepted, trying again');
        delayMs = backOff(attempt++, RETRY_FIRST_MS, RETRY_MAX_MS, this.#host.random);
        if (this.#lastAcceptedMs !== null) this.#host.cutOff(performance.now() - this.#lastAcceptedMs);
      }
      await this.#host.timers.atMost(delayMs);
    }
  }

  /** Sends a heartbeat now, and registers first if the servers do not know the node. Rejects if they cannot be reached or refuse. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => (this.#beating = null));
    return this.#beating;
  }

  /** The claims of the node's identity, as servers signed them last. */
  get claims(): JsonObject | null {
    const payload = this.#token?.split('.')[1];
    return payload === undefined ? null : (JSON.parse(Buffer.from(payload, 'base64url').toString()) as JsonObject);
  }

  /** The servers have said that they do not know this node. */
  forgotten(): void {
    this.#known = false;
  }

  stop(): void {
    this.#stopped = true;
  }

  async #beat(): Promise<void> {
    if (!this.#known) await this.#register();
    try {
      this.#accept(await this.#host.client.heartbeat(this.#identity.id));
    } catch (error) {
      if (!(error instanceof RequestRefused) || !error.isUnknownNode) throw error;
      await this.#register();
      this.#accept(await this.#host.client.heartbeat(this.#identity.id));
    }
  }

  async #register(): Promise<void> {
    const answer = await this.#host.client.register({
      Node: await this.#host.describe(),
      SecretID: this.#identity.secret,
    });
    this.#known = true;
    this.#token = answer.Identity;
    this.#ttlMs = answer.HeartbeatTTLMs;
    this.#host.log.info({ node: this.#identity.id, ttlMs: this.#ttlMs }, 'node registered');
    this.#host.registered();
  }

  #accept(answer: { readonly HeartbeatTTLMs: number }): void {
    const now = performance.now();
    const silentMs = this.#lastAcceptedMs === null ? 0 : now - this.#lastAcceptedMs;
    const late = silentMs > this.#ttlMs;
    this.#lastAcceptedMs = now;
    this.#ttlMs = answer.HeartbeatTTLMs;
    this.#firstBeat.resolve();
    if (late) this.#host.cameBack();
  }
}
