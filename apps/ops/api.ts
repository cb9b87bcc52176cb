import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { loadOpsConfiguration, StartupError, type OpsConfiguration } from '@app/platform';

const REQUEST_BOUND_MS = 30_000;
/** Until another instance has taken over: a balancer notices within seconds, a lease is free after three. */
const RETRY_BOUND_MS = 15_000;
const RETRY_PAUSE_MS = 250;
/** What a balancer answers for an instance that is gone, and an instance without its database. */
const AWAY = [502, 503, 504];
const WAIT = '5s';

/** An answer and the index that the next question waits for. */
export interface Indexed<T> {
  readonly value: T;
  readonly index: number;
}

/** What a server said to a write. */
export interface Attempt {
  readonly status: number;
  readonly text: string;
}

interface Given {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The HTTP API of one server, or of several behind a balancer: where one has answered before, a request that gets no answer is sent again until
 * another one does. Writes carry a key, so that they happen once.
 */
export class Api {
  private hasAnswered = false;

  constructor(
    readonly address: string,
    private readonly token?: string,
    private readonly retryBoundMs = RETRY_BOUND_MS,
  ) {}

  async get<T>(path: string): Promise<T> {
    return (await this.ask<T>('GET', path)).value;
  }

  /** An answer with its index; with one given, waits until there is a newer one. */
  read<T>(path: string, after?: number): Promise<Indexed<T>> {
    const separator = path.includes('?') ? '&' : '?';
    return this.ask<T>('GET', after === undefined ? path : `${path}${separator}index=${after}&wait=${WAIT}`);
  }

  /** Sends a write once, whatever comes of it. */
  async attempt(path: string, body: object, headers: Readonly<Record<string, string>>): Promise<Attempt> {
    try {
      return await this.askOnce('PUT', path, { body: JSON.stringify(body), headers });
    } catch (error) {
      throw this.noAnswer(error);
    }
  }

  async put<T>(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<T> {
    const once = { ...headers, 'Idempotency-Key': randomUUID() };
    return (await this.ask<T>('PUT', path, { body: JSON.stringify(body), headers: once })).value;
  }

  /** Asks again whenever the answer changes (blocking queries), until it is as wanted. @throws StartupError when that takes too long. */
  async until<T>(path: string, boundMs: number, isWanted: (value: T) => boolean, what: string): Promise<T> {
    const deadline = performance.now() + boundMs;
    for (let index = 0; ;) {
      const answer: Indexed<T> = await this.read<T>(path, index);
      if (isWanted(answer.value)) return answer.value;
      if (performance.now() > deadline) throw new StartupError(`${what} after ${Math.round(boundMs / 1000)} seconds.`);
      index = answer.index;
    }
  }

  /** @throws StartupError when no server answers, or it refuses. */
  private async ask<T>(method: string, path: string, given: Given = {}): Promise<Indexed<T>> {
    const deadline = performance.now() + this.retryBoundMs;
    for (;;) {
      try {
        const { status, text, index } = await this.askOnce(method, path, given);
        if (status >= 200 && status < 300) {
          this.hasAnswered = true;
          return { value: JSON.parse(text) as T, index };
        }
        const isLast = !AWAY.includes(status) || !this.hasAnswered || performance.now() > deadline;
        if (isLast) throw new StartupError(`${method} ${path} was refused: ${status} ${text}`);
      } catch (error) {
        if (error instanceof StartupError) throw error;
        if (!this.hasAnswered || performance.now() > deadline) throw this.noAnswer(error);
      }
      await delay(RETRY_PAUSE_MS);
    }
  }

  private noAnswer(error: unknown): StartupError {
    const cause = ((error as Error).cause ?? error) as { readonly code?: string };
    const remedy = this.hasAnswered ? 'it did before' : 'start one with `npm start` in another terminal';
    return new StartupError(`no server answers at ${this.address} (${cause.code ?? String(cause)}); ${remedy}.`, 1, {
      cause: error,
    });
  }

  private async askOnce(
    method: string,
    path: string,
    { body, headers }: Given,
  ): Promise<{ readonly status: number; readonly text: string; readonly index: number }> {
    const { token } = this;
    const response = await fetch(`${this.address}${path}`, {
      method,
      headers: { ...headers, ...(token ? { 'X-Nomad-Token': token } : {}) },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(REQUEST_BOUND_MS),
    });
    const text = await response.text();
    return { status: response.status, text, index: Number(response.headers.get('X-Nomad-Index') ?? 0) };
  }
}

/** The server of the configuration. */
export function apiOfConfiguration(): Api {
  const configuration = loadOpsConfiguration(process.env);
  return new Api(serverAddress(configuration), configuration.token);
}

/** Where the server of this configuration can be reached from here. */
function serverAddress({ serverAddress: given, httpAddress, httpPort }: OpsConfiguration): string {
  if (given !== undefined) return given.replace(/\/+$/, '');
  const host = httpAddress === '0.0.0.0' || httpAddress === '::' ? '127.0.0.1' : httpAddress;
  return `http://${host.includes(':') ? `[${host}]` : host}:${httpPort}`;
}
