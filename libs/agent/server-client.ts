import { Pool, type Dispatcher } from 'undici';
import type { Readable } from 'node:stream';
import {
  DISK_MS,
  FEED_GRACE_MS,
  FEED_WAIT_MS,
  MAX_TEMPLATE_ANSWER_BYTES,
  REQUEST_TIMEOUT_MS,
  TEMPLATE_CONNECTIONS,
  TEMPLATE_MIN_TURN_MS,
} from './limits.js';
import type {
  AllocationList,
  HeartbeatAnswer,
  Registration,
  RegistrationAnswer,
  SignedIdentities,
} from './protocol.js';

/** A server answered, and not with what was asked for. The message is its text. */
export class RequestRefused extends Error {
  readonly status: number;
  constructor(status: number, text: string) {
    super(`${status}: ${text.trim()}`);
    this.status = status;
  }
  /** The servers do not know this node. */
  get isUnknownNode(): boolean {
    return this.status === 404;
  }
  /** The same request will never be taken. */
  get isMalformed(): boolean {
    return this.status === 400 || this.status === 413 || this.status === 422;
  }
}

/** Signers of the servers' certificates, and the certificate to show them (PEM). */
export interface ServerTls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly rejectUnauthorized?: boolean;
}

/** How agent and servers know each other. */
export interface ServerTrust {
  /** What servers want to see before they take a node. */
  readonly joinToken?: string | undefined;
  /** Signers of the servers' certificates, and the certificate to show them (PEM). */
  readonly tls?: ServerTls | undefined;
}

/** What the servers' API has answered to a question of a template. */
export interface ReadAnswer {
  readonly index: number;
  /** Empty if there is no such object. */
  readonly text: string;
}

const CONNECTIONS = 4;
const KEEP_ALIVE_MS = 60_000;

/** Speaks `/agent/v1` with a server (or a load balancer before several), over a few connections that are kept. */
export class ServerClient {
  readonly #pool: Pool;
  /** For reads that wait long, and must not hold up the others. */
  readonly #waiting: Pool;
  #waitingReads = 0;
  readonly #secret: string;
  readonly #joinToken: string | undefined;
  readonly #closing = new AbortController();

  /** @param address such as `http://127.0.0.1:4646` */
  constructor(address: string, secret: string, { joinToken, tls }: ServerTrust = {}) {
    this.#secret = secret;
    this.#joinToken = joinToken;
    const options = { keepAliveTimeout: KEEP_ALIVE_MS, ...(tls === undefined ? {} : { connect: tls }) };
    this.#pool = new Pool(new URL(address).origin, { ...options, connections: CONNECTIONS });
    this.#waiting = new Pool(new URL(address).origin, { ...options, connections: TEMPLATE_CONNECTIONS });
  }

  register(registration: Registration): Promise<RegistrationAnswer> {
    const shown = this.#joinToken === undefined ? {} : { 'x-rollbook-join-token': this.#joinToken };
    return this.#request('PUT', '/agent/v1/node', JSON.stringify(registration), REQUEST_TIMEOUT_MS, shown);
  }

  heartbeat(nodeId: string): Promise<HeartbeatAnswer> {
    return this.#request('PUT', `/agent/v1/node/${nodeId}/heartbeat`, '{"Status":"ready"}', REQUEST_TIMEOUT_MS);
  }

  /** Waits until something assigned to the node has changed after the index; with index 0 answers at once with all there is. */
  allocations(nodeId: string, index: number): Promise<AllocationList> {
    const path = `/agent/v1/node/${nodeId}/allocations?index=${index}&wait=${FEED_WAIT_MS / 1000}s`;
    return this.#request('GET', path, null, FEED_WAIT_MS + FEED_GRACE_MS);
  }

  /** @param updates ready JSON texts of AllocationUpdate */
  async reportStatus(nodeId: string, updates: readonly string[]): Promise<void> {
    await this.#request(
      'PUT',
      `/agent/v1/node/${nodeId}/status`,
      `{"Updates":[${updates.join(',')}]}`,
      REQUEST_TIMEOUT_MS,
    );
  }

  /** Identities of a task of an allocation on the node. */
  signIdentities(
    nodeId: string,
    allocationId: string,
    task: string,
    names: readonly string[],
  ): Promise<SignedIdentities> {
    const body = JSON.stringify({ AllocationID: allocationId, Task: task, Names: names });
    return this.#request('PUT', `/agent/v1/node/${nodeId}/identities`, body, REQUEST_TIMEOUT_MS);
  }

  /**
   * The ephemeral disk that an allocation of the node continues, as a tar archive, from the node where it is.
   * @throws RequestRefused 409: the allocation before has not ended; anything else: it cannot be had
   */
  async previousDisk(nodeId: string, allocationId: string, signal: AbortSignal): Promise<Readable> {
    const answer = await this.#waiting.request({
      method: 'GET',
      path: `/agent/v1/node/${nodeId}/allocations/${allocationId}/previous-disk`,
      headers: { authorization: `Bearer ${this.#secret}` },
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
      signal: AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(DISK_MS)]),
    });
    if (answer.statusCode === 200) return answer.body;
    throw new RequestRefused(answer.statusCode, await textWithin(answer.body, MAX_TEMPLATE_ANSWER_BYTES));
  }

  /**
   * A blocking read of the API in a task's name.
   * @param path with its query
   * @throws RequestRefused for another status than 200 and 404
   */
  async read(path: string, token: string, index: number, waitMs: number, signal: AbortSignal): Promise<ReadAnswer> {
    const within = AbortSignal.any([signal, this.#closing.signal]);
    // What does not wait, a task waits for: it must not stand behind those that do.
    if (index === 0) return this.#readOnce(this.#pool, `${path}&index=0`, token, REQUEST_TIMEOUT_MS, within);
    this.#waitingReads++;
    // With more than there are connections each waits less, so that all have their turn.
    const share = Math.min(1, TEMPLATE_CONNECTIONS / this.#waitingReads);
    const wait = Math.max(TEMPLATE_MIN_TURN_MS, Math.round(waitMs * share));
    try {
      const asked = `${path}&index=${index}&wait=${wait}ms`;
      return await this.#readOnce(this.#waiting, asked, token, wait + FEED_GRACE_MS, within);
    } finally {
      this.#waitingReads--;
    }
  }

  async #readOnce(
    pool: Pool,
    path: string,
    token: string,
    headersTimeout: number,
    signal: AbortSignal,
  ): Promise<ReadAnswer> {
    const headers = { 'x-nomad-token': token };
    const timeouts = { headersTimeout, bodyTimeout: REQUEST_TIMEOUT_MS };
    const answer = await pool.request({ method: 'GET', path, headers, ...timeouts, signal });
    const text = await textWithin(answer.body, MAX_TEMPLATE_ANSWER_BYTES);
    const isMissing = answer.statusCode === 404;
    if (answer.statusCode !== 200 && !isMissing) throw new RequestRefused(answer.statusCode, text);
    return { index: Number(answer.headers['x-nomad-index'] ?? 0), text: isMissing ? '' : text };
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the agent is stopping'));
    await Promise.all([this.#pool.destroy(), this.#waiting.destroy()]);
  }

  async #request<T>(
    method: Dispatcher.HttpMethod,
    path: string,
    body: string | null,
    timeoutMs: number,
    more: Readonly<Record<string, string>> = {},
  ): Promise<T> {
    const answer = await this.#pool.request({
      method,
      path,
      headers: {
        authorization: `Bearer ${this.#secret}`,
        ...(body !== null && { 'content-type': 'application/json' }),
        ...more,
      },
      body,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      signal: this.#closing.signal,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new RequestRefused(answer.statusCode, text);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}

async function textWithin(body: Dispatcher.ResponseData['body'], bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytes) throw new Error(`the answer is larger than ${bytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
