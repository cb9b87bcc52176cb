import { useEffect, useRef, useState } from 'preact/hooks';
import type { Event } from '../parts/event.ts';
import { readText, Refused } from './api.ts';
import type { Touched } from './follow.ts';
import { asOf } from './go.ts';
import { onTouched } from './live.ts';
import type { Reading } from './use-read.ts';

const EVENTS = '/v1/operator/rollbook/events';
/** Between two readings of what moves. */
const EVERY_MS = 500;
const CUT_OFF = 502;

/** An event as the search of the log tells it. */
export interface ToldEvent extends Event {
  readonly Seq: number;
  /** `<kind>/<id>`, `job/<namespace>/<id>`. */
  readonly About: string;
  readonly Namespace: string;
}

export interface EventPage {
  /** The newest first. */
  readonly events: readonly ToldEvent[];
  /** Where the next page begins; empty: there is none. */
  readonly next: string;
  /** Events among these that may not be seen. */
  readonly hidden: number;
  /** The last commit there was. */
  readonly head: number;
}

export interface Density {
  readonly Events: number;
  readonly Hidden: number;
  readonly Complete: boolean;
  readonly Buckets: readonly {
    readonly Low: number;
    readonly High: number;
    readonly From: string | null;
    readonly To: string | null;
    readonly Events: number;
  }[];
}

export type Parameters = readonly (readonly [name: string, value: string])[];

/** Nothing that came after the moment that the page shows. */
function untilMoment(parameters: Parameters): Parameters {
  const moment = asOf.value;
  if (moment === undefined || parameters.some(([name]) => name === 'before')) return parameters;
  const isIndex = /^\d+$/.test(moment);
  const before = isIndex ? String(Number(moment) + 1) : new Date(Date.parse(moment) + 1).toISOString();
  return [...parameters, ['before', before]];
}

const textOf = (parameters: Parameters): string =>
  new URLSearchParams(untilMoment(parameters).map(([name, value]) => [name, value])).toString();

export const densityPath = (parameters: Parameters): string => `${EVENTS}/density?${textOf(parameters)}`;

/** @throws Refused */
export async function readEvents(parameters: Parameters): Promise<EventPage> {
  const lines = (await readText(`${EVENTS}?order=desc&${textOf(parameters)}`)).trimEnd().split('\n');
  const end = JSON.parse(lines.pop() || '{}') as Partial<{ Next: string; Hidden: number; Index: number }>;
  if (end.Next === undefined) throw new Refused(CUT_OFF, 'the answer was cut off');
  return {
    events: lines.map((line) => JSON.parse(line) as ToldEvent),
    next: end.Next,
    hidden: end.Hidden ?? 0,
    head: end.Index ?? 0,
  };
}

/** Reads something now, and again, at intervals, when the stream tells of what `concerns` it. */
export function useMoving<T>(
  question: string,
  read: () => Promise<T>,
  concerns: (touched: Touched) => boolean,
  every = EVERY_MS,
): Reading<T> {
  const moment = asOf.value;
  const asked = `${question} ${moment}`;
  const [reading, setReading] = useState<Reading<T> & { readonly asked?: string }>({
    value: undefined,
    error: undefined,
  });
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    let isOver = false;
    let isReading = false;
    let isStale = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = (): void => {
      timer = undefined;
      isReading = true;
      isStale = false;
      latest
        .current()
        .then(
          (value) => !isOver && setReading({ asked, value, error: undefined }),
          (error: Refused) =>
            !isOver &&
            setReading((before) => ({ asked, value: before.asked === asked ? before.value : undefined, error })),
        )
        .finally(() => {
          isReading = false;
          if (isStale && !isOver) soon();
        });
    };
    const soon = (): void => {
      if (isReading) isStale = true;
      else timer ??= setTimeout(load, every);
    };
    load();
    // The past stays as it was.
    const stop =
      moment !== undefined
        ? () => undefined
        : onTouched((all, isFresh) => {
            if (isFresh || all.some(concerns)) soon();
          });
    return () => {
      isOver = true;
      clearTimeout(timer);
      stop();
    };
  }, [asked]);
  return reading.asked === asked ? reading : { value: undefined, error: undefined };
}
