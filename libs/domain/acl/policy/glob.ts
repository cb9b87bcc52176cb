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
export class Labels<T> {
  private readonly exact = new Map<string, T>();
  private readonly globs: (readonly [glob: string, value: T])[] = [];

  /** The labels are in byte order, which decides between globs that are equally close. */
  constructor(entries: Iterable<readonly [label: string, value: T]>) {
    for (const [label, value] of entries) {
      if (isGlob(label)) this.globs.push([label, value]);
      else this.exact.set(label, value);
    }
    this.globs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  get(name: string): T | undefined {
    const exact = this.exact.get(name);
    if (exact !== undefined) return exact;
    let closest: { readonly value: T; readonly distance: number } | undefined;
    for (const [glob, value] of this.globs) {
      if (!fits(glob, name)) continue;
      const away = distance(glob, name);
      if (closest === undefined || away < closest.distance) closest = { value, distance: away };
    }
    return closest?.value;
  }

  *values(): Generator<T> {
    yield* this.exact.values();
    for (const [, value] of this.globs) yield value;
  }
}
