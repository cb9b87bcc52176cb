import { isoFromUs } from '@app/kernel';
import { DecodeError } from './decode-error.js';

/** Seconds from year 1 to 1970. */
const UNIX_EPOCH_S = 62_135_596_800n;
const LENGTH = 15;
const UTC_OFFSET = -1;
/** Years 1 to 9999, as RFC 3339 writes them. */
const MAX_SECONDS = 315_537_897_600n;

/** Go's binary form of a time (spec/rpc §5.3) as RFC 3339 in UTC. Empty bytes are the zero time. @throws DecodeError */
export function rfc3339(binary: Buffer): string {
  if (binary.length === 0) return '0001-01-01T00:00:00Z';
  if (binary.length < LENGTH || (binary[0] !== 1 && binary[0] !== 2))
    throw new DecodeError(`: ${binary.length} bytes are no time`);
  const seconds = binary.readBigInt64BE(1);
  const nanoseconds = binary.readInt32BE(9);
  if (seconds < 0n || seconds >= MAX_SECONDS || nanoseconds < 0 || nanoseconds >= 1e9)
    throw new DecodeError(': a time beyond the years 1 to 9999');
  const whole = new Date(Number(seconds - UNIX_EPOCH_S) * 1000).toISOString().slice(0, 19);
  const fraction = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return `${whole}${fraction && '.'}${fraction}Z`;
}

const RFC_3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** A time in Go's binary form. @throws RangeError for what is no RFC 3339 time */
export function goTime(text: string): Buffer {
  const parts = RFC_3339.exec(text);
  const unixMs = parts === null ? NaN : Date.parse(`${parts[1]}${parts[3]}`);
  if (parts === null || Number.isNaN(unixMs)) throw new RangeError(`${text} is not a time in RFC 3339`);
  const binary = Buffer.alloc(LENGTH);
  binary[0] = 1;
  binary.writeBigInt64BE(BigInt(unixMs) / 1000n + UNIX_EPOCH_S, 1);
  binary.writeInt32BE(Number((parts[2] ?? '').padEnd(9, '0')), 9);
  binary.writeInt16BE(UTC_OFFSET, 13);
  return binary;
}

/** A time of ours, in microseconds since 1970, in Go's binary form; 0 is the zero time. */
export const goTimeOfUs = (us: number): Buffer => goTime(isoFromUs(us) ?? '0001-01-01T00:00:00Z');
