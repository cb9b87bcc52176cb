import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which instances serve RPC, and which node has its session where. Liveness, as heartbeats are: not history, so not in the log; after a crash
 * of the database everybody writes again within seconds.
 */
export class ServerDirectory1764310000000 implements MigrationInterface {
  readonly name = 'ServerDirectory1764310000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE UNLOGGED TABLE server_instance (
         instance text COLLATE "C" PRIMARY KEY, rpc_address text NOT NULL, secret text NOT NULL, renewed_at timestamptz NOT NULL
       ) WITH (fillfactor = 50)`,
    );
    await runner.query(
      'CREATE UNLOGGED TABLE node_session (node_id text COLLATE "C" PRIMARY KEY, instance text NOT NULL, since timestamptz NOT NULL)',
    );
  }

  /** Migrations go forward only. */
  down(): Promise<void> {
    return Promise.reject(new Error('migrations are forward only'));
  }
}
