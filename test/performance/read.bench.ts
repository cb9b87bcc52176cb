import { startBareServer } from './bare-server.js';
import { median } from './contenders.js';
import { runLoad, type LoadRequest, type LoadResult } from './load.js';
import { runningDeployments, send } from './rollouts.js';
import { cpuMs, startServerProcess, type ServerProcess } from '../support/server-process.js';

const CONNECTIONS = 32;
const ROUNDS = 3;
const ACL_ROUNDS = 7;
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
  await compareAcl();
}

/** What access control costs a client token: two servers on like data, one with it, asked in turns with the same bytes. */
async function compareAcl(): Promise<void> {
  const off = await startServerProcess();
  let on = await startServerProcess();
  try {
    const paths = await Promise.all(
      [off, on].map(async ({ url }) => `/v1/deployment/${(await runningDeployments(url, 1))[0]}`),
    );
    const { dataDir, port } = on;
    await on.kill();
    on = await startServerProcess({ dataDir, port, env: { ROLLBOOK_ACL: 'true' } });
    const { SecretID: management } = (await send(on.url, 'POST', '/v1/acl/bootstrap')) as { SecretID: string };
    const must = async (path: string, body: object): Promise<{ SecretID: string }> => {
      const headers = { 'X-Nomad-Token': management };
      const answer = await fetch(on.url + path, { method: 'PUT', headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      const text = await answer.text();
      return JSON.parse(text === '' ? '{"SecretID":""}' : text) as { SecretID: string };
    };
    await must('/v1/acl/policy/reads', { Name: 'reads', Rules: 'namespace "default" { policy = "read" }' });
    const { SecretID: token } = await must('/v1/acl/token', { Type: 'client', Policies: ['reads'] });
    const [without, withAcl] = [[] as Turn[], [] as Turn[]];
    for (let round = 0; round < ACL_ROUNDS; round++) {
      without.push(await turn(off, { method: 'GET', path: paths[0]!, token }));
      withAcl.push(await turn(on, { method: 'GET', path: paths[1]!, token }));
    }
    const middle = (turns: readonly Turn[], figure: keyof Turn): number => median(turns.map((one) => one[figure]));
    const [before, after] = [middle(without, 'cpuUs'), middle(withAcl, 'cpuUs')];
    const [slow, fast] = [middle(withAcl, 'perSecond'), middle(without, 'perSecond')];
    process.stdout.write(
      `read: GET /v1/deployment/:id by a client token: ${after.toFixed(1)} µs of the server's processor time; without access control: ${before.toFixed(1)} µs; it costs ${(100 * (after / before - 1)).toFixed(1)} % (5 % wanted); ${slow.toFixed(0)}/s and ${fast.toFixed(0)}/s\n`,
    );
  } finally {
    await off.stop();
    await on.stop();
  }
}

interface Turn {
  readonly perSecond: number;
  /** Microseconds of the server's processor time for each read: what else the machine does hardly shows in it. */
  readonly cpuUs: number;
}

/** One load on a server. */
async function turn({ port, process: server }: ServerProcess, request: LoadRequest): Promise<Turn> {
  const before = cpuMs(server.pid!);
  const timing = { warmUpMs: 0, durationMs: DURATION_MS };
  const result = await runLoad({ port, connections: CONNECTIONS, ...timing, requests: [[request]] });
  if (result.errors > 0) throw new Error(`${result.errors} reads of ${request.path} were refused`);
  return { perSecond: result.perSecond, cpuUs: (1000 * (cpuMs(server.pid!) - before)) / result.requests };
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
