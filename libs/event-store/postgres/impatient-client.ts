import type { Socket } from 'node:net';
import { Client, type ClientConfig } from 'pg';
import { CONNECT_TIMEOUT_MS, QUERY_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from '../limits.js';

const TIME_IS_UP = 'Query read timeout';

/**
 * A client that closes its connection when a query got no answer in time. One that stayed open would go back to its pool, and every later query
 * on it would wait behind the first.
 */
export class ImpatientClient extends Client {
  override query = ((...args: Parameters<Client['query']>): unknown => {
    const answer: unknown = (super.query as (...all: unknown[]) => unknown)(...args);
    if (answer instanceof Promise) {
      answer.catch((error: unknown) => {
        if (error instanceof Error && error.message === TIME_IS_UP) this.hangUp();
      });
    }
    return answer;
  }) as Client['query'];

  private hangUp(): void {
    (this as unknown as { readonly connection: { readonly stream: Socket } }).connection.stream.destroy();
  }
}

/** For pools that other libraries make of `pg`: every wait is bounded, and no silent connection is kept. */
export const impatientPool: ClientConfig & { readonly Client: typeof ImpatientClient } = {
  Client: ImpatientClient,
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  statement_timeout: STATEMENT_TIMEOUT_MS,
  query_timeout: QUERY_TIMEOUT_MS,
  keepAlive: true,
};
