import { setTimeout as delay } from 'node:timers/promises';
import type { BigCluster } from './big-cluster.js';
import { compareInTurns } from './contenders.js';
import { runLoad, type LoadResult } from './load.js';

const READERS = 4;
const WARM_UP_MS = 1_500;
const DURATION_MS = 5_000;
const COMMITS_PER_SECOND = 20;
const ALLOCATIONS_PER_COMMIT = 25;
const PATH = '/v1/allocations';

interface Measured {
  readonly quiet: number;
  readonly changing: number;
  readonly p50: number;
  readonly commits: number;
  /** Milliseconds that a refresh took in the server, on average. */
  readonly refreshMs: number;
}

/** The list of 10,000 allocations, 4 readers: while nothing changes, and while 20 commits in a second change 25 allocations each. */
export async function run(): Promise<void> {
  const bare = async (port: number): Promise<number> => (await read(port)).perSecond;
  const { builds, limit, bytes, turns } = await compareInTurns(PATH, measure, bare);
  print(`lists: GET ${PATH}, ${(bytes / 1e6).toFixed(1)} MB, ${READERS} readers, ${turns} turns`);
  for (const { name, of } of builds)
    print(
      `  ${name}: ${of('quiet').toFixed(1)}/s; ${of('changing').toFixed(1)}/s with p50 ${of('p50').toFixed(0)} ms while ${of('commits').toFixed(1)} commits/s change ${ALLOCATIONS_PER_COMMIT} allocations each; a refresh takes ${of('refreshMs').toFixed(1)} ms`,
    );
  print(`  raw Fastify, the same bytes: ${limit.toFixed(1)}/s`);
}

async function measure(cluster: BigCluster): Promise<Measured> {
  const quiet = await read(cluster.server.port);
  let isOver = false;
  let commits = 0;
  const began = performance.now();
  const writing = (async () => {
    for (let n = 1; !isOver; n++) {
      await cluster.restart(ALLOCATIONS_PER_COMMIT);
      commits++;
      await delay(Math.max(0, began + (n * 1000) / COMMITS_PER_SECOND - performance.now()));
    }
  })();
  const before = await refreshes(cluster.server.url);
  const changing = await read(cluster.server.port);
  const after = await refreshes(cluster.server.url);
  const seconds = (performance.now() - began) / 1000;
  isOver = true;
  await writing;
  return {
    quiet: quiet.perSecond,
    changing: changing.perSecond,
    p50: changing.p50,
    commits: commits / seconds,
    refreshMs: (1000 * (after.seconds - before.seconds)) / Math.max(1, after.count - before.count),
  };
}

const read = (port: number): Promise<LoadResult> =>
  runLoad({
    port,
    connections: READERS,
    warmUpMs: WARM_UP_MS,
    durationMs: DURATION_MS,
    requests: [[{ method: 'GET', path: PATH }]],
  });

async function refreshes(url: string): Promise<{ readonly count: number; readonly seconds: number }> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const of = (name: string): number => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(metrics)?.[1] ?? 0);
  return {
    count: of('rollbook_kept_list_refreshes_total'),
    seconds: of('rollbook_kept_list_refresh_seconds_total'),
  };
}

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
