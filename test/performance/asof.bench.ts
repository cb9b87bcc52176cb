import { startBigCluster } from './big-cluster.js';
import { median } from './contenders.js';

/** Reports of a thousand allocations each: every allocation changes several times. */
const REPORTS = 60;
const REPORTED = 1_000;
const OBJECTS = 300;
const LISTS = 5;

/** Reads as of the past, each of an index that nobody has asked for before, where everything has changed since. */
export async function run(): Promise<void> {
  const cluster = await startBigCluster();
  try {
    const { url } = cluster.server;
    const allocations = (await (await fetch(`${url}/v1/allocations?task_states=false`)).json()) as { ID: string }[];
    const begin = await headOf(url);
    for (let i = 0; i < REPORTS; i++) await cluster.restart(REPORTED);
    const head = await headOf(url);
    const paths = [
      (n: number) => `/v1/allocation/${allocations[(n * 397) % allocations.length]!.ID}`,
      (n: number) => `/v1/deployment/${cluster.deployments[n % cluster.deployments.length]}`,
      (n: number) => `/v1/job/bench-${n % 20}`,
      (n: number) => `/v1/job/bench-${n % 20}/summary`,
    ];
    const objects: number[] = [];
    for (let n = 0; n < OBJECTS; n++)
      objects.push(await timed(`${url}${paths[n % paths.length]!(n)}?as_of=${begin + (n % (head - begin))}`));
    const lists: number[] = [];
    const before = await cpuSeconds(url);
    for (let n = 0; n < LISTS; n++) lists.push(await timed(`${url}/v1/allocations?as_of=${begin + n}`));
    const cpuMs = (1000 * ((await cpuSeconds(url)) - before)) / LISTS;
    const sorted = objects.toSorted((a, b) => a - b);
    const share = (part: number): string => sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(1);
    print(
      `asof: ${head} commits, ${allocations.length} allocations, ${(REPORTS * REPORTED).toLocaleString('en')} changes after the first index asked for`,
    );
    print(`  ${OBJECTS} objects: p50 ${share(0.5)} ms, p99 ${share(0.99)} ms, worst ${share(1)} ms (20)`);
    print(
      `  the list of ${allocations.length} allocations: ${median(lists).toFixed(0)} ms (1,000), first ${lists[0]!.toFixed(0)} ms; processor time of the server for one: ${cpuMs.toFixed(0)} ms`,
    );
  } finally {
    await cluster.stop();
  }
}

async function timed(url: string): Promise<number> {
  const began = performance.now();
  const response = await fetch(url, { headers: { 'Accept-Encoding': 'identity' } });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return performance.now() - began;
}

/** What the server has used of processors so far: tells waiting for others on a busy machine from work. */
async function cpuSeconds(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^\w*process_cpu_seconds_total (\S+)/m.exec(metrics)?.[1] ?? NaN);
}

/** The index of the last commit: that of the past as of now. */
async function headOf(url: string): Promise<number> {
  const response = await fetch(`${url}/v1/nodes?as_of=${new Date().toISOString()}`);
  await response.arrayBuffer();
  return Number(response.headers.get('x-rollbook-as-of'));
}

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
