import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How far each webhook is, and how its last delivery fared. What is delivered is not history of the cluster, so it is not in the log; but to be lost
 * with a crash it is too dear: the table is an ordinary one.
 */
export class WebhookCursors1764363720000 implements MigrationInterface {
  readonly name = 'WebhookCursors1764363720000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE TABLE webhook_cursor (
         webhook text COLLATE "C" PRIMARY KEY, created bigint NOT NULL, revision bigint NOT NULL, term bigint NOT NULL,
         index bigint NOT NULL, position int NOT NULL, attempts int NOT NULL DEFAULT 0, failing_since timestamptz, next_attempt_at timestamptz,
         last_attempt_at timestamptz, last_status int NOT NULL DEFAULT 0, last_error text NOT NULL DEFAULT '',
         last_delivered_at timestamptz, delivered bigint NOT NULL DEFAULT 0
       ) WITH (fillfactor = 50)`,
    );
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
