import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { databaseUrlOf } from './cluster.js';
import { runningPort } from './postmaster.js';

/** Whether a data directory holds an embedded cluster, running or not. */
export const hasEmbeddedPostgres = (dataDir: string): boolean =>
  existsSync(join(resolve(dataDir), 'postgres', 'PG_VERSION'));

/** `postgres://…` of the embedded Postgres that a server runs on this data directory now; undefined when none does. */
export function findRunningPostgres(dataDir: string): string | undefined {
  if (!hasEmbeddedPostgres(dataDir)) return undefined;
  const parent = realpathSync(resolve(dataDir));
  const port = runningPort(join(parent, 'postgres'));
  if (port === undefined) return undefined;
  return databaseUrlOf(readFileSync(join(parent, 'postgres.password'), 'utf8').trim(), port);
}
