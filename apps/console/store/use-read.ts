import { useEffect, useState } from 'preact/hooks';
import { read, type Refused } from './api.ts';
import { onTouched } from './live.ts';

const GATHER_MS = 150;

export interface Reading<T> {
  readonly value: T | undefined;
  readonly error: Refused | undefined;
}

/** Reads now, and again when the stream tells of one of `keys` (ids) or of a topic among `topics`. What was there stays until the new is. */
export function useRead<T>(
  path: string | undefined,
  about: { readonly keys?: readonly string[]; readonly topics?: readonly string[] },
): Reading<T> {
  const [reading, setReading] = useState<Reading<T> & { readonly path?: string | undefined }>({
    value: undefined,
    error: undefined,
  });
  const concerns = JSON.stringify(about);
  useEffect(() => {
    if (path === undefined) return undefined;
    let isOver = false;
    let isReading = false;
    let isStale = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = (): void => {
      if (isReading) {
        isStale = true;
        return;
      }
      isReading = true;
      isStale = false;
      read<T>(path)
        .then(
          (value) => !isOver && setReading({ path, value, error: undefined }),
          (error: Refused) =>
            !isOver &&
            setReading((before) => ({ path, value: before.path === path ? before.value : undefined, error })),
        )
        .finally(() => {
          isReading = false;
          if (isStale && !isOver) soon();
        });
    };
    const soon = (): void => {
      timer ??= setTimeout(() => {
        timer = undefined;
        load();
      }, GATHER_MS);
    };
    const { keys = [], topics = [] } = JSON.parse(concerns) as typeof about;
    const stop = onTouched((touched, isFresh) => {
      if (isFresh || touched.some((one) => topics.includes(one.topic) || one.keys.some((key) => keys.includes(key))))
        soon();
    });
    load();
    return () => {
      isOver = true;
      clearTimeout(timer);
      stop();
    };
  }, [path, concerns]);
  return reading.path === path ? reading : { value: undefined, error: undefined };
}
