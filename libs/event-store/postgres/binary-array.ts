// The binary form of Postgres arrays: dimensions, has-null flag, element type; then length and lower bound of the one dimension; then each
// element behind its length (-1 for null). Against arrays as text it saves the escaping of every quote of JSON here and its parsing there.

const TEXT = 25;
const INT4 = 23;
const INT8 = 20;
const EMPTY_HEADER = 12;
const HEADER = 20;
const TWO_TO_32 = 2 ** 32;

/** A `text[]` parameter. */
export function textArray(values: readonly (string | null)[]): Buffer {
  const lengths = values.map((value) => (value === null ? -1 : Buffer.byteLength(value)));
  let size = 0;
  let hasNull = false;
  for (const length of lengths) {
    if (length < 0) hasNull = true;
    else size += length;
  }
  const buffer = header(TEXT, values.length, size + 4 * values.length, hasNull);
  let offset = HEADER;
  for (const [position, value] of values.entries()) {
    offset = buffer.writeInt32BE(lengths[position] ?? -1, offset);
    if (value !== null) offset += buffer.write(value, offset);
  }
  return buffer;
}

/** An `int[]` parameter. */
export function intArray(values: readonly number[]): Buffer {
  const buffer = header(INT4, values.length, 8 * values.length);
  let offset = HEADER;
  for (const value of values) {
    offset = buffer.writeInt32BE(4, offset);
    offset = buffer.writeInt32BE(value, offset);
  }
  return buffer;
}

/** A `bigint[]` parameter from safe integers. */
export function bigintArray(values: readonly number[]): Buffer {
  const buffer = header(INT8, values.length, 12 * values.length);
  let offset = HEADER;
  for (const value of values) {
    const high = Math.floor(value / TWO_TO_32);
    offset = buffer.writeInt32BE(8, offset);
    offset = buffer.writeInt32BE(high, offset);
    offset = buffer.writeUInt32BE(value - high * TWO_TO_32, offset);
  }
  return buffer;
}

function header(elementType: number, length: number, elementsSize: number, hasNull = false): Buffer {
  const buffer = Buffer.allocUnsafe(length === 0 ? EMPTY_HEADER : HEADER + elementsSize);
  buffer.writeInt32BE(length === 0 ? 0 : 1, 0);
  buffer.writeInt32BE(hasNull ? 1 : 0, 4);
  buffer.writeInt32BE(elementType, 8);
  if (length > 0) {
    buffer.writeInt32BE(length, 12);
    buffer.writeInt32BE(1, 16);
  }
  return buffer;
}
