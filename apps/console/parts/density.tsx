import { useEffect, useState } from 'preact/hooks';
import type { Density } from '../store/use-events.ts';
import { indexed } from './words.ts';

const WIDTH = 1000;
const HEIGHT = 48;

/** How much happened when, and the way there: what is chosen is the end of what is shown. */
export function DensitySlider({
  of,
  until,
  onUntil,
}: {
  readonly of: Density;
  /** The last commit that is shown; undefined: the newest. */
  readonly until: number | undefined;
  readonly onUntil: (index: number | undefined) => void;
}) {
  const buckets = of.Buckets;
  const last = buckets.length - 1;
  const at =
    until === undefined
      ? last
      : Math.max(
          0,
          buckets.findLastIndex(({ Low }) => Low <= until),
        );
  const [dragged, setDragged] = useState<number | undefined>(undefined);
  useEffect(() => setDragged(undefined), [at]);
  if (buckets.length === 0) return null;
  const most = Math.max(1, ...buckets.map(({ Events }) => Events));
  const width = WIDTH / buckets.length;
  const shown = Math.min(last, dragged ?? at);
  const bucket = buckets[shown]!;
  const time = bucket.To === null ? '' : new Date(bucket.To).toLocaleString();
  return (
    <div class="density">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {buckets.map(({ Low, Events }, n) => {
          const height = Events === 0 ? 0 : Math.max(2, (HEIGHT * Events) / most);
          return (
            <rect
              key={Low}
              class={n <= shown ? 'shown' : ''}
              x={n * width}
              y={HEIGHT - height}
              width={Math.max(1, width - 1)}
              height={height}
            />
          );
        })}
      </svg>
      <input
        type="range"
        aria-label="Up to when"
        aria-valuetext={`${indexed(bucket.High)}, ${time}, ${bucket.Events} events`}
        min={0}
        max={last}
        value={shown}
        onInput={(event) => setDragged(Number(event.currentTarget.value))}
        onChange={(event) => {
          const chosen = Number(event.currentTarget.value);
          onUntil(chosen === last ? undefined : buckets[chosen]!.High);
        }}
      />
      <p class="muted">
        {indexed(bucket.Low)} to {indexed(bucket.High)}, {time}: {bucket.Events.toLocaleString('en')} of{' '}
        {of.Events.toLocaleString('en')} events{of.Complete ? '' : ', the newest of them'}
      </p>
    </div>
  );
}
