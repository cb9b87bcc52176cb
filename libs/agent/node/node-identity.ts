import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive } from '../drivers/live-process.js';
import { identify, type ProcessIdentity } from '../drivers/raw-exec-supervisor.js';

/** Who the node is to the servers: its id, and the secret that proves it. */
export interface NodeIdentity {
  readonly id: string;
  readonly secret: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Reads id and secret of the node from its data directory; made up on the first start. Only the owner may read them. */
export function nodeIdentity(dataDir: string): NodeIdentity {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  return { id: keptUuid(join(dataDir, 'node-id')), secret: keptUuid(join(dataDir, 'node-secret')) };
}

function keptUuid(path: string): string {
  if (existsSync(path)) {
    chmodSync(path, 0o600);
    const kept = readFileSync(path, 'utf8').trim();
    if (!UUID.test(kept)) throw new Error(`${path} does not hold a UUID`);
    return kept;
  }
  const made = randomUUID();
  writeFileSync(path, `${made}\n`, { mode: 0o600, flag: 'wx' });
  return made;
}

/**
 * Takes the data directory for this process.
 * @returns gives it back. @throws Error if another live agent has it.
 */
export function lockDataDir(dataDir: string): () => void {
  const path = join(dataDir, 'agent.lock');
  const holder = readHolder(path);
  if (holder !== null && isAlive(holder))
    throw new Error(`${dataDir} is in use by another agent (process ${holder.pid})`);
  rmSync(path, { force: true });
  writeFileSync(path, JSON.stringify(identify(process.pid)), { mode: 0o600, flag: 'wx' });
  return () => rmSync(path, { force: true });
}

function readHolder(path: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
}
