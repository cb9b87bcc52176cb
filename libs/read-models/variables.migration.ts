import type { MigrationInterface, QueryRunner } from 'typeorm';
import { statementsFor } from './read-models.migration.js';

/**
 * Variables, and when their locks were last renewed. Renewals are liveness, like heartbeats: not history, so not in the log; losing them gives each
 * holder another TTL.
 */
export class Variables1764327600000 implements MigrationInterface {
  readonly name = 'Variables1764327600000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statementsFor(['variable'])) await runner.query(statement);
    await runner.query(
      'CREATE UNLOGGED TABLE lock_renewal (lock_id text COLLATE "C" PRIMARY KEY, renewed_at timestamptz NOT NULL) WITH (fillfactor = 50)',
    );
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
