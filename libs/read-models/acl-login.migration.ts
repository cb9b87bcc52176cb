import type { MigrationInterface, QueryRunner } from 'typeorm';
import { statementsFor } from './read-models.migration.js';

/** Auth methods, and binding rules by their method. */
export class AclLogin1764345600000 implements MigrationInterface {
  readonly name = 'AclLogin1764345600000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statementsFor(['acl_auth_method', 'acl_binding_rule'])) await runner.query(statement);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
