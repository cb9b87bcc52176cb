import type { RollbookEvent } from './event.js';

/** What a {@link ChainTracker} knows, as JSON. */
export interface ChainState {
  readonly storeEpoch: string;
  /** Up to this commit every one was seen, and each followed the one before. */
  readonly index: number;
  readonly chain: string;
}

/** What an event is to the chain of all that came before. */
export type ChainVerdict =
  /** Its commit follows what was seen, or was seen before. */
  | { readonly kind: 'linked'; readonly upTo: number }
  /** Commits between what was seen and this one are still to come: partitions are read at different speeds. */
  | { readonly kind: 'ahead'; readonly upTo: number }
  /** Its record has no hash: it was published by an earlier release. */
  | { readonly kind: 'unchained' }
  /** Two commits do not fit together: something was altered, removed or inserted in between, or the log was restored to an earlier state. */
  | { readonly kind: 'broken'; readonly index: number; readonly expected: string; readonly found: string };

interface Link {
  readonly chain: string;
  readonly previous: string | undefined;
}

/** Commits that are waited for; more than partitions are ever apart. */
const MAX_AHEAD = 100_000;

/**
 * Checks that the events of the topic are those of one log without a hole: each commit names the hash of the one before. It has to be shown the
 * events of all partitions, in whatever order. What a hash stands for is checked by `GET /v1/operator/rollbook/proof` and `ops verify --chain`.
 */
export class ChainTracker {
  private state_: ChainState | undefined;
  private readonly ahead = new Map<number, Link>();

  constructor(state?: ChainState) {
    this.state_ = state;
  }

  /** @throws RangeError when too many commits are waited for */
  accept({ index, chain, previousChain, storeEpoch }: RollbookEvent): ChainVerdict {
    if (chain === undefined) return { kind: 'unchained' };
    if (this.state_ === undefined || this.state_.storeEpoch !== storeEpoch) {
      this.ahead.clear();
      this.state_ = { storeEpoch, index, chain };
      return { kind: 'linked', upTo: index };
    }
    if (index < this.state_.index) return { kind: 'linked', upTo: this.state_.index };
    const known = index === this.state_.index ? this.state_.chain : this.ahead.get(index)?.chain;
    if (known !== undefined && known !== chain) return { kind: 'broken', index, expected: known, found: chain };
    if (index > this.state_.index) this.ahead.set(index, { chain, previous: previousChain });
    if (this.ahead.size > MAX_AHEAD)
      throw new RangeError(`${MAX_AHEAD} commits do not connect to ${this.state_.index}`);
    return this.connect(index);
  }

  /** To be stored with what was made of the events; undefined: nothing was seen yet. */
  state(): ChainState | undefined {
    return this.state_;
  }

  private connect(shown: number): ChainVerdict {
    let last = this.state_!;
    for (let next = this.ahead.get(last.index + 1); next !== undefined; next = this.ahead.get(last.index + 1)) {
      if (next.previous !== undefined && next.previous !== last.chain)
        return { kind: 'broken', index: last.index + 1, expected: last.chain, found: next.previous };
      this.ahead.delete(last.index + 1);
      this.state_ = last = { ...last, index: last.index + 1, chain: next.chain };
    }
    return { kind: shown <= last.index ? 'linked' : 'ahead', upTo: last.index };
  }
}
