import { anyName } from '@app/testing';
import fc from 'fast-check';
import { compileFilter } from './filter.js';
import { deploymentType } from './nomad-types.js';

const words = fc.constantFrom(
  ...['Status', 'TaskGroups', 'TaskGroups.web', 'JobVersion', 'Nope', '==', '!=', 'in', 'not', 'is', 'empty', 'nil'],
  ...[
    'contains',
    'matches',
    'and',
    'or',
    '(',
    ')',
    '"x"',
    '`y`',
    '"/A/b"',
    '[',
    ']',
    'any',
    'all',
    'as',
    'x',
    ',',
    '_',
  ],
  ...['{', '}', '1', '-1.5', '01', '"', '`', '\\', 'é', '\n', '.', '~'],
  ...['TaskGroups.__proto__', '"/TaskGroups/constructor"', 'toString', '`__proto__`'],
);
const expressions = fc.oneof(
  fc.array(words, { maxLength: 12 }).map((parts) => parts.join(' ')),
  fc.array(words, { maxLength: 12 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
);

it('any text compiles or is refused with a place and a reason, and evaluating it never throws', () => {
  fc.assert(
    fc.property(expressions, fc.dictionary(anyName(), fc.jsonValue()), (text, document) => {
      const filter = compileFilter(text, deploymentType);
      if (!filter.ok) return expect(filter.error).toMatch(/^\d+:\d+ \(\d+\): /);
      const result = filter.value.matches({ TaskGroups: { web: {} }, ...document });
      return expect(result.ok ? typeof result.value : result.error.length > 0).not.toBe(false);
    }),
    { numRuns: 3000 },
  );
});
