import { streamType, type Index } from '@app/kernel';
import { left, type EventMatch, type Found, type FoundEvent, type Span, type Tallies, type Tally } from '../search.js';

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Whether the reason has a word for each that is asked for. */
function hasWords(reason: string, asked: string): boolean {
  const words = wordsOf(reason);
  const wanted = wordsOf(asked);
  return wanted.length > 0 && wanted.every((one) => words.some((word) => word.startsWith(one)));
}

/** Whether an event is looked for: what the database does by its indexes, said plainly. */
export function matches(event: FoundEvent, { streams, kinds, types, actor, reason }: EventMatch): boolean {
  return (
    (streams?.includes(event.stream) ?? true) &&
    (kinds?.includes(streamType(event.stream)) ?? true) &&
    (types?.includes(event.type) ?? true) &&
    (actor === undefined || event.meta.actor === actor) &&
    (reason === undefined || hasWords(event.meta.reason ?? '', reason))
  );
}

/** @param all the log, in its order */
export function searchIn(all: readonly FoundEvent[], match: EventMatch, span: Span, limit: number): Found {
  const { low, high, cut } = left(span);
  const isBehind = ({ index, seq }: FoundEvent): boolean => {
    if (cut?.seq === undefined || index !== cut.index) return true;
    return span.descending ? seq < cut.seq : seq > cut.seq;
  };
  const fitting = all.filter(
    (event) => event.index >= low && event.index <= high && isBehind(event) && matches(event, match),
  );
  const events = (span.descending ? fitting.reverse() : fitting).slice(0, limit);
  const last = events.at(-1);
  return {
    events,
    reached: last === undefined || events.length < limit ? undefined : { index: last.index, seq: last.seq },
  };
}

export function countIn(
  all: readonly FoundEvent[],
  match: EventMatch,
  edges: readonly Index[],
  byNamespace: boolean,
): Tallies {
  const tallies = new Map<string, Tally>();
  for (const event of all) {
    const bucket = edges.findLastIndex((edge) => edge < event.index);
    if (bucket < 0 || bucket >= edges.length - 1 || !matches(event, match)) continue;
    const names = byNamespace
      ? { kind: streamType(event.stream), namespace: event.namespace }
      : { kind: '', namespace: '' };
    const key = JSON.stringify([bucket, names]);
    tallies.set(key, { bucket, ...names, events: (tallies.get(key)?.events ?? 0) + 1 });
  }
  return { tallies: [...tallies.values()], isComplete: true };
}
