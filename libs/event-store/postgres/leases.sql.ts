import type { Pool } from 'pg';
import type { Lease } from '../port.js';

const acquire = { name: 'acquire_lease', text: 'SELECT acquire_lease($1, $2, $3) AS epoch' };
const renew = {
  name: 'renew_lease',
  text: `UPDATE lease SET expires_at = clock_timestamp() + $3::bigint * interval '1 millisecond' WHERE name = $1 AND epoch = $2`,
};
const release = {
  name: 'release_lease',
  text: 'UPDATE lease SET expires_at = clock_timestamp() WHERE name = $1 AND epoch = $2',
};

const list = {
  name: 'list_leases',
  text: `SELECT name, holder, epoch, (extract(epoch FROM expires_at) * 1000000)::bigint AS "expiresAt",
    expires_at <= clock_timestamp() AS expired FROM lease ORDER BY name`,
};

export async function listLeases(pool: Pool): Promise<Lease[]> {
  return (await pool.query<Lease>(list)).rows;
}

/** The new epoch, or undefined if the lease is another one's. */
export async function acquireLease(
  pool: Pool,
  name: string,
  holder: string,
  ttlMs: number,
): Promise<number | undefined> {
  const { rows } = await pool.query<{ epoch: number | null }>({ ...acquire, values: [name, holder, ttlMs] });
  return rows[0]?.epoch ?? undefined;
}

/** Whether the epoch is still the latest one. A lease that ran out but that nobody took goes on. */
export async function renewLease(pool: Pool, name: string, epoch: number, ttlMs: number): Promise<boolean> {
  const { rowCount } = await pool.query({ ...renew, values: [name, epoch, ttlMs] });
  return rowCount === 1;
}

/** Ends the term of an epoch now. */
export async function releaseLease(pool: Pool, name: string, epoch: number): Promise<void> {
  await pool.query({ ...release, values: [name, epoch] });
}
