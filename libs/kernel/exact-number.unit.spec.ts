import { exactNumber, isExactNumber, literalOf, parseExact } from './exact-number.js';

it.each([
  '1.0',
  '-1.50',
  '1e3',
  '2E-5',
  '12345678901234567890',
  '0.10',
  '9007199254740993',
  '8999999999999999',
  '123456789012.12345678',
])('%s is written as it was sent', (literal) => {
  expect(JSON.stringify({ a: exactNumber(literal) })).toBe(`{"a":${literal}}`);
  expect(literalOf(exactNumber(literal))).toBe(literal);
  for (const text of [`{"a":${literal}}`, `[${literal},${literal}]`, `{"a":[{"b":${literal}}],"c":1}`])
    expect(JSON.stringify(parseExact(text))).toBe(text);
});

it.each(['1', '-7', '0.5', '1795328622', '1767225600000123', '-8999999999999999', '1e+21', '1e-7'])(
  '%s is a number like any other',
  (literal) => {
    expect(exactNumber(literal)).toBe(Number(literal));
    expect(parseExact(`{"a":${literal}}`)).toEqual({ a: Number(literal) });
    expect(isExactNumber(exactNumber(literal))).toBe(false);
  },
);

it('texts that look like numbers stay texts', () => {
  const text = '{"a":":1.0,","b":"[1e3]","c":"9007199254740993"}';
  expect(parseExact(text)).toEqual(JSON.parse(text));
});
