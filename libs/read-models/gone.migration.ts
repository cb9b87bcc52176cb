import type { MigrationInterface, QueryRunner } from 'typeorm';
import { keepGone } from './projection-sql.js';
import { ownerOf } from './rebuild/owners.js';
import { TABLES, type TableName } from './tables.js';

const KEPT: readonly TableName[] = [
  'deployment',
  'allocation',
  'evaluation',
  'job',
  'job_purge',
  'node',
  'namespace',
  'node_pool',
  'variable',
  'service',
  'scaling_policy',
  'acl_token',
  'acl_policy',
  'acl_role',
];

/** What has gone is kept from now on. Of a log that is there already, lists as of the past begin here: `past_lists`. */
export class Gone1764363600001 implements MigrationInterface {
  readonly name = 'Gone1764363600001';

  async up(runner: QueryRunner): Promise<void> {
    for (const one of TABLES.filter(({ table }) => KEPT.includes(table)))
      for (const statement of keepGone(one, ownerOf(one.table))) await runner.query(statement);
    await runner.query(BEGINNING);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}

const BEGINNING = `
CREATE TABLE past_lists (one boolean PRIMARY KEY DEFAULT true CHECK (one), complete_from bigint NOT NULL);
INSERT INTO past_lists (complete_from) SELECT index FROM log_head;
`;
