import { HclError } from './diagnostics.js';

/** Text and JSON taken in together; a job file is some kilobytes. */
export const MAX_SOURCE_CHARS = 1_000_000;
/** Brackets, blocks and templates within each other; and operators or indexes in one chain. */
export const MAX_DEPTH = 150;
/** Values looked at while a file is evaluated: under a second of work. */
const MAX_STEPS = 1_000_000;
/** Characters of all texts that are made while a file is evaluated. */
const MAX_CHARS = 16_000_000;

/** What evaluating a file may cost. A file that asks for more is refused, whatever it says. */
export class Budget {
  private steps = MAX_STEPS;
  private chars = MAX_CHARS;

  /** @throws HclError when the file has cost too much. */
  spend(steps: number): void {
    this.steps -= steps;
    if (this.steps < 0) throw new HclError('the file takes too many steps to evaluate');
  }

  /** @throws HclError when the texts have become too much. */
  grow(chars: number): void {
    this.chars -= chars;
    if (this.chars < 0) throw new HclError('the file makes texts that are too long');
  }
}
