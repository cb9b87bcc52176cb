/** Whether a name fits a glob, whose `*` stand for any characters, also none. Linear for one star, bounded by the product of the lengths for more. */
export function fits(glob: string, name: string): boolean {
  let [g, n, star, mark] = [0, 0, -1, 0];
  while (n < name.length) {
    if (glob[g] === '*') {
      star = g++;
      mark = n;
    } else if (g < glob.length && glob[g] === name[n]) {
      g++;
      n++;
    } else if (star >= 0) {
      g = star + 1;
      n = ++mark;
    } else return false;
  }
  while (glob[g] === '*') g++;
  return g === glob.length;
}

const stars = (glob: string): number => glob.split('*').length - 1;

/** How far a glob that fits is from a name: the fewer of its characters are literal, the farther. */
export const distance = (glob: string, name: string): number => name.length - glob.length + stars(glob);

export const isGlob = (label: string): boolean => label.includes('*');

/** Labels with what they stand for. A name has exactly one that counts: its own, or the closest glob. */
export interface Labels<T> {
  readonly get: (name: string) => T | undefined;
  readonly values: () => readonly T[];
}

/** Labels in byte order decide between globs that are equally close. */
export function labelsOf<T>(entries: Iterable<readonly [label: string, value: T]>): Labels<T> {
  const all = [...entries];
  const exact = new Map(all.filter(([label]) => !isGlob(label)));
  const globs = all.filter(([label]) => isGlob(label)).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const closest = (name: string): T | undefined => {
    let found: { readonly value: T; readonly away: number } | undefined;
    for (const [glob, value] of globs) {
      if (!fits(glob, name)) continue;
      const away = distance(glob, name);
      if (found === undefined || away < found.away) found = { value, away };
    }
    return found?.value;
  };
  return {
    get: (name) => exact.get(name) ?? closest(name),
    values: () => [...exact.values(), ...globs.map(([, value]) => value)],
  };
}
