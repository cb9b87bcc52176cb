import type { DataSource } from 'typeorm';

/** An instance that has not renewed its entry for so long is not named to anybody. */
const LIVE_SECONDS = 15;

/** An instance that serves RPC. */
export interface ServerEntry {
  readonly instance: string;
  /** `host:port`, as client agents and other instances reach it. */
  readonly rpcAddress: string;
  /** What another instance shows to be let in. */
  readonly secret: string;
}

/** The instances that serve RPC, and where the sessions of nodes are. Times are the database's. */
export class ServerDirectory {
  constructor(private readonly dataSource: DataSource) {}

  /** Says that an instance is there, and forgets those that have long gone, with their sessions. */
  async renew({ instance, rpcAddress, secret }: ServerEntry): Promise<void> {
    await this.dataSource.query(
      `WITH gone AS (DELETE FROM server_instance WHERE renewed_at < clock_timestamp() - make_interval(secs => 10 * ${LIVE_SECONDS}) RETURNING instance),
            left_behind AS (DELETE FROM node_session USING gone WHERE node_session.instance = gone.instance)
       INSERT INTO server_instance VALUES ($1, $2, $3, clock_timestamp())
       ON CONFLICT (instance) DO UPDATE SET rpc_address = excluded.rpc_address, secret = excluded.secret, renewed_at = excluded.renewed_at`,
      [instance, rpcAddress, secret],
    );
  }

  async leave(instance: string): Promise<void> {
    await this.dataSource.query('DELETE FROM node_session WHERE instance = $1', [instance]);
    await this.dataSource.query('DELETE FROM server_instance WHERE instance = $1', [instance]);
  }

  /** Everybody who is there, in a fixed order. */
  servers(): Promise<ServerEntry[]> {
    return this.dataSource.query(
      `SELECT instance, rpc_address AS "rpcAddress", secret FROM server_instance
        WHERE renewed_at > clock_timestamp() - make_interval(secs => ${LIVE_SECONDS}) ORDER BY instance`,
    );
  }

  /** A node's newest session is with this instance now. */
  async noteSession(nodeId: string, instance: string): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO node_session VALUES ($1, $2, clock_timestamp())
       ON CONFLICT (node_id) DO UPDATE SET instance = excluded.instance, since = excluded.since`,
      [nodeId, instance],
    );
  }

  /**
   * The nodes that have sessions with this instance: noted again where nobody else has them. A note is lost with its statement, with the
   * unlogged table, or to an instance that stalled, wrote its own late and dropped it.
   */
  async restoreSessions(nodeIds: readonly string[], instance: string): Promise<void> {
    await this.dataSource.query(
      `INSERT INTO node_session SELECT node_id, $2, clock_timestamp() FROM unnest($1::text[]) node_id
       ON CONFLICT (node_id) DO UPDATE SET instance = excluded.instance, since = excluded.since
        WHERE NOT EXISTS (
          SELECT FROM server_instance i
           WHERE i.instance = node_session.instance AND i.renewed_at > clock_timestamp() - make_interval(secs => ${LIVE_SECONDS}))`,
      [nodeIds, instance],
    );
  }

  /** A session has ended; one that the node has with another instance meanwhile stays. */
  async dropSession(nodeId: string, instance: string): Promise<void> {
    await this.dataSource.query('DELETE FROM node_session WHERE node_id = $1 AND instance = $2', [nodeId, instance]);
  }

  /** The instance that a node has its session with. */
  async sessionOf(nodeId: string): Promise<ServerEntry | undefined> {
    const rows: ServerEntry[] = await this.dataSource.query(
      `SELECT i.instance, i.rpc_address AS "rpcAddress", i.secret FROM node_session s JOIN server_instance i USING (instance)
        WHERE s.node_id = $1 AND i.renewed_at > clock_timestamp() - make_interval(secs => ${LIVE_SECONDS})`,
      [nodeId],
    );
    return rows[0];
  }
}
