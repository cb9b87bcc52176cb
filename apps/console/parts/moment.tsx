import { duration } from '@app/story';
import { useEffect, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import type { Place } from '../address/address.ts';
import { readNow, readText, shownIndex } from '../store/api.ts';
import { asOf, goMoment, place } from '../store/go.ts';
import { head, now } from '../store/live.ts';
import { indexed } from './words.ts';

/** Whether the way to other moments is open; in the past it always is. */
export const isMomentOpen = signal(false);

const MINUTE_MS = 60_000;
const SETTLE_MS = 120;
const LOOKED_BACK = 50;

/** The history of what a page is about; undefined: it is about everything. */
export function historyPath(at: Place): string | undefined {
  switch (at.page) {
    case 'job':
      return `/v1/operator/rollbook/history/job/${encodeURIComponent(at.id)}?namespace=${encodeURIComponent(at.namespace)}`;
    case 'deployment':
    case 'allocation':
    case 'evaluation':
    case 'node':
      return `/v1/operator/rollbook/history/${at.page}/${encodeURIComponent(at.id)}`;
    default:
      return undefined;
  }
}

/** The indexes at which something happened to what the page is about; undefined: every index is one. */
function useStops(): readonly number[] | undefined {
  const path = historyPath(place.value);
  const [stops, setStops] = useState<readonly number[] | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    setStops(undefined);
    if (path !== undefined)
      readNow<readonly { readonly Index: number }[]>(path).then(
        (events) => !isOver && setStops([...new Set(events.map(({ Index }) => Index))]),
        () => undefined,
      );
    return () => {
      isOver = true;
    };
  }, [path]);
  return stops !== undefined && stops.length > 0 ? stops : undefined;
}

/** When the newest commit up to an index was made, ms since the epoch; undefined: not known (yet). */
function useTime(index: number): number | undefined {
  const [known, setKnown] = useState<{ readonly index: number; readonly ms: number } | undefined>(undefined);
  useEffect(() => {
    if (index < 1) return undefined;
    let isOver = false;
    readText(
      `/v1/event/stream?namespace=*&topic=*&meta=true&payload=stub&index=${Math.max(1, index - LOOKED_BACK)}&to=${index}`,
    ).then(
      (text) => {
        const last = text.split('\n').findLast((line) => line.startsWith('{"Index"'));
        const time = last && (JSON.parse(last) as { readonly Meta?: { readonly Time: string } }).Meta?.Time;
        if (!isOver && time) setKnown({ index, ms: Date.parse(time) });
      },
      () => undefined,
    );
    return () => {
      isOver = true;
    };
  }, [index]);
  return known?.index === index ? known.ms : undefined;
}

/** Which moment the page shows, and the way to others: by event, by minute, by index or time. */
export function MomentBar() {
  const isPast = asOf.value !== undefined;
  return isPast || isMomentOpen.value ? <Bar isPast={isPast} /> : null;
}

function Bar({ isPast }: { readonly isPast: boolean }) {
  const stops = useStops();
  const field = useRef<HTMLInputElement>(null);
  const settle = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const at = isPast ? shownIndex.value : head.value;
  const time = useTime(isPast ? at : -1);
  const [dragged, setDragged] = useState<number | undefined>(undefined);
  useEffect(() => {
    setDragged(undefined);
  }, [at]);
  // Positions are events of the object, or indexes of the log.
  const last = stops ? stops.length - 1 : Math.max(1, head.value);
  const indexOf = (position: number): number => (stops ? (stops[position] ?? head.value) : position);
  const position = stops
    ? Math.max(
        0,
        stops.findLastIndex((index) => index <= at),
      )
    : Math.max(1, at);
  const shown = dragged ?? position;
  const visit = (to: number, isStep = true): void => {
    const next = Math.max(stops ? 0 : 1, Math.min(last, to));
    setDragged(next);
    clearTimeout(settle.current);
    settle.current = setTimeout(() => goMoment(String(indexOf(next)), isStep), isStep ? SETTLE_MS : 0);
  };
  const byMinutes = (minutes: number): void => {
    const from = time ?? now.value;
    const to = from + minutes * MINUTE_MS;
    goMoment(to >= now.value ? undefined : new Date(to).toISOString());
  };
  return (
    <div class={isPast ? 'moment past' : 'moment'} role="region" aria-label="Moment">
      <p class="grow">
        {isPast ? (
          <strong>
            As of {indexed(at)}
            {time !== undefined && (
              <>
                , <time dateTime={new Date(time).toISOString()}>{new Date(time).toLocaleString()}</time>,{' '}
                {duration((now.value - time) / 1000)} ago
              </>
            )}
          </strong>
        ) : (
          <span class="muted">Now. Move back to see this page as it was.</span>
        )}
      </p>
      <div class="row">
        <button type="button" class="small" onClick={() => byMinutes(-1)}>
          −1 min
        </button>
        <button
          type="button"
          class="small"
          data-key="["
          aria-label="An event back"
          disabled={shown <= (stops ? 0 : 1)}
          onClick={() => visit(isPast || !stops ? shown - 1 : last - 1)}
        >
          ◀
        </button>
        <input
          type="range"
          aria-label={stops ? 'Event' : 'Index'}
          aria-valuetext={indexed(indexOf(shown))}
          min={stops ? 0 : 1}
          max={last}
          value={isPast || dragged !== undefined ? shown : last}
          onInput={(event) => visit(Number(event.currentTarget.value))}
        />
        <button
          type="button"
          class="small"
          data-key="]"
          aria-label="An event on"
          disabled={!isPast || shown >= last}
          onClick={() => visit(shown + 1)}
        >
          ▶
        </button>
        <button type="button" class="small" disabled={!isPast} onClick={() => byMinutes(1)}>
          +1 min
        </button>
        <form
          class="row"
          onSubmit={(event) => {
            event.preventDefault();
            const text = field.current!.value.trim().replace(/^#|,/g, '');
            if (/^\d{1,15}$/.test(text)) goMoment(text);
            else if (!Number.isNaN(Date.parse(text))) goMoment(new Date(text).toISOString());
            else field.current!.setCustomValidity('an index or a time');
            field.current!.reportValidity();
          }}
        >
          <input
            ref={field}
            id="moment"
            class="narrow"
            aria-label="Index or time"
            placeholder="index or time"
            autocomplete="off"
            onInput={(event) => event.currentTarget.setCustomValidity('')}
          />
          <button type="submit" class="small">
            Go
          </button>
        </form>
        <button type="button" class="small" disabled={!isPast} onClick={() => goMoment(undefined)}>
          Now
        </button>
      </div>
    </div>
  );
}
