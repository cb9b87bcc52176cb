import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { chromium, type Browser, type CDPSession, type Page } from 'playwright-core';
import { startServerProcess } from '../support/server-process.js';
import { ConsoleCluster } from './console-cluster.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const ALLOCATIONS = Number(process.env['ALLOCATIONS'] ?? 10_000);
const PER_SECOND = 50;
/** How long events come; half an hour of them is `SECONDS=1800`. */
const LIVE_S = Number(process.env['SECONDS'] ?? 30);
const SLOWED = 4;
const SINGLE_CHANGES = 20;
const KEYS = 40;

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** At most. */
  readonly wanted: number;
}
const figures: Figure[] = [];
const note = (what: string, value: number, unit: string, wanted: number): void =>
  void figures.push({ what, value, unit, wanted });
const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

/** Looks at long tasks and slow events from the first line of the page on. */
const WATCHER = `
  globalThis.longTasks = []; globalThis.inputs = [];
  new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((one) => one.duration))).observe({ type: 'longtask', buffered: true });
  new PerformanceObserver((list) => inputs.push(...list.getEntries().filter((one) => one.interactionId > 0).map((one) => one.duration))).observe({ type: 'event', durationThreshold: 16, buffered: true });
`;

/** `npm run bench -- console`: the page with many allocations and many events, against what it may cost. */
export async function run(): Promise<void> {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no Chromium at ${CHROMIUM}`);
  const server = await startServerProcess({ env: { ROLLBOOK_DEV_NODES: '0' } });
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--js-flags=--expose-gc', '--enable-precise-memory-info'],
  });
  try {
    await firstLoad(browser, server.url);
    const cluster = new ConsoleCluster(server);
    await cluster.fill(ALLOCATIONS);
    await grid(browser, server.url, cluster);
  } finally {
    await browser.close();
    await server.stop();
  }
  report();
}

/** The empty board, on a processor slowed down. */
async function firstLoad(browser: Browser, url: string): Promise<void> {
  const { page, devtools } = await open(browser);
  let bytes = 0;
  let requests = 0;
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    requests++;
  });
  await devtools.send('Network.enable');
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWED });
  await page.goto(`${url}/ui/`);
  await page.locator('h1').waitFor();
  const usable = await page.evaluate(() => performance.now());
  const painted = await page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
  );
  note('first load', bytes / 1000, 'kB', 140);
  note('requests of the first load', requests, '', 6);
  note(`first contentful paint, processor ${SLOWED}x slower`, painted, 'ms', 700);
  note(`board usable, processor ${SLOWED}x slower`, usable, 'ms', 1300);
  await page.context().close();
}

async function grid(browser: Browser, url: string, cluster: ConsoleCluster): Promise<void> {
  const { page, devtools } = await open(browser);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWED });
  await page.goto(`${url}/ui/jobs/many@default`);
  await page.getByRole('grid').waitFor({ timeout: 60_000 });
  await page.getByText(`${ALLOCATIONS.toLocaleString('en')} healthy`).waitFor({ timeout: 60_000 });
  const draws = async (count: number): Promise<readonly { readonly end: number; readonly duration: number }[]> =>
    page.evaluate(
      (name) =>
        performance
          .getEntriesByName(name)
          .map((one) => ({ end: performance.timeOrigin + one.startTime + one.duration, duration: one.duration })),
      `grid ${count}`,
    );
  note(`first draw of ${ALLOCATIONS} slots, ${SLOWED}x slower`, (await draws(ALLOCATIONS))[0]!.duration, 'ms', 250);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  await page.getByRole('button', { name: 'Cells of 16 pixels' }).click();
  await delay(500);
  note('full redraw', (await draws(ALLOCATIONS)).at(-1)!.duration, 'ms', 8);

  const latencies: number[] = [];
  for (let n = 0; n < SINGLE_CHANGES; n++) {
    const before = (await draws(1)).length;
    const sent = Date.now();
    await cluster.change();
    for (const end = Date.now() + 5000; (await draws(1)).length === before && Date.now() < end;) await delay(10);
    latencies.push((await draws(1)).at(-1)!.end - sent);
  }
  note(
    'one change drawn, median',
    quantile(
      (await draws(1)).map(({ duration }) => duration),
      0.5,
    ),
    'ms',
    1,
  );
  note('event sent to pixel, p95', quantile(latencies, 0.95), 'ms', 150);
  const atRest = await heap(devtools);
  note('heap at rest', atRest.megabytes, 'MB', 90);
  note('DOM nodes', atRest.nodes, '', 3000);

  await page.evaluate('longTasks.length = 0; inputs.length = 0');
  const busyBefore = await taskSeconds(devtools);
  const begun = performance.now();
  const changes: Promise<void>[] = [];
  const pressing = press(page);
  for (let n = 0; performance.now() - begun < LIVE_S * 1000; n++) {
    const due = begun + (n * 1000) / PER_SECOND;
    if (due > performance.now()) await delay(due - performance.now());
    changes.push(cluster.change());
  }
  await Promise.all([...changes, pressing]);
  const seconds = (performance.now() - begun) / 1000;
  const busy = (await taskSeconds(devtools)) - busyBefore;
  const longTasks = await page.evaluate<number[]>('longTasks');
  const inputs = await page.evaluate<number[]>('inputs');
  note(`main thread per frame at ${PER_SECOND} events/s`, (busy / seconds / 60) * 1000, 'ms', 8);
  note('long tasks', longTasks.length, '', 0);
  note('interaction, p98', inputs.length === 0 ? 16 : quantile(inputs, 0.98), 'ms', 100);
  note(`heap grown by ${changes.length} events`, (await heap(devtools)).megabytes - atRest.megabytes, 'MB', 8);
  await page.context().close();
}

/** Moves the cursor of the grid while events come. */
async function press(page: Page): Promise<void> {
  await page.getByRole('grid').focus();
  for (let n = 0; n < KEYS; n++) {
    await page.keyboard.press(n % 2 === 0 ? 'ArrowDown' : 'ArrowRight');
    await delay(100);
  }
}

async function open(browser: Browser): Promise<{ readonly page: Page; readonly devtools: CDPSession }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(WATCHER);
  const devtools = await context.newCDPSession(page);
  await devtools.send('Performance.enable');
  return { page, devtools };
}

async function metricsOf(devtools: CDPSession): Promise<ReadonlyMap<string, number>> {
  const { metrics } = await devtools.send('Performance.getMetrics');
  return new Map(metrics.map(({ name, value }) => [name, value]));
}
const taskSeconds = async (devtools: CDPSession): Promise<number> =>
  (await metricsOf(devtools)).get('TaskDuration') ?? Number.NaN;

async function heap(devtools: CDPSession): Promise<{ readonly megabytes: number; readonly nodes: number }> {
  await devtools.send('HeapProfiler.collectGarbage');
  const metrics = await metricsOf(devtools);
  return { megabytes: metrics.get('JSHeapUsedSize')! / 1e6, nodes: metrics.get('Nodes')! };
}

function report(): void {
  for (const { what, value, unit, wanted } of figures) {
    const isMissed = !(value <= wanted);
    process.stdout.write(
      `console: ${what}: ${value.toFixed(value < 10 ? 2 : 0)} ${unit} (wanted: at most ${wanted}${unit === '' ? '' : ` ${unit}`})${isMissed ? '  MISSED' : ''}\n`,
    );
    if (isMissed) process.exitCode = 1;
  }
}
