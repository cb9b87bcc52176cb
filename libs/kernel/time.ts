/** A position in the log: strictly increasing, gap-free; also `X-Nomad-Index` and every `…Index` field. */
export type Index = number;
/** Microseconds since 1970. Nanoseconds would not fit a double; microseconds do until the year 2255. */
export type TimeUs = number;
/** Nanoseconds since 1970, in decimal digits: the form of Nomad's `CreateTime`, too large for a double. */
export type TimeNs = string;
/** A duration in nanoseconds, as everywhere in Nomad's JSON. Exact as a double up to 104 days, and for round values beyond. */
export type DurationNs = number;

export const US_PER_MS = 1_000;
export const US_PER_S = 1_000_000;

/** Nanoseconds of a duration as microseconds, rounded up so that a timer never fires early. */
export const usFromNs = (ns: DurationNs): number => Math.ceil(ns / 1000);

/** Nomad's integer nanoseconds; zero stays `0`. */
export const nsFromUs = (us: TimeUs): TimeNs => (us === 0 ? '0' : `${us}000`);

/** RFC 3339 with the fraction's trailing zeros trimmed (as Go prints it); the zero time is `null`. */
export function isoFromUs(us: TimeUs): string | null {
  if (us === 0) return null;
  const seconds = Math.floor(us / US_PER_S);
  const fraction = String(us - seconds * US_PER_S)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  return fraction ? `${whole}.${fraction}Z` : `${whole}Z`;
}

/** The inverse of {@link isoFromUs}; `null`, `""` and the year-1 time of older clients are 0. Finer digits are cut off. */
export function usFromRfc3339(text: string | null | undefined): TimeUs {
  if (!text || text.startsWith('0001-')) return 0;
  const match = /^(.{19})(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return 0;
  const ms = Date.parse(`${match[1]}${match[3]}`);
  return Number.isNaN(ms) ? 0 : ms * US_PER_MS + Number((match[2] ?? '').slice(0, 6).padEnd(6, '0'));
}
