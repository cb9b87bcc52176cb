import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { objectAddress } from '../address/address.ts';
import { go } from '../store/go.ts';
import { theme } from '../store/settings.ts';
import { isCanary, lookOf, type Allocation, type Look } from './looks.ts';

const SIZES = [8, 12, 16, 24] as const;
const FIRST_SIZE = 12;

/** What the picture shows, so that only the rest is drawn. */
interface Drawn {
  /** Everything that all cells depend on. */
  key: string;
  cells: Allocation[];
  stamps: Map<string, CanvasPattern>;
}

/** Many allocations as one picture: a cell keeps its place, and only what changed is drawn again. The arrows move the cursor. */
export function Grid({
  allocations,
  label,
  describe,
}: {
  readonly allocations: readonly Allocation[];
  readonly label: string;
  readonly describe: (one: Allocation) => string;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<Drawn>({ key: '', cells: [], stamps: new Map() });
  const [width, setWidth] = useState(0);
  const [size, setSize] = useState<number>(FIRST_SIZE);
  const [cursor, setCursor] = useState(0);
  const columns = Math.max(1, Math.floor(width / size));
  const rows = Math.ceil(allocations.length / columns);
  useLayoutEffect(() => {
    const seen = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    seen.observe(frame.current!);
    return () => seen.disconnect();
  }, []);
  useEffect(() => {
    if (width === 0) return;
    const from = performance.now();
    let newest = 0;
    for (const { JobVersion } of allocations) newest = Math.max(newest, JobVersion);
    const key = [
      newest,
      columns,
      rows,
      size,
      devicePixelRatio,
      theme.value,
      matchMedia('(prefers-color-scheme: dark)').matches,
    ].join();
    const count = draw(canvas.current!, allocations, { newest, columns, rows, size }, drawn.current, key);
    drawn.current.key = key;
    performance.measure(`grid ${count}`, { start: from, end: performance.now() });
  });
  const at = Math.min(cursor, allocations.length - 1);
  const pointed = allocations[at];
  const move = (event: KeyboardEvent): void => {
    const steps = new Map([
      ['ArrowLeft', -1],
      ['ArrowRight', 1],
      ['ArrowUp', -columns],
      ['ArrowDown', columns],
      ['Home', -at],
      ['End', allocations.length - 1 - at],
    ]);
    const step = steps.get(event.key);
    if (event.key === 'Enter' && pointed) return go(objectAddress('allocations', pointed.ID));
    if (step === undefined) return;
    event.preventDefault();
    setCursor(Math.max(0, Math.min(allocations.length - 1, at + step)));
  };
  const cellAt = ({ offsetX, offsetY }: MouseEvent): number =>
    Math.min(columns - 1, Math.floor(offsetX / size)) + Math.floor(offsetY / size) * columns;
  return (
    <>
      <div
        ref={frame}
        class="grid"
        role="grid"
        tabIndex={0}
        aria-label={label}
        aria-rowcount={rows}
        aria-colcount={columns}
        aria-activedescendant="grid-cursor"
        onKeyDown={move}
      >
        <canvas
          ref={canvas}
          aria-hidden="true"
          onPointerMove={(event) => {
            const cell = cellAt(event);
            if (cell < allocations.length) setCursor(cell);
          }}
          onClick={(event) => {
            const one = allocations[cellAt(event)];
            if (one) go(objectAddress('allocations', one.ID));
          }}
        />
        <div role="row" aria-rowindex={Math.floor(at / columns) + 1} class="hidden">
          <span role="gridcell" id="grid-cursor" aria-colindex={(at % columns) + 1}>
            {pointed && describe(pointed)}
          </span>
        </div>
      </div>
      <p class="row">
        <span class="grow" aria-hidden="true">
          {pointed && (
            <>
              <code>
                {(at + 1).toLocaleString('en')} of {allocations.length.toLocaleString('en')}
              </code>{' '}
              {describe(pointed)}
            </>
          )}
        </span>
        {SIZES.map((one) => (
          <button
            key={one}
            type="button"
            class="small"
            aria-pressed={one === size}
            aria-label={`Cells of ${one} pixels`}
            onClick={() => setSize(one)}
          >
            {one}
          </button>
        ))}
      </p>
    </>
  );
}

/** Draws the cells whose look has changed. Returns how many. */
function draw(
  canvas: HTMLCanvasElement,
  allocations: readonly Allocation[],
  { newest, columns, rows, size }: Readonly<Record<'newest' | 'columns' | 'rows' | 'size', number>>,
  drawn: Drawn,
  key: string,
): number {
  const pen = canvas.getContext('2d')!;
  const scale = devicePixelRatio;
  const isAnew = drawn.key !== key;
  if (isAnew) {
    canvas.width = columns * size * scale;
    canvas.height = rows * size * scale;
    pen.scale(scale, scale);
    drawn.cells = [];
    drawn.stamps = new Map();
    // The style sheet may not be on the element, but its size may.
    canvas.style.setProperty('width', `${columns * size}px`);
    canvas.style.setProperty('height', `${rows * size}px`);
  }
  let count = 0;
  // Cells that look alike and stand side by side are drawn as one strip.
  let strip: { readonly stamp: CanvasPattern; readonly from: number } | undefined;
  const end = (at: number): void => {
    if (strip === undefined) return;
    const [x, y] = [(strip.from % columns) * size, Math.floor(strip.from / columns) * size];
    const width = (at - strip.from) * size;
    if (!isAnew) pen.clearRect(x, y, width, size);
    pen.fillStyle = strip.stamp;
    pen.fillRect(x, y, width, size);
    strip = undefined;
  };
  for (let at = 0; at < allocations.length; at++) {
    const one = allocations[at]!;
    if (strip !== undefined && at % columns === 0) end(at);
    // Objects are replaced when they change, never altered.
    if (drawn.cells[at] === one) {
      end(at);
      continue;
    }
    drawn.cells[at] = one;
    count++;
    const kind = lookOf(one) + (isCanary(one) ? ' canary' : '') + (newest > one.JobVersion ? ' old' : '');
    let stamp = drawn.stamps.get(kind);
    if (stamp === undefined) {
      stamp = pen.createPattern(stampOf(one, newest - one.JobVersion, size, getComputedStyle(canvas)), 'repeat')!;
      stamp.setTransform(new DOMMatrix().scale(1 / scale));
      drawn.stamps.set(kind, stamp);
    }
    if (strip?.stamp === stamp) continue;
    end(at);
    strip = { stamp, from: at };
  }
  end(allocations.length);
  for (let at = allocations.length; at < drawn.cells.length; at++)
    pen.clearRect((at % columns) * size, Math.floor(at / columns) * size, size, size);
  drawn.cells.length = allocations.length;
  return count;
}

/** The picture of one kind of cell: shape and colour by its health, hatched if its version is an older one, a corner off if it is a canary. */
function stampOf(one: Allocation, age: number, size: number, colours: CSSStyleDeclaration): HTMLCanvasElement {
  const stamp = document.createElement('canvas');
  stamp.width = stamp.height = size * devicePixelRatio;
  const pen = stamp.getContext('2d')!;
  pen.scale(devicePixelRatio, devicePixelRatio);
  const look: Look = lookOf(one);
  const ground = colours.getPropertyValue('--ground');
  pen.fillStyle = pen.strokeStyle = colours.getPropertyValue(`--${look}`);
  const s = size - 1;
  pen.lineWidth = Math.max(1, size / 8);
  if (look === 'healthy' || look === 'failed') {
    pen.beginPath();
    pen.moveTo(0, 0);
    pen.lineTo(isCanary(one) ? s * 0.55 : s, 0);
    if (isCanary(one)) pen.lineTo(s, s * 0.45);
    pen.lineTo(s, s);
    pen.lineTo(0, s);
    pen.fill();
    pen.clip();
  }
  if (look === 'running') {
    pen.beginPath();
    pen.arc(s / 2, s / 2, s / 2 - pen.lineWidth, 0, 2 * Math.PI);
    pen.stroke();
  }
  if (look === 'lost') line(pen, [1, s - 1, s - 1, 1]);
  if (look === 'failed') {
    pen.strokeStyle = ground;
    line(pen, [s * 0.25, s * 0.25, s * 0.75, s * 0.75]);
    line(pen, [s * 0.75, s * 0.25, s * 0.25, s * 0.75]);
  } else if (age > 0 && look === 'healthy') {
    pen.strokeStyle = ground;
    pen.lineWidth = 1;
    for (let x = -s; x < s; x += 3) line(pen, [x, s, x + s, 0]);
  }
  return stamp;
}

function line(pen: CanvasRenderingContext2D, [x1, y1, x2, y2]: readonly [number, number, number, number]): void {
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
  pen.stroke();
}
