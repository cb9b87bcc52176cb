import { hash } from 'node:crypto';
import type { Index, TimeUs } from '@app/kernel';

// The chain: each commit has a hash over the one before, its index and its digest; its digest is a hash over all that was written of it, as the
// bytes that were written. docs/guarantees.md says how to compute both by other means; the function commit_digests of the database does.

/** A commit as it was written: `meta` and `data` are JSON texts. */
export interface CommitText {
  readonly time: TimeUs;
  readonly meta: string;
  /** In order of `seq`. */
  readonly events: readonly {
    readonly stream: string;
    readonly version: number;
    readonly type: string;
    readonly schema: number;
    readonly data: string;
  }[];
}

/** One commit of the chain. Hashes are 64 hexadecimal digits. */
export interface ChainedCommit {
  readonly index: Index;
  /** Computed from what the log holds now. */
  readonly digest: string;
  /** As it was stored with the commit; null: it has none. */
  readonly chain: string | null;
}

/** What the first commit of a chain follows. */
export const CHAIN_BEGIN = '0'.repeat(64);

const measured = (text: string): string => `${Buffer.byteLength(text)}:${text}\n`;

/** SHA-256 over the canonical bytes of a commit: every text behind its length in bytes, so that no two commits have the same. */
export function commitDigest({ time, meta, events }: CommitText): string {
  let bytes = `rollbook commit 1\n${time}\n${measured(meta)}${events.length}\n`;
  for (const { stream, version, type, schema, data } of events)
    bytes += `${measured(stream)}${version}:${schema}:${type}\n${measured(data)}`;
  return hash('sha256', bytes, 'hex');
}

/** The hash of the log up to a commit, from that of the commit before. */
export function nextLink(previous: string, index: Index, digest: string): string {
  const bytes = Buffer.alloc(72);
  bytes.write(previous, 'hex');
  bytes.writeBigUInt64BE(BigInt(index), 32);
  bytes.write(digest, 40, 'hex');
  return hash('sha256', bytes, 'hex');
}
