import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When each node was last heard of. Liveness, like leases: not history, so not in the log; losing it costs one TTL. */
export class Heartbeats1763800000001 implements MigrationInterface {
  readonly name = 'Heartbeats1763800000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE UNLOGGED TABLE node_heartbeat (node_id text COLLATE "C" PRIMARY KEY, heard_at timestamptz NOT NULL) WITH (fillfactor = 50)',
    );
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
