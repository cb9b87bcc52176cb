import { migrate, PostgresEventStore } from '@app/event-store';
import { MIGRATIONS } from '@app/read-models';
import { EventFeed, frameOf, type EventFilter } from '@app/streaming';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { startServerProcess } from '../support/server-process.js';
import { withBenchDatabase } from './bench-database.js';
import { fillLog, rolloutLog } from './rollout-log.js';

const SUBSCRIBERS = 500;
const PER_SECOND = 200;
/** As many objects are written in turn: what writes one object goes one after the other. */
const OBJECTS = 100;
const LIVE_MS = 15_000;
const DRAIN_MS = 10_000;
const WANTED = { p99Ms: 200, replayPerS: 50_000 } as const;
/** Events of the log that is replayed; the whole million with `EVENTS=1000000`. */
const EVENTS = Number(process.env['EVENTS'] ?? 200_000);
/** What `rolloutLog` makes of one job, about. */
const EVENTS_OF_A_JOB = 100;

const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const figure = (value: number): string => Math.round(value).toLocaleString('en');
const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

/** `npm run bench -- stream`: subscribers who follow live, and the past at full speed. */
export async function run(): Promise<void> {
  await live();
  await replay();
}

/** Every subscriber gets every event; latency is from the sending of the write to the arrival at a subscriber, with its own processing. */
async function live(): Promise<void> {
  const server = await startServerProcess();
  try {
    const sentAt = new Map<number, number>();
    const arrivals: (readonly [index: number, at: number])[] = [];
    let disorder = 0;
    const streams = await Promise.all(
      Array.from({ length: SUBSCRIBERS }, () => {
        let last = 0;
        return follow(`${server.url}/v1/event/stream?index=-1&topic=NodePool`, (index) => {
          if (index <= last) disorder++;
          last = index;
          arrivals.push([index, performance.now()]);
        });
      }),
    );
    const begun = performance.now();
    const writes: Promise<void>[] = [];
    for (let n = 0; performance.now() - begun < LIVE_MS; n++) {
      const due = begun + (n * 1000) / PER_SECOND;
      if (due > performance.now()) await delay(due - performance.now());
      const at = performance.now();
      writes.push(
        fetch(`${server.url}/v1/node/pools`, {
          method: 'PUT',
          body: JSON.stringify({ Name: `bench-${n % OBJECTS}`, Description: String(n) }),
        }).then(async (answer) => {
          await answer.arrayBuffer();
          sentAt.set(Number(answer.headers.get('x-nomad-index')), at);
        }),
      );
    }
    await Promise.all(writes);
    const all = writes.length * SUBSCRIBERS;
    for (const end = Date.now() + DRAIN_MS; arrivals.length < all && Date.now() < end;) await delay(50);
    for (const { close } of streams) close();
    const latencies = arrivals.map(([index, at]) => at - (sentAt.get(index) ?? at));
    const p99 = quantile(latencies, 0.99);
    print(
      `stream: ${SUBSCRIBERS} subscribers x ${PER_SECOND} events/s for ${LIVE_MS / 1000} s: ${figure(arrivals.length)} of ${figure(all)} events arrived, ${disorder} out of order; p50 ${figure(quantile(latencies, 0.5))} ms, p99 ${figure(p99)} ms (wanted: at most ${WANTED.p99Ms} ms)`,
    );
    if (arrivals.length !== all || disorder > 0 || p99 > WANTED.p99Ms) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}

/** Calls back with the index of every frame that has events. */
function follow(url: string, onIndex: (index: number) => void): Promise<{ readonly close: () => void }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response: IncomingMessage) => {
      let rest = '';
      response.setEncoding('latin1').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.length > 2) onIndex(Number.parseInt(line.slice('{"Index":'.length), 10));
      });
      response.on('error', () => undefined);
      resolve({ close: () => request.destroy() });
    });
    request.on('error', reject);
  });
}

const EVERYTHING: EventFilter = {
  topics: new Map([['*', new Set(['*'])]]),
  namespace: '*',
  asStub: false,
  withMeta: false,
  asSse: false,
  sees: () => true,
  key: 'everything',
};

/** The log from its beginning as frames of everything, complete objects: what a replay costs beside its socket. */
async function replay(): Promise<void> {
  const log = rolloutLog(Math.ceil(EVENTS / EVENTS_OF_A_JOB));
  await withBenchDatabase(async (url) => {
    await migrate(url, MIGRATIONS);
    await fillLog(url, log);
    const store = new PostgresEventStore({ url, poolSize: 4 });
    const feed = new EventFeed(
      store,
      { applied: log.at(-1)!.index, onCommit: () => () => undefined, reached: () => Promise.resolve() },
      (error) => {
        throw error;
      },
    );
    for (const [what, filter] of [
      ['complete objects', EVERYTHING],
      ['stubs', { ...EVERYTHING, asStub: true, key: 'stubs' }],
      ['one topic', { ...EVERYTHING, topics: new Map([['Deployment', new Set(['*'])]]), key: 'deployments' }],
    ] as const) {
      const reader = feed.replay();
      const begun = performance.now();
      let bytes = 0;
      for (let at = 0; ;) {
        const commits = await reader.after(at);
        for (const commit of commits) bytes += frameOf(commit, filter)?.length ?? 0;
        const last = commits.at(-1);
        if (last === undefined) break;
        at = last.index;
      }
      const perS = (1000 * log.length) / (performance.now() - begun);
      print(
        `stream: replay of ${figure(log.length)} events of the log, ${what} (${figure(bytes / 1e6)} MB): ${figure(perS)} events/s (wanted: ${figure(WANTED.replayPerS)})`,
      );
    }
    await store.close();
  });
}
