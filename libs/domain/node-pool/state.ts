import type { DurationNs, Index } from '@app/kernel';

/** What a write of a pool says: all of it, what is left out is empty. Nomad: NodePool; spec/http-api §2.7. */
export interface NodePoolDefinition {
  readonly description: string;
  readonly meta: Readonly<Record<string, string>> | null;
  readonly identityTtl: DurationNs;
  /** Base64: differs when anything above does. */
  readonly hash: string;
}

export interface NodePoolState extends NodePoolDefinition {
  readonly name: string;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  /** Deleted; creating it anew continues the stream. */
  readonly purged: boolean;
}

export const DEFAULT_IDENTITY_TTL: DurationNs = 86_400_000_000_000;
/** The pool of all nodes, whatever other pool they are in. */
export const ALL_NODES = 'all';

const builtIn = (name: string, description: string): NodePoolState => ({
  name,
  description,
  meta: null,
  identityTtl: DEFAULT_IDENTITY_TTL,
  hash: '',
  createIndex: 1,
  modifyIndex: 1,
  purged: false,
});

/** The pools that are always there and cannot be changed. */
export const BUILT_IN_POOLS: readonly NodePoolState[] = [
  builtIn(ALL_NODES, 'Node pool with all nodes in the cluster.'),
  builtIn('default', 'Default node pool.'),
];

/** The pool of this name, where `state` is that of its stream; undefined: there is none. */
export const presentNodePool = (name: string, state: NodePoolState | undefined): NodePoolState | undefined =>
  BUILT_IN_POOLS.find((pool) => pool.name === name) ?? (state?.purged ? undefined : state);
