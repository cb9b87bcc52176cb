import { startBareServer } from './bare-server.js';
import { median } from './contenders.js';
import { runLoad, type LoadResult } from './load.js';
import { runningDeployments, send } from './rollouts.js';
import { startServerProcess } from '../support/server-process.js';

const CONNECTIONS = 32;
const ROUNDS = 3;
const WARM_UP_MS = 1_000;
const DURATION_MS = 4_000;

/** Single reads at default consistency, beside raw Fastify sending the same bytes: alternating, the same generator. */
export async function run(): Promise<void> {
  const server = await startServerProcess();
  try {
    const [deployment] = await runningDeployments(server.url, 1);
    const [alloc] = (await send(server.url, 'GET', '/v1/allocations')) as { ID: string }[];
    for (const path of [`/v1/deployment/${deployment}`, `/v1/allocation/${alloc!.ID}`])
      await compare(server.url, server.port, path);
  } finally {
    await server.stop();
  }
}

async function compare(url: string, port: number, path: string): Promise<void> {
  const bytes = await (await fetch(url + path, { headers: { 'Accept-Encoding': 'identity' } })).text();
  const bare = await startBareServer(Buffer.from(bytes));
  const ours: number[] = [];
  const theirs: number[] = [];
  const load = (target: number): Promise<LoadResult> =>
    runLoad({
      port: target,
      connections: CONNECTIONS,
      warmUpMs: WARM_UP_MS,
      durationMs: DURATION_MS,
      requests: [[{ method: 'GET', path }]],
    });
  for (let round = 0; round < ROUNDS; round++) {
    ours.push((await load(port)).perSecond);
    theirs.push((await load(bare.port)).perSecond);
  }
  bare.stop();
  const [own, limit] = [median(ours), median(theirs)];
  const what = path.replace(/[0-9a-f-]{36}/, ':id');
  process.stdout.write(
    `read: GET ${what} (${Buffer.byteLength(bytes)} bytes): ${own.toFixed(0)}/s; raw Fastify, same bytes: ${limit.toFixed(0)}/s; ${((100 * own) / limit).toFixed(0)} %\n`,
  );
}
