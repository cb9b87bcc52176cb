import fc from 'fast-check';
import { parseDuration } from './go-duration.js';
import { goDuration } from './go-format.js';

it('what is printed is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (ns) => {
      expect(parseDuration(goDuration(ns))).toEqual({ ok: true, ns: BigInt(ns) });
    }),
  );
});

it('any text is a duration or a problem', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseDuration(text);
      expect(parsed.ok || parsed.problem.startsWith('time: ')).toBe(true);
    }),
  );
});
