import fc from 'fast-check';
import { Chunks } from '../chunks.js';
import { EncodedRows, type RowChange } from './encoded-rows.js';

/** Keys as they are, and such as stand differently in bytes and in UTF-16. */
const key = fc.oneof(
  fc.integer({ min: 0, max: 400 }).map((n) => n.toString(16).padStart(4, '0')),
  fc.constantFrom('\u{1F600}', '\uFFFD', 'a\uE000', 'a\u{10000}', ''),
);
const change: fc.Arbitrary<RowChange> = fc.record({
  key,
  createIndex: fc.integer({ min: 1, max: 20 }),
  text: fc.option(
    fc.integer({ min: 0, max: 9_000 }).map((length) => Buffer.from(JSON.stringify('x'.repeat(length)))),
    { nil: undefined, freq: 3 },
  ),
});

describe('Encoded rows', () => {
  test.each([
    ['created', false],
    ['created', true],
    ['key', false],
    ['key', true],
  ] as const)('are what the last change of each row left, in order: by %s, reversed %s', (order, isReversed) => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 60 }), { maxLength: 12 }), (batches) => {
        const rows = new EncodedRows(order, isReversed);
        const wanted = new Map<string, RowChange>();
        const given: (readonly [text: string, body: () => string])[] = [];
        for (const batch of batches) {
          rows.apply(batch);
          for (const one of batch) {
            wanted.delete(one.key);
            if (one.text !== undefined) wanted.set(one.key, one);
          }
          const sorted = [...wanted.values()].sort(
            (a, b) =>
              (order === 'created' ? a.createIndex - b.createIndex : 0) ||
              Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
          );
          if (isReversed) sorted.reverse();
          const body = rows.body();
          given.push([`[${sorted.map(({ text }) => text!.toString()).join(',')}]`, () => body.toString()]);
          expect(body.length).toBe(body instanceof Chunks ? body.toBuffer().length : body.length);
          expect([...rows.rows()].map((row) => row.key)).toEqual(sorted.map((row) => row.key));
          expect([rows.size, rows.first]).toEqual([sorted.length, sorted[0]?.text?.toString()]);
        }
        // Whoever was given a body keeps what it was.
        for (const [text, body] of given) expect(body() === text).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('make only those parts anew that a change touches', () => {
    const rows = new EncodedRows('key', false);
    const row = (n: number, fill: string) => ({
      key: String(n).padStart(5, '0'),
      createIndex: 1,
      text: Buffer.alloc(2_000, fill),
    });
    rows.append(Array.from({ length: 1_000 }, (_, n) => row(n, 'a')));
    const before = (rows.body() as Chunks).parts;
    rows.apply([row(500, 'b')]);
    const after = (rows.body() as Chunks).parts;
    expect(after.length).toBe(before.length);
    expect(after.filter((part, i) => part !== before[i])).toHaveLength(1);
  });
});
