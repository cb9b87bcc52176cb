const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** The partition of a key, as Kafka's own clients and kafkajs choose it: murmur2 of its UTF-8. */
export const partitionOf = (key: string, partitions: number): number =>
  (murmur2(Buffer.from(key)) & 0x7fffffff) % partitions;

/** MurmurHash2 with Kafka's seed. (kafkajs computes it with BigInt, for every record.) */
function murmur2(data: Buffer): number {
  const { length } = data;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const word = Math.imul(data.readInt32LE(at), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word ^ (word >>> 24), MULTIPLIER);
  }
  if (at < length) {
    for (let byte = length - 1; byte >= at; byte--) hash ^= data[byte]! << (8 * (byte - at));
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}
