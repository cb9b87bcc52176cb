import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository, startServerProcess, type ServerProcess } from '../support/server-process.js';

/** A modest ledger; `BENCH_ALLOCS=1000000` takes half an hour and 12 GB to write. */
const ALLOCS = Number(process.env['BENCH_ALLOCS'] ?? 20_000);
const DEPLOYMENTS = Math.ceil(ALLOCS / 50);
const JOBS = Math.ceil(ALLOCS / 200);
const NODES = Math.ceil(ALLOCS / 100);
const REQUESTS = Number(process.env['BENCH_REQUESTS'] ?? 200);
const SEED = 7;
const LEAD_MS = 300_000;

/** Pages of a generated ledger, without a scheduler; then how soon one that starts on it leads, and what it takes. */
export async function run(): Promise<void> {
  // One that was generated before is read, and stays.
  const given = process.env['BENCH_LEDGER'];
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'rollbook-scale-')));
  try {
    if (given === undefined) await generate(dataDir);
    await pages(dataDir);
    // Whoever leads goes on with the history: its nodes are not there any more.
    if (given === undefined) await lead(dataDir);
  } finally {
    if (given === undefined) await rm(dataDir, { recursive: true, force: true });
  }
}

async function generate(dataDir: string): Promise<void> {
  const sizes = Object.entries({ allocs: ALLOCS, deployments: DEPLOYMENTS, jobs: JOBS, nodes: NODES, seed: SEED });
  const args = sizes.flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(process.execPath, [join(repository(), 'dist/apps/ops/main.js'), 'generate', ...args], {
    stdio: ['ignore', 'inherit', 'ignore'],
    env: { ...process.env, ROLLBOOK_DATA_DIR: dataDir },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error('the ledger could not be written');
}

async function serve(dataDir: string, roles: string, onLog?: (text: string) => void): Promise<ServerProcess> {
  const env = {
    ...{ ROLLBOOK_ROLES: roles, ROLLBOOK_DEV_NODES: '0', ROLLBOOK_LOG_LEVEL: 'info' },
    ...{ ROLLBOOK_LIMIT_CONNECTIONS: '0' },
  };
  return startServerProcess({ dataDir, env, ...(onLog && { onLog }) });
}

/** Ends it as a crash would, so that its data stay: what it was told to keep is there. */
async function pages(dataDir: string): Promise<void> {
  const server = await serve(dataDir, 'api');
  try {
    const { url } = server;
    const [allocation] = (await read(`${url}/v1/allocations?per_page=1`)).body as { JobID: string }[];
    const index = Number((await read(`${url}/v1/allocations?per_page=1`)).headers.get('x-nomad-index'));
    const at = (n: number): string => `${Math.floor((index * ((n * 397) % 1000)) / 1000)}.x`;
    const filter = (text: string): string => `filter=${encodeURIComponent(text)}`;
    const hex = (n: number): string => ((n * 397) % 4096).toString(16).padStart(3, '0');
    // Each asks for a page of its own: none that the server has kept.
    const shapes: Readonly<Record<string, (n: number) => string>> = {
      'first page': (n) => `/v1/allocations?per_page=50&next_token=0.${n}`,
      'page from the middle': (n) => `/v1/allocations?per_page=50&next_token=${at(n)}`,
      'page of a prefix': (n) => `/v1/allocations?per_page=20&prefix=${hex(n).slice(0, 2)}`,
      'page of a status': (n) =>
        `/v1/allocations?per_page=20&next_token=${at(n % 700)}&${filter('ClientStatus == "complete"')}`,
      'page of a filter': (n) =>
        `/v1/allocations?per_page=20&next_token=${at(n % 700)}&${filter('Name contains "web[1"')}`,
      'page of a job': (n) =>
        `/v1/allocations?per_page=20&next_token=0.${n}&${filter(`JobID == "${allocation!.JobID}"`)}`,
      'page of jobs': (n) => `/v1/jobs?per_page=20&next_token=default.${n}`,
      'page of jobs by a filter': (n) =>
        `/v1/jobs?per_page=20&next_token=default.${n}&${filter('Meta.team == "shop"')}`,
    };
    print(`scale: ${ALLOCS} allocations; an instance without scheduler: ${await memoryOf(url)} MB`);
    for (const [name, pathOf] of Object.entries(shapes)) {
      const [before, times] = [await cpuSeconds(url), [] as number[]];
      for (let n = 0; n < REQUESTS; n++) {
        const began = performance.now();
        await read(`${url}${pathOf(n)}`);
        times.push(performance.now() - began);
      }
      const cpu = (1000 * ((await cpuSeconds(url)) - before)) / REQUESTS;
      const sorted = times.toSorted((a, b) => a - b);
      const share = (part: number): string => sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(1);
      print(
        `  ${name.padEnd(26)} p50 ${share(0.5)} ms, p99 ${share(0.99)} ms; ${cpu.toFixed(1)} ms of its processor each`,
      );
    }
    print(`  afterwards: ${await memoryOf(url)} MB`);
  } finally {
    await server.kill();
  }
}

async function lead(dataDir: string): Promise<void> {
  const began = performance.now();
  let log = '';
  const leading = Promise.withResolvers<void>();
  const server = await serve(dataDir, 'api,scheduler', (text) => {
    log += text;
    if (log.includes('"msg":"leading"')) leading.resolve();
  });
  const late = setTimeout(() => leading.reject(new Error(`does not lead after ${LEAD_MS / 1000} s`)), LEAD_MS);
  try {
    await leading.promise;
    const live = (ALLOCS * 0.25).toFixed(0);
    print(
      `  leading after ${((performance.now() - began) / 1000).toFixed(1)} s, with ${await memoryOf(server.url)} MB; about ${live} allocations live`,
    );
  } finally {
    clearTimeout(late);
    await server.stop();
  }
}

async function read(url: string): Promise<{ readonly body: unknown; readonly headers: Headers }> {
  const response = await fetch(url, { headers: { 'Accept-Encoding': 'identity' } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return { body: JSON.parse(text), headers: response.headers };
}

async function metricOf(url: string, name: RegExp): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(name.exec(metrics)?.[1] ?? NaN);
}

/** What the server itself has used of processors so far: tells waiting for others on a busy machine from work. */
const cpuSeconds = (url: string): Promise<number> => metricOf(url, /^\w*process_cpu_seconds_total (\S+)/m);
const memoryOf = async (url: string): Promise<string> =>
  ((await metricOf(url, /^\w*process_resident_memory_bytes (\S+)/m)) / 2 ** 20).toFixed(0);

const print = (line: string): void => void process.stdout.write(`${line}\n`);
