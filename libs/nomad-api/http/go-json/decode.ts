import { atOnce, exactNumber, ownProperty, setOwnProperty, type Steps } from '@app/kernel';
import { fail, ok, type Result } from '../result.js';
import { canonicalBase64 } from './base64.js';
import { scanFirstValue } from './scan.js';
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COMMA,
  isNumeric,
  isSpace,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  OPEN_ARRAY,
  OPEN_OBJECT,
  QUOTE,
} from './ascii.js';
import {
  foldKey,
  list,
  uint8,
  type IntShape,
  type ListShape,
  type MapShape,
  type Shape,
  type ShapeNode,
  type StructField,
  type StructShape,
} from './shape.js';

/** The JSON was null. */
const NULL = Symbol('null');
/** The JSON was of another type; what was there before stays. */
const MISMATCH = Symbol('mismatch');
const isAbsent = (value: unknown): boolean => value === NULL || value === MISMATCH;

const ownValue = (target: object, key: string): unknown => ownProperty(target as Record<string, unknown>, key);

const UINT8_LIST = list(uint8) as ListShape;
/** The groups of a job are a list of the third level. */
const STEPS_DEPTH = 3;
/** No more digits than the largest 64-bit number and a sign. */
const MAX_INTEGER_LENGTH = 20;

/** A 64-bit number that a double does not hold to the last digit: kept, it would come back as another one. */
const INEXACT = Symbol('inexact');

function integerOf(literal: string, { min, max }: IntShape): number | typeof INEXACT | undefined {
  if (literal.length > MAX_INTEGER_LENGTH || !/^-?[0-9]+$/.test(literal)) return undefined;
  if (min === 0n && literal.startsWith('-')) return undefined;
  const value = BigInt(literal);
  if (value < min || value > max) return undefined;
  const number = Number(value);
  return String(number) === String(value) ? number : INEXACT;
}

/** What Go leaves in an element or map value that is null. */
function zeroOf(shape: ShapeNode): unknown {
  switch (shape.kind) {
    case 'string':
    case 'bytes':
      return '';
    case 'bool':
      return false;
    case 'int':
      return 0;
    case 'any':
      return null;
    case 'list':
      return [];
    case 'map':
    case 'struct':
      return {};
  }
}

/** Whether null clears what an earlier key of the same name has set. */
const isNullable = (shape: ShapeNode): boolean =>
  shape.slotType.startsWith('*') ||
  shape.kind === 'list' ||
  shape.kind === 'map' ||
  shape.kind === 'any' ||
  shape.kind === 'bytes';

const objectOf = (existing: unknown): object => (typeof existing === 'object' && existing !== null ? existing : {});

function put(target: object, field: StructField, value: unknown): void {
  if (value === NULL) {
    if (isNullable(field.shape)) Reflect.deleteProperty(target, field.name);
  } else if (value !== MISMATCH) setOwnProperty(target, field.name, value);
}

/** Decodes bytes that were scanned before: every token is where it should be. The first value of a wrong type is remembered; decoding goes on. */
class Decoder {
  firstError: string | undefined;
  private struct = '';
  private path: readonly string[] = [];

  constructor(
    private readonly source: Buffer,
    private pos: number,
  ) {}

  value(shape: ShapeNode, existing: unknown): unknown {
    const byte = this.token();
    if (byte === LOWER_N) {
      this.skip();
      return NULL;
    }
    if (shape.kind === 'any') return this.anything();
    switch (byte) {
      case OPEN_OBJECT:
        return this.object(shape, existing);
      case OPEN_ARRAY:
        return this.array(shape);
      case QUOTE:
        return this.text(shape);
      case LOWER_T:
      case LOWER_F:
        this.skip();
        return shape.kind === 'bool' ? byte === LOWER_T : this.mismatch('bool', shape.goType);
      default:
        return this.number(shape);
    }
  }

  /** The same, with a step after each element of the lists that are not deeper than this. */
  *valueInSteps(shape: ShapeNode, existing: unknown, depth: number): Steps<unknown> {
    const byte = depth > 0 ? this.token() : undefined;
    if (byte === OPEN_OBJECT && shape.kind === 'struct') return yield* this.fieldsInSteps(shape, existing, depth);
    if (byte === OPEN_ARRAY && shape.kind === 'list') return yield* this.elementsInSteps(shape, depth);
    return this.value(shape, existing);
  }

  private *fieldsInSteps(shape: StructShape, existing: unknown, depth: number): Steps<object> {
    const target = objectOf(existing);
    const { struct, path } = this;
    this.pos++;
    while (this.token() !== CLOSE_OBJECT) {
      const field = shape.byFoldedName.get(foldKey(this.key()));
      if (field === undefined) this.skip();
      else {
        this.enter(shape, field, path);
        put(target, field, yield* this.valueInSteps(field.shape, ownValue(target, field.name), depth - 1));
        [this.struct, this.path] = [struct, path];
      }
      if (this.token() === COMMA) this.pos++;
    }
    this.pos++;
    return target;
  }

  private *elementsInSteps(shape: ListShape, depth: number): Steps<unknown[]> {
    const result: unknown[] = [];
    this.pos++;
    while (this.token() !== CLOSE_ARRAY) {
      const value = yield* this.valueInSteps(shape.element, undefined, depth - 1);
      result.push(isAbsent(value) ? zeroOf(shape.element) : value);
      if (this.token() === COMMA) this.pos++;
      yield;
    }
    this.pos++;
    return result;
  }

  private object(shape: ShapeNode, existing: unknown): unknown {
    if (shape.kind === 'struct') return this.fields(shape, existing);
    if (shape.kind === 'map') return this.entries(shape, existing);
    this.mismatch('object', shape.goType);
    this.skip();
    return MISMATCH;
  }

  private fields(shape: StructShape, existing: unknown): object {
    const target = objectOf(existing);
    const { struct, path } = this;
    this.members((key) => {
      const field = shape.byFoldedName.get(foldKey(key));
      if (!field) return this.skip();
      this.enter(shape, field, path);
      put(target, field, this.value(field.shape, ownValue(target, field.name)));
      [this.struct, this.path] = [struct, path];
    });
    return target;
  }

  private enter({ goType }: StructShape, field: StructField, path: readonly string[]): void {
    this.struct = goType.slice(goType.lastIndexOf('.') + 1);
    this.path = [...path, ...field.path];
  }

  private entries(shape: MapShape, existing: unknown): object {
    const target = objectOf(existing);
    this.members((key) => {
      const value = this.value(shape.element, undefined);
      setOwnProperty(target, key, isAbsent(value) ? zeroOf(shape.element) : value);
    });
    return target;
  }

  private array(shape: ShapeNode): unknown {
    if (shape.kind === 'list') return this.elements(shape);
    if (shape.kind === 'bytes') return Buffer.from(this.elements(UINT8_LIST) as number[]).toString('base64');
    this.mismatch('array', shape.goType);
    this.skip();
    return MISMATCH;
  }

  private elements(shape: ListShape): unknown[] {
    const result: unknown[] = [];
    this.items(() => {
      const value = this.value(shape.element, undefined);
      result.push(isAbsent(value) ? zeroOf(shape.element) : value);
    });
    return result;
  }

  private text(shape: ShapeNode): unknown {
    const text = this.string();
    if (shape.kind === 'string') return text;
    if (shape.kind !== 'bytes') return this.mismatch('string', shape.goType);
    const decoded = canonicalBase64(text);
    if (decoded.ok) return decoded.value;
    return this.report(decoded.error);
  }

  private number(shape: ShapeNode): unknown {
    const literal = this.numberLiteral();
    if (shape.kind !== 'int') return this.mismatch('number', shape.goType);
    const value = integerOf(literal, shape);
    if (value !== INEXACT) return value ?? this.mismatch(`number ${literal}`, shape.goType);
    const error = this.mismatchText(`number ${literal}`, shape.goType);
    return this.report(
      `${error}: this server keeps integers from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
    );
  }

  /** Any value, as JSON.parse would give it, but a number keeps its literal, and one beyond a double is an error. */
  private anything(): unknown {
    switch (this.token()) {
      case OPEN_OBJECT: {
        const target = {};
        this.members((key) => setOwnProperty(target, key, this.anything()));
        return target;
      }
      case OPEN_ARRAY: {
        const result: unknown[] = [];
        this.items(() => result.push(this.anything()));
        return result;
      }
      case QUOTE:
        return this.string();
      case LOWER_T:
        this.skip();
        return true;
      case LOWER_F:
        this.skip();
        return false;
      case LOWER_N:
        this.skip();
        return null;
      default: {
        const literal = this.numberLiteral();
        if (Number.isFinite(Number(literal))) return exactNumber(literal);
        this.mismatch(`number ${literal}`, 'float64');
        return null;
      }
    }
  }

  private members(visit: (key: string) => void): void {
    this.pos++;
    while (this.token() !== CLOSE_OBJECT) {
      visit(this.key());
      if (this.token() === COMMA) this.pos++;
    }
    this.pos++;
  }

  /** The key that comes next, and the colon behind it. */
  private key(): string {
    const key = this.string();
    this.token();
    this.pos++;
    return key;
  }

  private items(visit: () => void): void {
    this.pos++;
    while (this.token() !== CLOSE_ARRAY) {
      visit();
      if (this.token() === COMMA) this.pos++;
    }
    this.pos++;
  }

  /** Steps over one value. */
  private skip(): void {
    const scanned = scanFirstValue(this.source.subarray(this.pos));
    if (scanned.ok) this.pos += scanned.value[1];
  }

  private string(): string {
    const start = this.pos++;
    let plain = true;
    for (let byte = this.source[this.pos]; byte !== QUOTE; byte = this.source[this.pos]) {
      if (byte === BACKSLASH) {
        plain = false;
        this.pos++;
      }
      this.pos++;
    }
    this.pos++;
    const text = this.source.toString('utf8', start, this.pos);
    return plain ? text.slice(1, -1) : (JSON.parse(text) as string).toWellFormed();
  }

  private numberLiteral(): string {
    const start = this.pos;
    while (isNumeric(this.source[this.pos])) this.pos++;
    return this.source.toString('latin1', start, this.pos);
  }

  /** The next byte that is no space. */
  private token(): number | undefined {
    while (isSpace(this.source[this.pos])) this.pos++;
    return this.source[this.pos];
  }

  private mismatch(found: string, goType: string): typeof MISMATCH {
    return this.report(this.mismatchText(found, goType));
  }

  private mismatchText(found: string, goType: string): string {
    const place = this.struct === '' ? 'Go value' : `Go struct field ${this.struct}.${this.path.join('.')}`;
    return `json: cannot unmarshal ${found} into ${place} of type ${goType}`;
  }

  private report(error: string): typeof MISMATCH {
    this.firstError ??= error;
    return MISMATCH;
  }
}

interface DecodeOptions {
  readonly chunked?: boolean;
}

/**
 * Decodes a request body as Nomad does (spec/http-api §1.1, §7.1): the first JSON value only; keys match in any case; unknown keys are ignored;
 * null is as good as absent. The value holds only the fields that were given, under their canonical names; null elements of lists and maps become
 * empty ones. Errors are texts for a 400. An empty body is one of no length unless the request was `chunked`. Never throws.
 */
export const decodeBody = <T>(raw: Uint8Array, shape: Shape<T>, options: DecodeOptions = {}): Result<T> =>
  atOnce(decodeBodyInSteps(raw, shape, options));

/** The same, a step for each element of the lists that are not far below the top. */
export function* decodeBodyInSteps<T>(
  raw: Uint8Array,
  shape: Shape<T>,
  { chunked = false }: DecodeOptions = {},
): Steps<Result<T>> {
  if (raw.length === 0 && !chunked) return fail('Request body is empty');
  const source = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  const scanned = scanFirstValue(source);
  if (!scanned.ok) return scanned;
  const [start, end] = scanned.value;
  const decoder = new Decoder(source.subarray(0, end), start);
  yield;
  const value = yield* decoder.valueInSteps(shape, undefined, STEPS_DEPTH);
  if (decoder.firstError !== undefined) return fail(decoder.firstError);
  return ok((value === NULL ? zeroOf(shape) : value) as T);
}
