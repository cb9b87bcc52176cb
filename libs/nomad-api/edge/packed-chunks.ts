import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { Chunks } from '@app/streaming';

const deflate = promisify(deflateRaw);
/** Chunks that are compressed at a time: as many as there are threads for it. */
const AT_ONCE = 4;
/** RFC 1952: no name, no time, "fastest", system unknown. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255]);
/** RFC 1951: an empty block, the last one. */
const LAST_BLOCK = [0x03, 0x00];
const TRAILER_BYTES = 10;

interface Packed {
  /** Deflate blocks that look back at nothing before them, up to a byte's border: they may stand after any others. */
  readonly blocks: Buffer;
  readonly crc: number;
}

/** The parts of lists change one by one: those that stay are compressed once. */
const packedParts = new WeakMap<Buffer, Promise<Packed>>();

async function pack(part: Buffer): Promise<Packed> {
  const blocks = await deflate(part, { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH });
  return { blocks, crc: crc32(part) };
}

function packedOf(part: Buffer): Promise<Packed> {
  let packed = packedParts.get(part);
  if (packed === undefined) {
    packed = pack(part);
    packedParts.set(part, packed);
  }
  return packed;
}

/** One gzip member for several chunks, put together of what is known of each. */
export async function gzipChunks({ parts }: Chunks): Promise<Chunks> {
  const packed: Packed[] = [];
  for (let i = 0; i < parts.length; i += AT_ONCE)
    packed.push(...(await Promise.all(parts.slice(i, i + AT_ONCE).map(packedOf))));
  let [crc, length] = [0, 0];
  for (const [i, part] of parts.entries()) {
    crc = combinedCrc(crc, packed[i]!.crc, part.length);
    length += part.length;
  }
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.set(LAST_BLOCK);
  trailer.writeUInt32LE(crc, 2);
  trailer.writeUInt32LE(length % 2 ** 32, 6);
  return new Chunks([HEADER, ...packed.map(({ blocks }) => blocks), trailer]);
}

/** The CRC's polynomial, bits reversed. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;

/** The product of two polynomials modulo the CRC's. */
function product(a: number, b: number): number {
  let [result, factor] = [0, b];
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) result ^= factor;
    factor = (factor & 1) === 0 ? factor >>> 1 : (factor >>> 1) ^ POLYNOMIAL;
  }
  return result >>> 0;
}

/** x^(8·2^n) modulo the CRC's polynomial. */
const POWERS: readonly number[] = (() => {
  const powers = [0x00800000];
  while (powers.length < 32) powers.push(product(powers.at(-1)!, powers.at(-1)!));
  return powers;
})();

/** The CRC of two texts, one after the other, of theirs: the first is shifted by the length of the second. */
export function combinedCrc(first: number, second: number, secondLength: number): number {
  let shift = ONE;
  for (let n = 0; secondLength >= 2 ** n; n++)
    if (Math.floor(secondLength / 2 ** n) % 2 === 1) shift = product(POWERS[n]!, shift);
  return (product(shift, first) ^ second) >>> 0;
}
