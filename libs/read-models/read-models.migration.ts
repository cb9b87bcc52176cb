import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTable } from './projection-sql.js';
import { TABLES, type TableName } from './tables.js';

const FIRST: readonly TableName[] = [
  'deployment',
  'allocation',
  'evaluation',
  'job',
  'job_version',
  'job_summary',
  'node',
  'purged_allocation',
];

/** What makes these tables, and the functions through which the append writes them. */
export const statementsFor = (names: readonly TableName[]): string[] =>
  TABLES.filter(({ table }) => names.includes(table)).flatMap(createTable);

/** The first read-model tables. */
export class ReadModels1763800000000 implements MigrationInterface {
  readonly name = 'ReadModels1763800000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statementsFor(FIRST)) await runner.query(statement);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
