import type { MigrationInterface, QueryRunner } from 'typeorm';
import { statementsFor } from './read-models.migration.js';

/** Tokens by the digests of their secrets, policies, roles. */
export class Acl1764338400000 implements MigrationInterface {
  readonly name = 'Acl1764338400000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statementsFor(['acl_token', 'acl_one_time_secret', 'acl_policy', 'acl_role']))
      await runner.query(statement);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
