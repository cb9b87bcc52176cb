import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable } from './projection-sql.js';
import { TABLES } from './tables.js';

/** The read-model tables and the functions through which the append writes them. */
export class ReadModels1763800000000 implements MigrationInterface {
  readonly name = 'ReadModels1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of TABLES.flatMap(createTable)) await runner.query(statement);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
