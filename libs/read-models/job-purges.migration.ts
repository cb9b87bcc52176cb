import type { MigrationInterface, QueryRunner } from 'typeorm';
import { statementsFor } from './read-models.migration.js';

/** Purges of jobs that are more than one command can carry. */
export class JobPurges1764342000000 implements MigrationInterface {
  readonly name = 'JobPurges1764342000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statementsFor(['job_purge'])) await runner.query(statement);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
