import type { DurationNs } from '@app/kernel';
import type { DataSource } from 'typeorm';

/** A lock that is lost, and whose delay has passed as well. */
export interface ExpiredLock {
  readonly namespace: string;
  readonly path: string;
  readonly lockId: string;
}

/** A lock is lost when it was not renewed for this many of its TTLs; spec/http-api-more §2.4. */
const TTLS = 2;
/** Locks that one look finds expired at most; the next look finds the others. */
const PAGE = 500;
const age = 'extract(epoch FROM clock_timestamp() - r.renewed_at) * 1e9';

/** When the locks of variables were last renewed, by the database's clock. */
export class LockRenewals {
  constructor(private readonly dataSource: DataSource) {}

  /** Notes that a lock was taken or renewed now. False: too late, it is lost. */
  async note(lockId: string, ttl: DurationNs): Promise<boolean> {
    const rows: unknown[] = await this.dataSource.query(
      `INSERT INTO lock_renewal AS r VALUES ($1, clock_timestamp())
       ON CONFLICT (lock_id) DO UPDATE SET renewed_at = excluded.renewed_at WHERE ${age} <= $2::float8
       RETURNING 1`,
      [lockId, TTLS * ttl],
    );
    return rows.length > 0;
  }

  /** Locks to be removed. Those that nothing is known of count from now on; what belongs to no lock is forgotten. */
  async expired(): Promise<readonly ExpiredLock[]> {
    await this.dataSource.query(
      `INSERT INTO lock_renewal SELECT lock_id, clock_timestamp() FROM variable WHERE lock_id <> '' ON CONFLICT DO NOTHING`,
    );
    await this.dataSource.query(
      `DELETE FROM lock_renewal r WHERE r.renewed_at < clock_timestamp() - interval '1 minute'
          AND NOT EXISTS (SELECT 1 FROM variable v WHERE v.lock_id = r.lock_id AND v.lock_id <> '')`,
    );
    return this.dataSource.query(
      `SELECT v.namespace, v.path, v.lock_id AS "lockId" FROM variable v JOIN lock_renewal r USING (lock_id)
        WHERE v.lock_id <> '' AND ${age} > ${TTLS}::float8 * v.lock_ttl + v.lock_delay
        ORDER BY v.key LIMIT ${PAGE}`,
    );
  }
}
