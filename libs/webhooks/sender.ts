import { Agent, request } from 'undici';
import { AddressRefused, guardedLookup, literalAddress, type IsAllowed } from './addresses.js';
import { ATTEMPT_TIMEOUT_MS, MAX_ANSWER_BYTES, RETRY_AFTER_MAX_MS } from './limits.js';

/** What became of one attempt. */
export interface Sent {
  /** Of the answer; 0: there was none. */
  readonly status: number;
  /** Empty: it was taken. */
  readonly error: string;
  /** How long the receiver asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number;
}

export interface Message {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends messages to the receiver of one webhook: bounded in time and in what is read of answers; no redirect is followed. */
export class Sender {
  private readonly agent: Agent;

  constructor(
    private readonly isAllowed: IsAllowed,
    private readonly timeoutMs = ATTEMPT_TIMEOUT_MS,
  ) {
    this.agent = new Agent({
      connect: { lookup: guardedLookup(isAllowed), timeout: timeoutMs },
      // One for the deliveries in their order, one for those that are repeated.
      connections: 2,
      pipelining: 1,
      maxResponseSize: MAX_ANSWER_BYTES,
    });
  }

  /** Throws never, unless it is `stopped`. */
  async send({ url, headers, body }: Message, stopped: AbortSignal): Promise<Sent> {
    const timeout = AbortSignal.timeout(this.timeoutMs);
    try {
      const literal = literalAddress(new URL(url));
      if (literal !== undefined && !this.isAllowed(literal)) throw new AddressRefused(literal);
      const answer = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'Rollbook', ...headers },
        body,
        dispatcher: this.agent,
        signal: AbortSignal.any([timeout, stopped]),
      });
      const status = answer.statusCode;
      // What it says beside its status is not looked at: it need not even come.
      await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal: timeout }).catch(() => undefined);
      const isTaken = status >= 200 && status < 300;
      return {
        status,
        error: isTaken ? '' : `answered ${status}`,
        retryAfterMs: isTaken ? 0 : retryAfterMs(answer.headers['retry-after']),
      };
    } catch (error) {
      stopped.throwIfAborted();
      const text = timeout.aborted ? `nothing was answered within ${this.timeoutMs / 1000} s` : reasonOf(error);
      return { status: 0, error: text, retryAfterMs: 0 };
    }
  }

  close(): void {
    void this.agent.destroy();
  }
}

function retryAfterMs(header: string | string[] | undefined): number {
  const seconds = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 0;
  return Math.min(seconds * 1000, RETRY_AFTER_MAX_MS);
}

/** What undici hides in causes. */
function reasonOf(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (cause instanceof Error) return reasonOf(cause);
  return error instanceof Error ? error.message : String(error);
}
