/** From here on the order of UTF-16 units is not that of the bytes. */
const BEYOND = /[\ud800-\uffff]/;

/** The order of Postgres' `C` collation. JavaScript's own compares UTF-16 units, which differs beyond U+D7FF. */
export function byBytes(a: string, b: string): number {
  if (a === b) return 0;
  if (BEYOND.test(a) || BEYOND.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}
