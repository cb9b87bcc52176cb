import { HOSTILE_NAMES } from '@app/testing';
import type { Random } from '../cluster/random.js';

/** Numbers at the edges of what Go, JSON, Postgres and JavaScript can hold; as texts, so that no digit is lost. */
const NUMBERS = [
  ...['0', '-0', '-1', '1', '2', '65536', '2147483647', '2147483648', '-2147483649', '4294967296'],
  ...['9007199254740993', '9223372036854775807', '9223372036854775808', '-9223372036854775809'],
  ...['18446744073709551615', '18446744073709551616', '1e3', '1e309', '-1e-309', '0.5', '1.0'],
];
const TEXTS = [
  ...HOSTILE_NAMES,
  ...['\u0000', 'a\u0000b', '\ud800', '\udfff\ud800', '\uffff', '\ue000', '*', '%', '%00', '%zz', 'x'.repeat(100_000)],
  ...[
    'default',
    'global',
    'service',
    'batch',
    'system',
    'mock_driver',
    'running',
    'true',
    'null',
    '10s',
    '-1h',
    '1e9h',
  ],
  ...['00000000-0000-0000-0000-000000000000', 'ABCDEF00-0000-4000-8000-000000000000', '2026-13-45T99:00:00Z'],
];

export const hostileText = (random: Random): string => random.pick(TEXTS);

/** A JSON text of any kind. */
export function hostileJson(random: Random, depth = 0): string {
  switch (random.between(0, depth > 3 ? 3 : 6)) {
    case 0:
      return random.pick(NUMBERS);
    case 1:
    case 2:
      return JSON.stringify(hostileText(random));
    case 3:
      return random.pick(['null', 'true', 'false', '{}', '[]', '""']);
    case 4:
      return `[${list(random, () => hostileJson(random, depth + 1)).join(',')}]`;
    case 5:
      return `{${list(random, () => `${JSON.stringify(hostileText(random))}:${hostileJson(random, depth + 1)}`).join(',')}}`;
    default:
      return `${'['.repeat(random.pick([1, 50, 5_000]))}`;
  }
}

const list = <T>(random: Random, make: () => T): T[] => Array.from({ length: random.between(0, 3) }, make);

/** A value with some of its members, at any depth, replaced, renamed, doubled or left out. JSON text. */
export function mutated(random: Random, value: unknown, rate: number): string {
  if (random.next() < rate) return hostileJson(random);
  if (Array.isArray(value)) {
    const items = value.flatMap((item) => {
      const text = mutated(random, item, rate);
      return random.next() < rate ? random.pick([[], [text, text]]) : [text];
    });
    return `[${items.join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value).flatMap(([name, member]) => {
    const text = mutated(random, member, rate);
    if (random.next() >= rate) return [`${JSON.stringify(name)}:${text}`];
    const other = JSON.stringify(random.pick([hostileText(random), name.toLowerCase(), name]));
    return random.pick([
      [],
      [`${other}:${text}`],
      [`${JSON.stringify(name)}:${text}`, `${other}:${hostileJson(random)}`],
    ]);
  });
  return `{${members.join(',')}}`;
}

/** Bytes that are nearly a text: cut, doubled, with some changed. */
export function garbled(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text.slice(0, random.between(0, text.length)), 'utf8');
  for (let n = random.between(0, 4); n > 0 && bytes.length > 0; n--)
    bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
  return bytes;
}
