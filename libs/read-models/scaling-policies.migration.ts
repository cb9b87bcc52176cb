import type { MigrationInterface, QueryRunner } from 'typeorm';
import { statementsFor } from './read-models.migration.js';

/** Scaling policies of jobs. */
export class ScalingPolicies1764334800000 implements MigrationInterface {
  readonly name = 'ScalingPolicies1764334800000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statementsFor(['scaling_policy'])) await runner.query(statement);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
