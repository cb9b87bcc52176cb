import { gunzipSync, crc32 } from 'node:zlib';
import { Chunks } from '@app/streaming';
import { combinedCrc, gzipChunks } from './packed-chunks.js';

describe('Chunks in gzip', () => {
  const parts = Array.from({ length: 23 }, (_, n) => Buffer.from(`${n} `.repeat(n * 317)));

  test('are one member, of what was known of each chunk', async () => {
    const packed = await gzipChunks(new Chunks(parts));
    expect(gunzipSync(packed.toBuffer()).equals(Buffer.concat(parts))).toBe(true);
    expect(packed.length).toBe(packed.toBuffer().length);
  });

  test('share the compressed form of a chunk that another list has, too', async () => {
    const [one, other] = await Promise.all([
      gzipChunks(new Chunks(parts)),
      gzipChunks(new Chunks([Buffer.from('another'), ...parts])),
    ]);
    expect(other.parts[5]).toBe(one.parts[4]);
    expect(gunzipSync(other.toBuffer()).toString()).toBe(`another${Buffer.concat(parts).toString()}`);
  });

  test('of nothing at all is an empty text', async () => {
    expect(gunzipSync((await gzipChunks(new Chunks([]))).toBuffer())).toHaveLength(0);
  });

  test.each([0, 1, 2, 255, 256, 70_000])('the CRC of two texts is known from those of both: %i bytes', (bytes) => {
    const [first, second] = [Buffer.from('the first'), Buffer.alloc(bytes, 'second')];
    expect(combinedCrc(crc32(first), crc32(second), bytes)).toBe(crc32(Buffer.concat([first, second])));
  });
});
