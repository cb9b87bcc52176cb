import { quoted } from '@app/kernel';
import { showRange, type Range } from './source.js';

/** What is wrong with a file, and where. Without a range it is about the file as a whole. */
export interface Diagnostic {
  readonly summary: string;
  readonly detail: string;
  readonly range?: Range | undefined;
}

/** More than these are noticed only, not kept. */
const MAX_KEPT = 100;

/** Gathers what is wrong; going on after an error finds more of them in one run. */
export class Diagnostics {
  readonly list: Diagnostic[] = [];
  /** How many there were, also those that were not kept. */
  count = 0;

  /** @param detail a function if it takes work: it is not asked for what is not kept */
  add(summary: string, detail: string | (() => string), range?: Range): void {
    this.count += 1;
    if (this.list.length >= MAX_KEPT) return;
    this.list.push({ summary, detail: typeof detail === 'string' ? detail : detail(), range });
  }

  addAll(other: Diagnostics): void {
    this.count += other.count - other.list.length;
    for (const { summary, detail, range } of other.list) this.add(summary, detail, range);
  }

  get any(): boolean {
    return this.count > 0;
  }

  /** The first one, and how many more there are. */
  first(): string {
    const [first] = this.list;
    if (first === undefined) return 'no diagnostics';
    return this.count === 1 ? show(first) : `${show(first)}, and ${this.count - 1} other diagnostic(s)`;
  }

  /** One a line. */
  lines(): string {
    return this.list.map(show).join('\n');
  }
}

const show = ({ summary, detail, range }: Diagnostic): string =>
  `${range === undefined ? '<nil>' : showRange(range)}: ${summary}; ${detail}`;

/** A file that is refused; the message is the text of its diagnostics. */
export class HclError extends Error {
  override readonly name = 'HclError';
}

/** Asks whether the first name was meant that is less than three edits away; empty: none is. */
export function didYouMean(given: string, names: Iterable<string>): string {
  for (const name of names) if (editDistance(given, name) < 3) return ` Did you mean ${quoted(name)}?`;
  return '';
}

function editDistance(left: string, right: string): number {
  // A character is two units at the most; texts that are much longer than any name are not looked at.
  if (left.length > 2 * (right.length + 2)) return 3;
  const [a, b] = [Array.from(left), Array.from(right)];
  if (Math.abs(a.length - b.length) > 2) return 3;
  let previous = b.map((_, i) => i + 1);
  previous.unshift(0);
  for (const [i, char] of a.entries()) {
    const row = [i + 1];
    for (const [j, other] of b.entries())
      row.push(Math.min(row[j]! + 1, previous[j + 1]! + 1, previous[j]! + (char === other ? 0 : 1)));
    previous = row;
  }
  return previous[b.length]!;
}
