import type { DataSource } from 'typeorm';

const KEPT_DAYS = 1;

/** When nodes were last heard of, by whichever instance. Times are the database's, so instances need not agree on theirs. */
export class Heartbeats {
  private readonly heard = new Set<string>();
  private flushing: Promise<void> | undefined;

  constructor(private readonly dataSource: DataSource) {}

  /** Notes that a node was heard of now. Many notes become one statement. */
  async note(nodeId: string): Promise<void> {
    this.heard.add(nodeId);
    while (this.heard.has(nodeId)) {
      this.flushing ??= this.flush().finally(() => (this.flushing = undefined));
      await this.flushing;
    }
  }

  /** Milliseconds since each node was heard of. Those that were not for {@link KEPT_DAYS} are forgotten: their nodes are down, or gone. */
  async ages(): Promise<Map<string, number>> {
    const rows: { node_id: string; age_ms: string }[] = await this.dataSource.query(
      `WITH forgotten AS (DELETE FROM node_heartbeat WHERE heard_at < clock_timestamp() - make_interval(days => ${KEPT_DAYS}))
       SELECT node_id, extract(epoch FROM clock_timestamp() - heard_at) * 1000 AS age_ms FROM node_heartbeat`,
    );
    return new Map(rows.map((row) => [row.node_id, Number(row.age_ms)]));
  }

  private async flush(): Promise<void> {
    const ids = [...this.heard].sort();
    await this.dataSource.query(
      `INSERT INTO node_heartbeat SELECT unnest($1::text[]), clock_timestamp()
       ON CONFLICT (node_id) DO UPDATE SET heard_at = excluded.heard_at`,
      [ids],
    );
    for (const id of ids) this.heard.delete(id);
  }
}
