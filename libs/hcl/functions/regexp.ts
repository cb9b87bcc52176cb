import { RE2JS } from 're2js';
import type { Budget } from '../budget.js';
import { problem } from './function.js';

/** Replaces all matches of an RE2 expression; `$1` and `${name}` in the replacement stand for groups. Linear in time, as RE2 is. */
export function replaceAll(text: string, pattern: string, replacement: string, budget: Budget): string {
  const matcher = compiled(pattern).matcher(text);
  let result = '';
  let at = 0;
  while (matcher.find()) {
    const piece = expanded(replacement, (group) => {
      try {
        return matcher.group(group) ?? '';
      } catch {
        // No such group: Go puts nothing there.
        return '';
      }
    });
    budget.spend(1);
    budget.grow(piece.length);
    result += text.slice(at, matcher.start()) + piece;
    at = matcher.end();
  }
  return result + text.slice(at);
}

function compiled(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    return problem(error instanceof Error ? error.message : 'invalid regular expression', 1);
  }
}

/** As Go expands it: the longest name after `$` counts, `$$` is one dollar. */
const expanded = (template: string, group: (name: number | string) => string): string =>
  template.replace(/\$(?:(\$)|\{(\w+)\}|(\w+))/g, (_, dollar?: string, braced?: string, bare?: string) => {
    if (dollar !== undefined) return '$';
    const name = braced ?? bare ?? '';
    return group(/^\d+$/.test(name) ? Number(name) : name);
  });
