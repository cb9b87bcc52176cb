import type { DurationNs, Index, TimeUs } from '@app/kernel';

/** When what may not be changed. */
export interface FreezeDefinition {
  /** Globs; a job is frozen whose namespace fits one of these and whose id fits one of `jobs`. */
  readonly namespaces: readonly string[];
  readonly jobs: readonly string[];
  /** Once, from `start` (0: at once) to `end`; `end` 0: again and again, see `cron`. */
  readonly start: TimeUs;
  readonly end: TimeUs;
  /** Again and again: from each time that fits on the clocks of the zone, for the duration. Empty: once. */
  readonly cron: string;
  readonly duration: DurationNs;
  readonly timeZone: string;
  readonly reason: string;
}

export interface FreezeWindow extends FreezeDefinition {
  readonly id: string;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
}

/** Of the stream of all windows, and of that of what came of them. */
export interface FreezesState {
  readonly windows: readonly FreezeWindow[];
  /** How many changes were refused, and how many were made all the same. */
  readonly refused: number;
  readonly overridden: number;
  readonly modifyIndex: Index;
}

export const NO_FREEZES: FreezesState = { windows: [], refused: 0, overridden: 0, modifyIndex: 0 };
