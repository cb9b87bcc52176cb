import { isUtf8 } from 'node:buffer';
import { goTime, rfc3339 } from './go-time.js';
import { MAX_DEPTH, Reader } from './reader.js';
import { Writer } from './writer.js';

/**
 * How one type of Nomad's messages is written and read. Text, bytes and times look alike on the wire, and numbers of 64 bits need other
 * care than small ones: only the type tells them apart (spec/rpc §5).
 */
export interface Schema<T> {
  readonly read: (from: Reader) => T;
  readonly write: (to: Writer, value: T) => void;
  /** What a field that is missing or nil reads as: Go's zero value. */
  readonly zero: () => T;
}
/** The type that a schema reads and writes. */
export type Of<S> = S extends Schema<infer T> ? T : never;

const nilAsZero = <T>(schema: Schema<T>): Schema<T> => ({
  ...schema,
  read: (from) => (from.takeNil() ? schema.zero() : schema.read(from)),
});

/** Postgres keeps no NUL in a text. */
const cleaned = (text: string): string => (text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text);

export const text: Schema<string> = nilAsZero({
  read: (from) => cleaned(from.raw().toString('utf8')),
  write: (to, value) => to.text(value),
  zero: () => '',
});

export const bytes: Schema<Buffer> = nilAsZero<Buffer>({
  read: (from) => Buffer.from(from.raw()),
  write: (to, value) => to.raw(value),
  zero: () => Buffer.alloc(0),
});

export const bool: Schema<boolean> = nilAsZero({
  read: (from) => from.bool(),
  write: (to, value) => to.bool(value),
  zero: () => false,
});

/** An integer that a double holds exactly: counts, indexes, durations of up to 104 days. */
export const int: Schema<number> = nilAsZero({
  read: (from) => {
    const value = from.integer();
    if (typeof value === 'bigint') throw from.error('an integer below 2^53');
    return value;
  },
  write: (to, value) => to.integer(value),
  zero: () => 0,
});

/** A 64-bit integer: nanoseconds since 1970. */
export const int64: Schema<bigint> = nilAsZero({
  read: (from) => BigInt(from.integer()),
  write: (to, value) => to.integer(value),
  zero: () => 0n,
});

export const float: Schema<number> = nilAsZero({
  read: (from) => from.float(),
  write: (to, value) => to.float(value),
  zero: () => 0,
});

export const ZERO_TIME = '0001-01-01T00:00:00Z';
/** A point in time as RFC 3339 with up to nine digits, in UTC. */
export const time: Schema<string> = nilAsZero({
  read: (from) => rfc3339(from.raw()),
  write: (to, value) => to.raw(goTime(value)),
  zero: () => ZERO_TIME,
});

/** A pointer: nil is null. */
export const optional = <T>(schema: Schema<T>): Schema<T | null> => ({
  read: (from) => (from.takeNil() ? null : schema.read(from)),
  write: (to, value) => (value === null ? to.nil() : schema.write(to, value)),
  zero: () => null,
});

/** A slice; nil is null. */
export const list = <T>(item: Schema<T>): Schema<readonly T[] | null> =>
  optional<readonly T[]>({
    read: (from) => {
      const items: T[] = [];
      for (let left = from.listLength(); left > 0; left--) items.push(item.read(from));
      return items;
    },
    write: (to, value) => {
      to.list(value.length);
      for (const one of value) item.write(to, one);
    },
    zero: () => [],
  });

/** A map with text keys, each an own property of the object whatever its name; nil is null. */
export const map = <T>(value: Schema<T>): Schema<Readonly<Record<string, T>> | null> =>
  optional<Readonly<Record<string, T>>>({
    read: (from) => {
      const entries: [string, T][] = [];
      for (let left = from.mapLength(); left > 0; left--) entries.push([text.read(from), value.read(from)]);
      return Object.fromEntries(entries);
    },
    write: (to, object) => {
      const entries = Object.entries(object);
      to.map(entries.length);
      for (const [key, one] of entries) {
        to.text(key);
        value.write(to, one);
      }
    },
    zero: () => ({}),
  });

type Fields = Readonly<Record<string, Schema<never>>> | object;
type StructOf<F> = { readonly [K in keyof F]: F[K] extends Schema<infer T> ? T : never };

/** A struct: fields in any order, unknown ones skipped, missing ones zero. */
export const struct = <F extends Fields>(fields: F): Schema<StructOf<F>> => structOf(fields, undefined);

/** A struct of which unknown fields are kept as they are, after the known ones: what clients of other versions say. */
export const openStruct = <F extends Fields>(fields: F): Schema<StructOf<F>> => structOf(fields, any);

function structOf<F extends Fields>(fields: F, rest: Schema<Any> | undefined): Schema<StructOf<F>> {
  const byName = new Map(Object.entries(fields as Record<string, Schema<unknown>>));
  const zeros = (): Map<string, unknown> => new Map([...byName].map(([name, schema]) => [name, schema.zero()]));
  const schema: Schema<object> = nilAsZero<object>({
    read: (from) => {
      const values = zeros();
      for (let left = from.mapLength(); left > 0; left--) {
        const name = cleaned(from.raw().toString('utf8'));
        const field = byName.get(name) ?? rest;
        if (field === undefined) from.skip();
        else values.set(name, field.read(from));
      }
      return Object.fromEntries(values);
    },
    write: (to, value) => {
      const given = new Map<string, unknown>(Object.entries(value));
      const others = rest === undefined ? [] : [...given.keys()].filter((name) => !byName.has(name));
      to.map(byName.size + others.length);
      for (const [name, field] of byName) {
        to.text(name);
        field.write(to, given.get(name));
      }
      for (const name of others) {
        to.text(name);
        any.write(to, given.get(name) as Any);
      }
    },
    zero: () => Object.fromEntries(zeros()),
  });
  return schema as Schema<unknown> as Schema<StructOf<F>>;
}

/**
 * A value without a known type, such as what `any` holds: text, numbers, lists and objects. Bytes are only written: they
 * are read as text.
 */
export type Any =
  null | boolean | number | bigint | string | Uint8Array | Encoded | readonly Any[] | { readonly [key: string]: Any };

/** A value that is written already: what many messages hold is encoded once. */
export class Encoded {
  constructor(readonly bytes: Buffer) {}
}

/** Without a type, what is no UTF-8 is taken for a time if it can be one, else read as Latin-1, which loses nothing. */
function textOf(raw: Buffer): string {
  if (isUtf8(raw)) return raw.toString('utf8');
  try {
    return rfc3339(raw);
  } catch {
    return raw.toString('latin1');
  }
}

function readAny(from: Reader, depth: number): Any {
  if (depth > MAX_DEPTH) throw from.error(`more than ${MAX_DEPTH} levels`);
  switch (from.kind()) {
    case 'nil':
      from.takeNil();
      return null;
    case 'bool':
      return from.bool();
    case 'integer':
      return from.integer();
    case 'float':
      return from.float();
    case 'raw':
      return cleaned(textOf(from.raw()));
    case 'list': {
      const items: Any[] = [];
      for (let left = from.listLength(); left > 0; left--) items.push(readAny(from, depth + 1));
      return items;
    }
    case 'map': {
      const entries: [string, Any][] = [];
      for (let left = from.mapLength(); left > 0; left--)
        entries.push([cleaned(from.raw().toString('utf8')), readAny(from, depth + 1)]);
      return Object.fromEntries(entries);
    }
  }
}

function writeAny(to: Writer, value: unknown): void {
  if (value === null || value === undefined) return to.nil();
  if (typeof value === 'boolean') return to.bool(value);
  if (typeof value === 'bigint') return to.integer(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? to.integer(value) : to.float(value);
  if (typeof value === 'string') return to.text(value);
  if (Array.isArray(value)) {
    to.list(value.length);
    for (const one of value) writeAny(to, one);
    return;
  }
  if (value instanceof Encoded) return to.encoded(value.bytes);
  if (value instanceof Uint8Array) return to.raw(value);
  if (JSON.isRawJSON(value)) return writeRawNumber(to, JSON.stringify(value));
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  to.map(entries.length);
  for (const [key, one] of entries) {
    to.text(key);
    writeAny(to, one);
  }
}

/** Digits that were kept as they came. */
function writeRawNumber(to: Writer, digits: string): void {
  if (/^-?\d+$/.test(digits)) to.integer(BigInt(digits));
  else to.float(Number(digits));
}

/** Any value; whole numbers are integers, others floats. */
export const any: Schema<Any> = {
  read: (from) => readAny(from, 0),
  write: writeAny,
  zero: () => null,
};

/** A message's bytes. @throws RangeError or TypeError for a value that its type cannot hold: our mistake, not the peer's. */
export function encode<T>(schema: Schema<T>, value: T): Buffer {
  const writer = new Writer();
  schema.write(writer, value);
  return writer.finish();
}

/** Reads a message. @throws DecodeError */
export function decode<T>(schema: Schema<T>, message: Buffer): T {
  return schema.read(new Reader(message));
}
