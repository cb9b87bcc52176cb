import type { MigrationInterface, QueryRunner } from 'typeorm';
import { statementsFor } from './read-models.migration.js';

/** Namespaces and node pools. */
export class Places1764300000000 implements MigrationInterface {
  readonly name = 'Places1764300000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statementsFor(['namespace', 'node_pool'])) await runner.query(statement);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
