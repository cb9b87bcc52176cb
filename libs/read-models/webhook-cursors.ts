import type { Index } from '@app/kernel';
import type { DataSource } from 'typeorm';

/** Everything up to a commit is dealt with, and of the next one the events before a position. */
export interface WebhookPosition {
  readonly index: Index;
  readonly position: number;
}

/** Where a webhook goes on. */
export interface WebhookClaim extends WebhookPosition {
  /** Attempts at the event that comes next. */
  readonly attempts: number;
  /** For how long, in milliseconds, nothing was taken; null: the last attempt was. */
  readonly failingMs: number | null;
  /** How long to wait before the next attempt, in milliseconds. */
  readonly waitMs: number;
  /** Of the last attempt. */
  readonly lastStatus: number;
  readonly lastError: string;
}

/** How the deliveries of a webhook fare. Times: milliseconds since 1970, null: never. */
export interface WebhookProgress extends WebhookPosition {
  readonly webhook: string;
  /** The index of the definition that made it: what is told of a webhook of the same name before it, is not told of this one. */
  readonly created: Index;
  readonly attempts: number;
  readonly failingSince: number | null;
  readonly nextAttempt: number | null;
  readonly lastAttempt: number | null;
  /** Of the last answer; 0: there was none. */
  readonly lastStatus: number;
  readonly lastError: string;
  readonly lastDelivered: number | null;
  readonly delivered: number;
}

export interface Claimant {
  readonly webhook: string;
  /** The index at which it was made. */
  readonly created: Index;
  /** The index of its definition as it is: attempts of another one do not count. */
  readonly revision: Index;
  /** The epoch of the lease of who delivers. */
  readonly term: number;
}

const ms = (time: string): string => `(extract(epoch FROM ${time}) * 1000)::float8`;
const since = (time: string): string => `(extract(epoch FROM clock_timestamp() - ${time}) * 1000)::float8`;

/** What an answer of 2xx says of a receiver. */
const taken = (status: string): string =>
  `failing_since = NULL, last_attempt_at = clock_timestamp(), last_delivered_at = clock_timestamp(), last_status = ${status}, last_error = '',
   delivered = delivered + 1`;

/**
 * How far each webhook is. What one term has written, an earlier one cannot overwrite: a deliverer that was paused past its lease finds out with its
 * next write. Times are the database's.
 */
export class WebhookCursors {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Takes a webhook over from the term before. One that nothing is known of begins after `start`; so does one of the same name that was deleted and made
   * again. A log that has been brought back to an earlier point ends at `head`: nothing beyond it is taken for dealt with. Undefined: a later term has it.
   */
  async claim(
    { webhook, created, revision, term }: Claimant,
    start: Index,
    head: Index,
  ): Promise<WebhookClaim | undefined> {
    const rows: (Omit<WebhookClaim, 'index'> & { readonly index: string })[] = await this.dataSource.query(
      `INSERT INTO webhook_cursor AS c (webhook, created, revision, term, index, position) VALUES ($1, $2, $3, $4, $5, 0)
         ON CONFLICT (webhook) DO UPDATE SET created = $2, revision = $3, term = $4,
           index = CASE WHEN c.created = $2 THEN least(c.index, $6::bigint) ELSE $5 END,
           position = CASE WHEN c.created = $2 AND c.index <= $6::bigint THEN c.position ELSE 0 END,
           attempts = CASE WHEN c.created = $2 AND c.revision = $3 AND c.index <= $6::bigint THEN c.attempts ELSE 0 END,
           failing_since = CASE WHEN c.created = $2 AND c.revision = $3 THEN c.failing_since END,
           next_attempt_at = CASE WHEN c.created = $2 AND c.revision = $3 THEN c.next_attempt_at END,
           last_attempt_at = CASE WHEN c.created = $2 THEN c.last_attempt_at END,
           last_status = CASE WHEN c.created = $2 THEN c.last_status ELSE 0 END,
           last_error = CASE WHEN c.created = $2 THEN c.last_error ELSE '' END,
           last_delivered_at = CASE WHEN c.created = $2 THEN c.last_delivered_at END,
           delivered = CASE WHEN c.created = $2 THEN c.delivered ELSE 0 END
         WHERE c.term <= $4
         RETURNING index::text, position, attempts, last_status AS "lastStatus", last_error AS "lastError", ${since('failing_since')} AS "failingMs",
           greatest(0, coalesce(-${since('next_attempt_at')}, 0)) AS "waitMs"`,
      [webhook, created, revision, term, start, head],
    );
    const [found] = rows;
    return found && { ...found, index: Number(found.index) };
  }

  /** Goes on: after a delivery that was taken, or past what is not wanted or was given up. False: a later term has the webhook. */
  moved(
    claimant: Claimant,
    { index, position }: WebhookPosition,
    delivery?: { readonly status: number },
  ): Promise<boolean> {
    return this.write(
      claimant,
      `index = $3, position = $4, attempts = 0, next_attempt_at = NULL${delivery === undefined ? '' : `, ${taken('$5')}`}`,
      delivery === undefined ? [index, position] : [index, position, delivery.status],
    );
  }

  /** A dead letter was delivered once more: the receiver is there. False: a later term has the webhook. */
  redelivered(claimant: Claimant, status: number): Promise<boolean> {
    return this.write(claimant, taken('$3'), [status]);
  }

  /** An attempt has failed; the next one comes after a while. False: a later term has the webhook. */
  failed(
    claimant: Claimant,
    attempt: { readonly attempts: number; readonly status: number; readonly error: string; readonly waitMs: number },
  ): Promise<boolean> {
    return this.write(
      claimant,
      `attempts = $3, last_status = $4, last_error = $5, last_attempt_at = clock_timestamp(),
       failing_since = coalesce(failing_since, clock_timestamp()),
       next_attempt_at = clock_timestamp() + $6::float8 * interval '1 millisecond'`,
      [attempt.attempts, attempt.status, attempt.error, attempt.waitMs],
    );
  }

  /** Of all webhooks, by their names. */
  async progress(): Promise<ReadonlyMap<string, WebhookProgress>> {
    const rows: (Omit<WebhookProgress, 'index' | 'created' | 'delivered'> & {
      index: string;
      created: string;
      delivered: string;
    })[] = await this.dataSource.query(
      `SELECT webhook, created::text, index::text, position, attempts, ${ms('failing_since')} AS "failingSince", ${ms('next_attempt_at')} AS "nextAttempt",
          ${ms('last_attempt_at')} AS "lastAttempt", last_status AS "lastStatus", last_error AS "lastError",
          ${ms('last_delivered_at')} AS "lastDelivered", delivered::text
         FROM webhook_cursor`,
    );
    return new Map(
      rows.map((row) => [
        row.webhook,
        {
          ...row,
          index: Number(row.index),
          created: Number(row.created),
          delivered: Number(row.delivered),
        },
      ]),
    );
  }

  /** Forgets those that are not among these. */
  async keepOnly(webhooks: readonly string[]): Promise<void> {
    await this.dataSource.query('DELETE FROM webhook_cursor WHERE webhook <> ALL ($1::text[])', [webhooks]);
  }

  private async write({ webhook, term }: Claimant, set: string, values: readonly unknown[]): Promise<boolean> {
    const [, written]: [unknown, number] = await this.dataSource.query(
      `UPDATE webhook_cursor SET ${set} WHERE webhook = $1 AND term = $2`,
      [webhook, term, ...values],
    );
    return written > 0;
  }
}
