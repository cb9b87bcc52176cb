import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Pages of one namespace are found by an index, however few of a table's rows are in it, and wherever in the order they are. */
export class PagesOfNamespaces1764349200000 implements MigrationInterface {
  readonly name = 'PagesOfNamespaces1764349200000';

  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['deployment', 'allocation', 'evaluation'])
      await runner.query(`CREATE INDEX ON ${table} (namespace, create_index, id)`);
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
