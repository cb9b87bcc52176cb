import fc from 'fast-check';
import { formatGoDuration, parseGoDuration } from './go-duration.js';

it('what is printed is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (ns) => {
      expect(parseGoDuration(formatGoDuration(ns))).toEqual({ ns });
    }),
  );
});

it('any text is a duration or an error', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseGoDuration(text);
      expect('ns' in parsed ? Number.isInteger(parsed.ns) : parsed.error.startsWith('time: ')).toBe(true);
    }),
  );
});
