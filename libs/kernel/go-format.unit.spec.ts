import { goDuration, quoted } from './go-format.js';

it.each([
  ['plain', '"plain"'],
  ['say "x"\\', '"say \\"x\\"\\\\"'],
  ['\n\t\x00\x7f', '"\\n\\t\\x00\\x7f"'],
  ['é😀\u00a0\u200b', '"é😀\\u00a0\\u200b"'],
])('%j is quoted as Go does', (text, expected) => expect(quoted(text)).toBe(expected));

it.each([
  [0, '0s'],
  [1, '1ns'],
  [1500, '1.5µs'],
  [10, '10ns'],
  [10_000_000, '10ms'],
  [1_000_000_001, '1.000000001s'],
  [90e9, '1m30s'],
  [60e9, '1m0s'],
  [86_400e9, '24h0m0s'],
  [90_061e9, '25h1m1s'],
  [-1.5e9, '-1.5s'],
])('%d nanoseconds are printed as %s', (duration, text) => expect(goDuration(duration)).toBe(text));
