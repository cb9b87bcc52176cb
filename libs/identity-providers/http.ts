import { Agent, request } from 'undici';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

export interface Call {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer<B> {
  readonly status: number;
  readonly body: B;
}

/** Calls of one provider: bounded in time and size, and no redirect is followed. */
export class ProviderHttp {
  private readonly agent: Agent;

  /** @param ca certificates in PEM to trust instead of the system's; none: the system's */
  constructor(ca: readonly string[]) {
    this.agent = new Agent({
      connect: { timeout: TIMEOUT_MS, ...(ca.length > 0 && { ca: [...ca] }) },
      maxResponseSize: MAX_ANSWER_BYTES,
    });
  }

  /** The answer as text. @throws Error with a reason in words */
  async text(url: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Answer<string>> {
    try {
      const answer = await request(url, {
        method,
        headers: { Accept: 'application/json', ...headers },
        ...(body !== undefined && { body }),
        dispatcher: this.agent,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return { status: answer.statusCode, body: await answer.body.text() };
    } catch (error) {
      throw new Error(`${method === 'GET' ? 'Get' : 'Post'} "${url}": ${reasonOf(error)}`, { cause: error });
    }
  }

  /** The object that is answered. @throws Error with a reason in words */
  async json(url: string, call: Call = {}): Promise<Answer<object>> {
    const { status, body: text } = await this.text(url, call);
    const body = objectIn(text);
    if (body === undefined) throw new Error(`${url} answers ${status}, and no JSON object`);
    return { status, body };
  }

  close(): void {
    void this.agent.close();
  }
}

function objectIn(text: string): object | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What undici hides in causes. */
function reasonOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  if (cause instanceof AggregateError) return reasonOf(cause.errors[0]);
  if (cause instanceof Error) return reasonOf(cause);
  return error instanceof Error ? error.message : String(error);
}
