import type { JobVersion } from '../job/state.js';
import type { NodeState } from '../node/state.js';

/** MHz, MB, MB and whole cores. */
export interface Room {
  readonly cpu: number;
  readonly memory: number;
  readonly disk: number;
  readonly cores: number;
}

/** What a node says to one more allocation of a group. */
export interface NodeVerdict {
  readonly node: NodeState;
  /** Every rule that it fails, in the order in which a scheduler looks; empty: it would be taken. */
  readonly reasons: readonly string[];
  /** What is free on it now, and what of that is too little. */
  readonly free: Room;
  readonly lacks: Room;
  /** How many more allocations of the group it would take as things are, {@link MAX_FITS} at most. */
  readonly fits: number;
}

/** Why a group is placed where it is placed, or nowhere. */
export interface GroupExplanation {
  readonly group: string;
  readonly count: number;
  readonly asks: Room;
  /** Those that would take it first, then those that fail the fewest rules. */
  readonly verdicts: readonly NodeVerdict[];
  /** How many of the nodes that were looked at fail each rule. */
  readonly reasons: ReadonlyMap<string, number>;
  /** How many nodes would take one more. */
  readonly fitting: number;
  /** The most that a group which suits by all other rules could ask for and be placed: what is free on the emptiest such node. */
  readonly wouldFit: Room | null;
}

export interface PlacementExplanation {
  readonly version: JobVersion;
  readonly groups: readonly GroupExplanation[];
  readonly nodes: number;
  /** How many of them were looked at: there is a bound on nodes × groups. */
  readonly judged: number;
}

/** Whoever has room for more is not counted further. */
export const MAX_FITS = 1000;
