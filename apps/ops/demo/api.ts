import { StartupError } from '@app/platform';

const REQUEST_BOUND_MS = 30_000;
const WAIT = '5s';

/** An answer and the index that the next question waits for. */
export interface Indexed<T> {
  readonly value: T;
  readonly index: number;
}

interface Given {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The HTTP API of one server. */
export class Api {
  constructor(readonly address: string) {}

  async get<T>(path: string): Promise<T> {
    return (await this.ask<T>('GET', path)).value;
  }

  async put<T>(path: string, body: object, headers: Readonly<Record<string, string>> = {}): Promise<T> {
    return (await this.ask<T>('PUT', path, { body: JSON.stringify(body), headers })).value;
  }

  /** Asks again whenever the answer changes (blocking queries), until it is as wanted. @throws StartupError when that takes too long. */
  async until<T>(path: string, boundMs: number, isWanted: (value: T) => boolean, what: string): Promise<T> {
    const deadline = performance.now() + boundMs;
    for (let index = 0; ;) {
      const separator = path.includes('?') ? '&' : '?';
      const answer: Indexed<T> = await this.ask<T>('GET', `${path}${separator}index=${index}&wait=${WAIT}`);
      if (isWanted(answer.value)) return answer.value;
      if (performance.now() > deadline) throw new StartupError(`${what} after ${Math.round(boundMs / 1000)} seconds.`);
      index = answer.index;
    }
  }

  /** @throws StartupError when no server answers, or it refuses. */
  private async ask<T>(method: string, path: string, { body, headers }: Given = {}): Promise<Indexed<T>> {
    const token = process.env['NOMAD_TOKEN'];
    const response = await fetch(`${this.address}${path}`, {
      method,
      headers: { ...headers, ...(token ? { 'X-Nomad-Token': token } : {}) },
      ...(body !== undefined && { body }),
      signal: AbortSignal.timeout(REQUEST_BOUND_MS),
    }).catch((error: unknown) => {
      const cause = (error as Error).cause ?? error;
      throw new StartupError(
        `no server answers at ${this.address} (${(cause as { code?: string }).code ?? String(cause)}); start one with \`npm start\` in another terminal.`,
        1,
        { cause: error },
      );
    });
    const text = await response.text();
    if (!response.ok) throw new StartupError(`${method} ${path} was refused: ${response.status} ${text}`);
    return { value: JSON.parse(text) as T, index: Number(response.headers.get('X-Nomad-Index') ?? 0) };
  }
}
