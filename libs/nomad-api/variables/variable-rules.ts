import { quoted } from '@app/kernel';
import type { Items } from '@app/keyring';
import { NomadError, parseGoDuration } from '../http/index.js';

const MAX_BYTES = 65_536;
const PATH = /^[a-zA-Z0-9\-_~/]{1,128}$/;
const NAMESPACE = /^[a-zA-Z0-9-]{1,128}$/;
const MIN_TTL_NS = 10e9;
const MAX_TTL_NS = 86_400e9;
const DEFAULT_LOCK_NS = 15e9;

/** How Nomad's edge shows an error with a status that its RPC has refused. */
export const rpcError = (text: string): NomadError => new NomadError(`RPC Error:: 400,${text}`, 400);

/** Checked where a variable is written or locked; spec/http-api-more §2.2. @throws NomadError */
export function checkPath(path: string): void {
  if (!PATH.test(path)) throw rpcError(`invalid path ${quoted(path)}`);
  const [top, second, ...below] = path.split('/');
  if (top !== 'nomad') return;
  if (second === undefined)
    throw rpcError(
      '"nomad" is a reserved top-level directory path, but you may write variables to "nomad/jobs", "nomad/job-templates", "nomad/sentinel", or below',
    );
  if (second === 'jobs' || (second === 'sentinel' && below.length === 0)) return;
  if (second === 'job-templates') {
    if (below.length > 0) return;
    throw rpcError(
      '"nomad/job-templates" is a reserved directory path, but you may write variables at the level below it, for example, "nomad/job-templates/template-name"',
    );
  }
  throw rpcError(
    'only paths at "nomad/jobs" or "nomad/job-templates" and below are valid paths under the top-level "nomad" directory',
  );
}

/** A namespace that may hold variables; it need not exist. @throws NomadError */
export function checkNamespace(namespace: string): void {
  if (namespace === '*') throw rpcError('can not target wildcard ("*")namespace');
  if (!NAMESPACE.test(namespace)) throw rpcError(`invalid namespace ${quoted(namespace)}`);
}

/** @throws NomadError if they are too large. */
export function checkSize(items: Items): void {
  let bytes = 0;
  for (const [name, value] of items) bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  if (bytes > MAX_BYTES) throw rpcError('variables are limited to 64KiB in total size');
}

/** The times of a lock in nanoseconds: those asked for, or Nomad's. @throws NomadError */
export function lockTimes(ttl: number, delay: number): { readonly ttl: number; readonly delay: number } {
  if (ttl < 0 || delay < 0) throw rpcError(multi('Lock delay and TTL must be positive'));
  const chosen = { ttl: ttl || DEFAULT_LOCK_NS, delay: delay || DEFAULT_LOCK_NS };
  if (chosen.ttl < MIN_TTL_NS || chosen.ttl > MAX_TTL_NS)
    throw rpcError(multi('TTL must be between 10 seconds and 24 hours'));
  return chosen;
}

export const multi = (item: string): string => `1 error occurred:\n\t* ${item}\n\n`;

/** A duration of a lock as a client writes it: a text, a number of nanoseconds, or nothing. @throws NomadError */
export function lockDuration(value: unknown): number {
  if (value === undefined || value === null || value === '') return 0;
  if (typeof value === 'number' && Number.isSafeInteger(Math.trunc(value))) return Math.trunc(value);
  if (typeof value !== 'string') throw new NomadError('invalid duration of a lock', 400);
  const duration = parseGoDuration(value);
  if (duration === undefined) throw new NomadError(`time: invalid duration ${quoted(value)}`, 400);
  return duration;
}
