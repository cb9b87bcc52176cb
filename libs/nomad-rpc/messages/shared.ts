import { bool, int, int64, text } from '../msgpack/index.js';

/* Fields that all requests and replies share; Go embeds them, so they stand beside the others. spec/rpc §7. */

export const queryOptions = {
  Region: text,
  Namespace: text,
  MinQueryIndex: int,
  /** Nanoseconds. */
  MaxQueryTime: int64,
  AllowStale: bool,
  Prefix: text,
  AuthToken: text,
  Filter: text,
  PerPage: int,
  NextToken: text,
  Reverse: bool,
  Forwarded: bool,
};

export const writeRequest = { Region: text, Namespace: text, AuthToken: text, IdempotencyToken: text, Forwarded: bool };

export const queryMeta = { Index: int, LastContact: int, KnownLeader: bool, NextToken: text };

export const writeMeta = { Index: int };

/** The meta of an answer at this index. */
export const metaAt = (index: number) => ({ Index: index, LastContact: 0, KnownLeader: true, NextToken: '' });
