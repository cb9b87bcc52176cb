import { useEffect, useState } from 'preact/hooks';
import { readNow } from '../store/api.ts';
import { goMoment, place } from '../store/go.ts';
import type { Event } from './event.ts';
import { historyPath } from './moment.tsx';
import { Ago, Who, Why } from './parts.tsx';
import { indexed, inWords } from './words.ts';

/** What became of something that is not there any more, and the way to how it last was: the log keeps it. */
export function Gone() {
  const path = historyPath(place.value);
  const [events, setEvents] = useState<readonly Event[]>([]);
  useEffect(() => {
    if (path !== undefined) readNow<readonly Event[]>(path).then(setEvents, () => undefined);
  }, [path]);
  const last = events.at(-1);
  if (last === undefined) return null;
  return (
    <p>
      It was there until {indexed(last.Index)}: {inWords(last.Type)} by <Who of={last.Actor} />, <Ago at={last.Time} />{' '}
      <Why of={last.Reason} by={last.Actor} />.{' '}
      <button type="button" onClick={() => goMoment(String(last.Index - 1))}>
        See it as it last was
      </button>
    </p>
  );
}
