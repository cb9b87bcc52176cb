import { useEffect, useState } from 'preact/hooks';
import { readIndexed, type Refused } from './api.ts';
import type { Touched } from './follow.ts';
import { asOf } from './go.ts';
import { onTouched, toldIndex } from './live.ts';

/** Between two readings of the same. */
const GATHER_MS = 150;

export interface Reading<T> {
  readonly value: T | undefined;
  readonly error: Refused | undefined;
}

/** Readings that the stream has outrun, each with the first commit that it does not show. */
const outrun = new Map<object, number>();
/** The index of the newest answer; -1: none has told one. */
let newest = -1;
/** Up to which commit each reading that is made again and again shows everything, whatever the stream tells. */
export const polled = new Map<object, number>();

/** Up to which commit everything on the page is shown: what a person has seen who acts now. */
export const seenIndex = (): number => {
  // Until the stream has told anything the page is as new as its newest answer.
  const told = toldIndex() < 0 ? newest : toldIndex();
  const shown = polled.size > 0 ? [...polled.values()] : [told];
  return Math.min(...shown, ...[...outrun.values()].map((index) => index - 1));
};

interface Upkeep<T> {
  readonly concerns: (touched: Touched) => boolean;
  /** Milliseconds between two readings. */
  readonly every?: number;
  /** Takes what the stream tells into what was read; absent: it is read again. */
  readonly fold?: (value: T, index: number, touched: readonly Touched[]) => T;
}

function useKept<T>(path: string | undefined, concerns: string, upkeep: Upkeep<T>): Reading<T> {
  const moment = asOf.value;
  const question = `${path} ${moment}`;
  const [reading, setReading] = useState<Reading<T> & { readonly question?: string }>({
    value: undefined,
    error: undefined,
  });
  useEffect(() => {
    if (path === undefined) return undefined;
    const self = {};
    let isOver = false;
    let isReading = false;
    let isStale = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let readAt = -Infinity;
    let known: { value: T; index: number } | undefined;
    let waiting: Touched[] = [];
    /** The first commit that came during the reading, and that its answer may lack. */
    let missed: number | undefined;
    const show = (value: T): void => setReading({ question, value, error: undefined });
    const load = (): void => {
      isReading = true;
      isStale = false;
      readAt = performance.now();
      readIndexed<T>(path)
        .then(
          ({ value, index }) => {
            if (isOver) return;
            // What the stream told while the answer was under way is newer than it, or in it already.
            known = { value: upkeep.fold?.(value, index, waiting) ?? value, index };
            if (index > 0) newest = Math.max(newest, index);
            show(known.value);
          },
          (error: Refused) => {
            if (isOver) return;
            known = undefined;
            setReading((before) => ({
              question,
              value: before.question === question ? before.value : undefined,
              error,
            }));
          },
        )
        .finally(() => {
          isReading = false;
          waiting = [];
          outrun.delete(self);
          if (isOver || !isStale) return;
          if (missed !== undefined) outrun.set(self, missed);
          missed = undefined;
          soon();
        });
    };
    const soon = (): void => {
      if (isReading) {
        isStale = true;
        return;
      }
      timer ??= setTimeout(
        () => {
          timer = undefined;
          load();
        },
        Math.max(0, readAt + (upkeep.every ?? GATHER_MS) - performance.now()),
      );
    };
    load();
    // The past stays as it was.
    const stop =
      moment !== undefined
        ? () => undefined
        : onTouched((all, isFresh, from) => {
            const touched = all.filter(upkeep.concerns);
            if (!isFresh && touched.length === 0) return;
            const { fold } = upkeep;
            const isFoldable = !isFresh && fold !== undefined && touched.every(({ object }) => object);
            // What is asked at intervals is advice, not what a person acts upon.
            const lacking = isFresh && from > 0 ? from : touched[0]?.index;
            const first = upkeep.every === undefined ? lacking : undefined;
            if (isReading) {
              waiting.push(...touched);
              if (isFoldable) return;
              isStale = true;
              missed ??= first;
            } else if (isFoldable && known !== undefined) {
              known = { value: fold(known.value, known.index, touched), index: known.index };
              show(known.value);
            } else {
              if (first !== undefined && !outrun.has(self)) outrun.set(self, first);
              soon();
            }
          });
    return () => {
      isOver = true;
      clearTimeout(timer);
      outrun.delete(self);
      stop();
    };
  }, [question, concerns]);
  return reading.question === question ? reading : { value: undefined, error: undefined };
}

/** Reads now, and again when the stream tells of one of `keys` (ids) or of a topic among `topics`. What was there stays until the new is. */
export function useRead<T>(
  path: string | undefined,
  {
    keys = [],
    topics = [],
    every,
  }: { readonly keys?: readonly string[]; readonly topics?: readonly string[]; readonly every?: number },
): Reading<T> {
  return useKept<T>(path, JSON.stringify([keys, topics]), {
    ...(every !== undefined && { every }),
    concerns: (one) => topics.includes(one.topic) || one.keys.some((key) => keys.includes(key)),
  });
}

/** Reads a list of objects once, and then takes in what the stream tells of `topic`; `of`: the job or deployment they are of. */
export function useList<T extends { readonly ID: string }>(
  path: string,
  topic: 'Allocation' | 'Deployment',
  of?: { readonly key: string; readonly namespace?: string },
): Reading<readonly T[]> {
  return useKept<readonly T[]>(path, JSON.stringify([topic, of]), {
    // The end of a job takes its objects from the lists, which the stream tells by the job alone.
    concerns: (one) =>
      (one.topic === topic || one.topic === 'Job') &&
      (of === undefined ||
        (one.keys.includes(of.key, one.topic === 'Job' ? 0 : 1) &&
          (of.namespace === undefined || one.namespace === of.namespace))),
    fold: foldList,
  });
}

/** The list as it is after what was told: newer objects in the place of older ones, new ones at the end. */
export function foldList<T extends { readonly ID: string }>(
  list: readonly T[],
  index: number,
  touched: readonly Touched[],
): readonly T[] {
  const newer = new Map<string, T>();
  for (const one of touched) if (one.index > index && one.object) newer.set(one.keys[0]!, one.object as T);
  if (newer.size === 0) return list;
  const kept = list.map((one) => {
    const next = newer.get(one.ID);
    if (next !== undefined) newer.delete(one.ID);
    return next ?? one;
  });
  return newer.size === 0 ? kept : [...kept, ...newer.values()];
}
