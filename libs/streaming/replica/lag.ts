import type { Index } from '@app/kernel';

/** More steps than this are joined in pairs: what is told is then too old rather than too new. */
const MAX_STEPS = 10_000;

/** Up to which index the log came when; `ms` of the monotonic clock. */
interface Step {
  readonly index: Index;
  readonly ms: number;
}

/** How old what a replica holds may be, by what this instance has heard of the log itself. */
export class Lag {
  private steps: Step[] = [];

  /** The log has come up to an index. In order. */
  note(index: Index, ms: number): void {
    this.steps.push({ index, ms });
    if (this.steps.length > MAX_STEPS)
      this.steps = this.steps.flatMap((step, i, all) => (i % 2 === 0 ? { ...(all[i + 1] ?? step), ms: step.ms } : []));
  }

  /**
   * Milliseconds since when the log may have held something that a reader at this index does not see.
   *
   * @param contactMs how long ago the log was last heard of: what it holds since then nobody here knows
   */
  since(index: Index, nowMs: number, contactMs: number): number {
    const missed = this.steps.find((step) => step.index > index);
    return Math.max(contactMs, missed === undefined ? 0 : Math.round(nowMs - missed.ms));
  }

  /** The replica has everything up to here. */
  forgetUntil(index: Index): void {
    const first = this.steps.findIndex((step) => step.index > index);
    this.steps = first === -1 ? [] : this.steps.slice(first);
  }
}
