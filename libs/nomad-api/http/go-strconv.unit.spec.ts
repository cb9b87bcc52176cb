import { parseFloat64, parseGoDuration, parseInt64, parseUint64 } from './go-strconv.js';

it.each([
  ['0', 0],
  ['-0', 0],
  ['1.5h', 5400e9],
  ['1m30s', 90e9],
  ['.5s', 5e8],
  ['1.s', 1e9],
  ['-2us', -2000],
  ['3µs', 3000],
  ['5', undefined],
  ['', undefined],
  ['s', undefined],
  ['.s', undefined],
  ['1 s', undefined],
  ['300y', undefined],
  ['9223372037s', undefined],
])('the duration %j is %s nanoseconds', (text, duration) => expect(parseGoDuration(text)).toBe(duration));

it('integers are read in any base when the text may choose', () => {
  expect(parseInt64('-0x1F', 0)).toEqual({ ok: true, value: -31n });
  expect(parseUint64('0b11', 0)).toEqual({ ok: true, value: 3n });
  expect(parseInt64('017', 0)).toEqual({ ok: true, value: 15n });
  expect(parseInt64('1_000', 0)).toEqual({ ok: true, value: 1000n });
  expect(parseInt64('1_000')).toEqual({ ok: false, error: 'strconv.ParseInt: parsing "1_000": invalid syntax' });
  expect(parseUint64('18446744073709551616')).toEqual({
    ok: false,
    error: 'strconv.ParseUint: parsing "18446744073709551616": value out of range',
  });
});

it('floats are read as Go reads them', () => {
  expect(parseFloat64('1.5e3')).toEqual({ ok: true, value: 1500 });
  expect(parseFloat64('-Inf')).toEqual({ ok: true, value: -Infinity });
  expect(parseFloat64('.')).toEqual({ ok: false, error: 'strconv.ParseFloat: parsing ".": invalid syntax' });
  expect(parseFloat64('1e999')).toEqual({
    ok: false,
    error: 'strconv.ParseFloat: parsing "1e999": value out of range',
  });
});
