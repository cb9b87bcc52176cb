import { useEffect, useState } from 'preact/hooks';
import { done } from './done.ts';
import { readIndexed, readNow, readText, type Indexed, type Refused } from './api.ts';
import { asOf } from './go.ts';
import { toldIndex } from './live.ts';
import { polled, type Reading } from './use-read.ts';

const EVERY_MS = 3_000;
const GONE: ReadonlySet<number> = new Set([403, 404]);

/**
 * Reads what the stream does not tell of, again and again while somebody may look, and at once after an action. Whoever acts has seen it as it was when it
 * was asked for.
 */
export function usePolled<T>(path: string, how: 'as json' | 'as text' = 'as json'): Reading<T> {
  const moment = asOf.value;
  const after = done.value;
  const question = `${path} ${moment}`;
  const [reading, setReading] = useState<Reading<T> & { readonly question?: string }>({
    value: undefined,
    error: undefined,
  });
  useEffect(() => {
    const self = {};
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const next = (): void => void (timer = setTimeout(load, EVERY_MS));
    const load = (): void => {
      if (document.hidden) return next();
      const seen = toldIndex();
      const asked: Promise<Indexed<T>> =
        how === 'as text' ? readText(path).then((text) => ({ value: text as T, index: 0 })) : readIndexed<T>(path);
      asked.then(
        ({ value, index }) => {
          if (isOver) return;
          polled.set(self, Math.max(seen, index));
          setReading({ question, value, error: undefined });
          if (moment === undefined) next();
        },
        (error: Refused) => {
          if (isOver) return;
          // What is gone, or not for this token, stays so; what was read before a fault is shown until it is over.
          const isFinal = GONE.has(error.status);
          setReading((before) => ({
            question,
            value: before.question === question && !isFinal ? before.value : undefined,
            error,
          }));
          if (!isFinal && moment === undefined) next();
        },
      );
    };
    load();
    return () => {
      isOver = true;
      clearTimeout(timer);
      polled.delete(self);
    };
  }, [question, after]);
  return reading.question === question ? reading : { value: undefined, error: undefined };
}

/** What the token of this page may ask for, as rows of the server's table; undefined: not known yet, and the server will say. */
export function useMay(): (row: string) => boolean {
  const [rows, setRows] = useState<ReadonlySet<string> | undefined>(undefined);
  useEffect(() => {
    readNow<{ readonly Requests: readonly string[] }>('/v1/operator/rollbook/may?namespace=*').then(
      ({ Requests }) => setRows(new Set(Requests)),
      () => undefined,
    );
  }, []);
  return (row) => rows?.has(row) ?? true;
}
