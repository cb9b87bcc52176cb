import { randomUUID } from 'node:crypto';
import { StoreUnavailable } from '../errors.js';
import { CONNECT_TIMEOUT_MS } from '../limits.js';
import type { AppendResult } from '../port.js';
import {
  appendParameters,
  appendResults,
  appendStatement,
  resolveStatement,
  type AppendAnswer,
  type NumberedAppend,
} from './append.sql.js';
import { connect, type Connection } from './connection.js';
import { Deadline } from './deadline.js';
import { failureOf } from './failure.js';

// One connection, on which the append is prepared, and one batch on it at a time. Each batch has a number, and the last one's result is kept
// in the writer's row of append_batch. What can happen to a batch:
//
//   sent ─┬─ answered ──────────────► results
//         ├─ refused by the server ─► nothing was written; several commands are tried one by one, a single one has failed
//         ├─ busy ──────────────────► nothing was written; sent again under a new number until the deadline
//         └─ connection lost ───────► resolve on a new connection, which also makes sure that the lost backend can no longer commit it:
//                                       found ─► its results · not found ─► sent again under a new number · no answer ─► unknown
//
// The next batch gets a higher number than every one before it, also than one whose outcome stayed unknown: should that one's backend
// wake up later, it finds the row taken and rolls back.

/** What the deadline leaves to find out about a batch whose answer did not come. */
const RESOLVE_RESERVE_MS = 1_000;

const failedResult = (error: unknown): AppendResult => ({
  kind: 'failed',
  error: error instanceof Error ? error : new Error(String(error)),
});

/** The writing side of the Postgres store. */
export class AppendConnection {
  private readonly writer = randomUUID();
  private batch = 0;
  private connection: Connection | undefined;
  private isClosed = false;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly url: string,
    private readonly deadlineMs: () => number,
  ) {}

  /** Writes commands that are independent of each other. @throws StoreUnavailable */
  append(commands: readonly NumberedAppend[]): Promise<AppendResult[]> {
    const results = this.turn.then(() => this.write(commands));
    this.turn = results.catch(() => undefined);
    return results;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.turn;
    await this.connection?.client.end();
  }

  private async write(commands: readonly NumberedAppend[]): Promise<AppendResult[]> {
    const deadline = new Deadline(this.deadlineMs());
    for (;;) {
      const batch = ++this.batch;
      const connection = await this.connected(deadline, 'nothing-written');
      try {
        const values = appendParameters(this.writer, batch, commands);
        const answer = await this.ask(connection, { ...appendStatement, values }, deadline, RESOLVE_RESERVE_MS);
        if (answer === null) throw new Error('append_events gave no result');
        return appendResults(answer, commands.length);
      } catch (error) {
        switch (failureOf(error)) {
          case 'refused':
            return await this.isolate(commands, error);
          case 'busy':
            if (!(await deadline.pause())) throw new StoreUnavailable('nothing-written', { cause: error });
            break;
          case 'lost': {
            this.disconnect();
            const answer = await this.resolve(batch, deadline);
            if (answer !== null) return appendResults(answer, commands.length);
          }
        }
      }
    }
  }

  /** The batch was refused as a whole because of some of its commands: each on its own shows which. */
  private async isolate(commands: readonly NumberedAppend[], error: unknown): Promise<AppendResult[]> {
    if (commands.length === 1) return [failedResult(error)];
    const results: AppendResult[] = [];
    try {
      for (const command of commands) results.push(...(await this.write([command])));
      return results;
    } catch (unavailable) {
      // The store went away half-way: those before keep their results, the others were never sent.
      const unsent = new StoreUnavailable('nothing-written', { cause: unavailable });
      const left = commands.slice(results.length).map((_, n) => failedResult(n === 0 ? unavailable : unsent));
      return [...results, ...left];
    }
  }

  /** The answer of a batch that was sent on a connection since lost; null: it was not written and never will be. */
  private async resolve(batch: number, deadline: Deadline): Promise<AppendAnswer | null> {
    for (;;) {
      const connection = await this.connected(deadline, 'unknown');
      try {
        return await this.ask(connection, { ...resolveStatement, values: [this.writer, batch] }, deadline);
      } catch (error) {
        if (failureOf(error) === 'lost') this.disconnect();
        if (!(await deadline.pause())) throw new StoreUnavailable('unknown', { cause: error });
      }
    }
  }

  private async ask(
    { client }: Connection,
    statement: { name: string; text: string; values: unknown[] },
    deadline: Deadline,
    reserveMs = 0,
  ): Promise<AppendAnswer | null> {
    const query = client.query<{ result: AppendAnswer | null }>(statement);
    const { rows } = await deadline.bound(query, () => new Error('no answer within the deadline'), reserveMs);
    return rows[0]?.result ?? null;
  }

  private async connected(deadline: Deadline, outcome: StoreUnavailable['outcome']): Promise<Connection> {
    for (;;) {
      if (this.connection !== undefined) return this.connection;
      if (this.isClosed) throw new StoreUnavailable(outcome);
      try {
        this.connection = await connect(this.url, Math.min(CONNECT_TIMEOUT_MS, deadline.leftMs));
      } catch (error) {
        if (!(await deadline.pause())) throw new StoreUnavailable(outcome, { cause: error });
      }
    }
  }

  private disconnect(): void {
    this.connection?.drop();
    this.connection = undefined;
  }
}
