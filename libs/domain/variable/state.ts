import type { DurationNs, Index, TimeUs } from '@app/kernel';

/** Nomad: VariableLock. */
export interface VariableLock {
  readonly id: string;
  /** The lock is lost when it was not renewed for twice this time. */
  readonly ttl: DurationNs;
  /** How long the variable stays locked for everybody after that. */
  readonly delay: DurationNs;
}

/** Items as they may be written down: encrypted by the data key of this root key. */
export interface SealedItems {
  readonly keyId: string;
  readonly sealed: string;
}

/** Nomad: VariableEncrypted. */
export interface VariableState extends SealedItems {
  readonly namespace: string;
  readonly path: string;
  readonly lock: VariableLock | null;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly createTime: TimeUs;
  readonly modifyTime: TimeUs;
  /** Deleted. */
  readonly purged: boolean;
}
