import { parseUuid, parseUuidPrefix } from './uuid-prefix.js';

const ID = '1f0c3c52-7d0e-4a6b-9c1d-0a4f5b6c7d8e';

it.each([
  ['', ''],
  ['1F', '1f'],
  [ID.slice(0, 8), '1f0c3c52'],
  [ID.slice(0, 9), '1f0c3c52'],
  [ID.slice(0, 13), '1f0c3c52-7d0e'],
  ['1f-0c-3c', '1f0c3c'],
  ['1f0c3c527d0e', '1f0c3c52-7d0e'],
  [ID.toUpperCase(), ID],
])('the prefix %j selects ids that begin with %j', (prefix, value) =>
  expect(parseUuidPrefix(prefix)).toEqual({ ok: true, value }),
);

it.each([
  ['nope', "index error: Invalid UUID: encoding/hex: invalid byte: U+006E 'n'"],
  ['nop', 'index error: Input (without hyphens) must be even length'],
  [ID.slice(0, 10), 'index error: Input (without hyphens) must be even length'],
  ['d-e-a-d-b-e', 'index error: UUID should have maximum of 4 "-"; got 5'],
  [`${ID}00`, 'index error: Invalid UUID length. UUID have 36 characters; got 38'],
  ['\u00e9', "index error: Invalid UUID: encoding/hex: invalid byte: U+00C3 'Ã'"],
  ['\u0000\u0000', 'index error: Invalid UUID: encoding/hex: invalid byte: U+0000'],
])('the prefix %j is refused', (prefix, error) => expect(parseUuidPrefix(prefix)).toEqual({ ok: false, error }));

it('a full id has 36 characters and is matched whatever its case', () => {
  expect(parseUuid(ID.toUpperCase())).toEqual({ ok: true, value: ID });
  for (const id of ['', 'nope', 'deadbeef']) {
    expect(parseUuid(id)).toEqual({ ok: false, error: 'index error: UUID must be 36 characters' });
  }
  expect(parseUuid(`${ID.slice(0, -1)}z`)).toEqual({
    ok: false,
    error: "index error: Invalid UUID: encoding/hex: invalid byte: U+007A 'z'",
  });
});
