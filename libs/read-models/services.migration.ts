import type { MigrationInterface, QueryRunner } from 'typeorm';
import { statementsFor } from './read-models.migration.js';

/** Services of the Nomad provider. */
export class Services1764331200000 implements MigrationInterface {
  readonly name = 'Services1764331200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statementsFor(['service'])) await runner.query(statement);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
