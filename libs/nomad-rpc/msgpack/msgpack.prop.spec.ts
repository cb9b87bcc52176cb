import fc from 'fast-check';
import {
  any,
  bool,
  bytes,
  decode,
  DecodeError,
  encode,
  float,
  int,
  int64,
  list,
  map,
  optional,
  struct,
  text,
  time,
  ValueScanner,
  type Any,
  type Schema,
} from './index.js';

const message = struct({
  Text: text,
  Bytes: bytes,
  Int: int,
  Int64: int64,
  Float: float,
  Bool: bool,
  Time: time,
  Maybe: optional(text),
  List: list(int),
  Map: map(list(text)),
  Any: any,
});

const timeArbitrary = fc
  .tuple(
    fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true }),
    fc.nat(999_999_999),
  )
  .map(([date, ns]) => {
    const fraction = String(ns).padStart(9, '0').replace(/0+$/, '');
    return `${date.toISOString().slice(0, 19)}${fraction && '.'}${fraction}Z`;
  });
const wellFormed = fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\0') && !one.includes('\ufffd'));
/** Names that a plain object would trip over, too. */
const key = fc.oneof(wellFormed, fc.constantFrom('__proto__', 'constructor', 'toString', ''));
const { value: anyArbitrary } = fc.letrec<{ value: Any }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
    fc.double({ noNaN: true }).filter((one) => !Number.isInteger(one)),
    wellFormed,
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .dictionary(key, tie('value'), { noNullPrototype: false, maxKeys: 5 })
      .map((one) => Object.assign(Object.create(null), one) as Any),
  ),
}));
const messageArbitrary = fc.record({
  Text: wellFormed,
  Bytes: fc.uint8Array({ maxLength: 70_000 }).map((one) => Buffer.from(one)),
  Int: fc.maxSafeInteger(),
  Int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  Float: fc.double({ noNaN: true }),
  Bool: fc.boolean(),
  Time: timeArbitrary,
  Maybe: fc.option(wellFormed),
  List: fc.option(fc.array(fc.maxSafeInteger())),
  Map: fc.option(
    fc
      .dictionary(key, fc.option(fc.array(wellFormed)))
      .map((one) => Object.assign(Object.create(null), one) as typeof one),
  ),
  Any: anyArbitrary,
});

it('what is written reads the same', () => {
  fc.assert(
    fc.property(messageArbitrary, (value) => {
      expect(decode(message, encode(message, value))).toEqual(value);
    }),
  );
});

it('the end of a value is found however its bytes are cut', () => {
  fc.assert(
    fc.property(messageArbitrary, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (value, cuts) => {
      const whole = encode(message, value);
      const scanner = new ValueScanner(1e9);
      let at = 0;
      for (let n = 0; at < whole.length; n++) {
        const piece = whole.subarray(at, at + cuts[n % cuts.length]!);
        at += piece.length;
        expect(scanner.scan(piece)).toBe(at < whole.length ? -1 : piece.length);
      }
    }),
  );
});

it('whatever comes is read or refused, and costs no more than its length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (raw) => {
      for (const schema of [message, any, list(any), map(any)] as unknown as Schema<unknown>[]) {
        try {
          decode(schema, Buffer.from(raw));
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

it('a message that was damaged is read or refused', () => {
  fc.assert(
    fc.property(messageArbitrary, fc.nat(), fc.nat(255), (value, where, byte) => {
      const bytesOf = Buffer.from(encode(message, value));
      bytesOf[where % bytesOf.length] = byte;
      try {
        decode(message, bytesOf);
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError);
      }
    }),
  );
});

it.each([
  ['a length that is a lie', [0xdd, 0xff, 0xff, 0xff, 0xff]],
  ['a map that is longer than all messages', [0xdf, 0x7f, 0xff, 0xff, 0xff]],
  ['bytes without end', [0xc6, 0xff, 0xff, 0xff, 0xff]],
])('%s is refused before its bytes come', (_, raw) => {
  expect(() => new ValueScanner(1e6).scan(Buffer.from(raw))).toThrow(DecodeError);
});

it('nesting without end is refused by the decoder, and costs the scanner nothing', () => {
  const deep = Buffer.alloc(100_000, 0x91);
  expect(new ValueScanner(1e6).scan(deep)).toBe(-1);
  expect(() => decode(any, Buffer.concat([deep, Buffer.from([0xc0])]))).toThrow('more than 64 levels');
});

it.each([
  ['c3', true],
  ['00', false],
  ['01', true],
])('the bool %s reads as Go reads it', (hex, value) => expect(decode(bool, Buffer.from(hex, 'hex'))).toBe(value));

it.each([
  ['da0003616263', 'raw'],
  ['d903616263', 'str8'],
  ['c403616263', 'bin8'],
  ['a3616263', 'fixraw'],
])('text comes as %s (%s)', (hex) => expect(decode(text, Buffer.from(hex, 'hex'))).toBe('abc'));

it.each([
  ['cb3ff0000000000000', 'a float'],
  ['a131', 'text'],
  ['91c0', 'a list'],
])('an integer does not come as %s, %s', (hex) =>
  expect(() => decode(int, Buffer.from(hex, 'hex'))).toThrow(DecodeError),
);

it('an integer that a double does not hold is refused where one is wanted, and kept where 64 bits are', () => {
  const raw = encode(int64, 2n ** 62n + 1n);
  expect(() => decode(int, raw)).toThrow(DecodeError);
  expect(decode(int64, raw)).toBe(2n ** 62n + 1n);
});

it('a time is read with all its digits', () => {
  const raw = Buffer.from('af010000000ee29c8f671d37b0bf0000', 'hex');
  expect(decode(time, raw)).toBe('2026-11-28T09:01:27.490188991Z');
});
