import { randomUUID } from 'node:crypto';
import { startBareRollouts } from './bare-rollouts.js';
import { withBenchDatabase } from './bench-database.js';
import { runLoad, type LoadRequest, type LoadResult } from './load.js';
import { runningDeployments } from './rollouts.js';
import { cpuMs, postgresCpuMs, startServerProcess } from '../support/server-process.js';

const DEPLOYMENTS = 50;
const CONNECTIONS = 32;
const ROUNDS = 3;
/** Until the compiler of a fresh process has seen enough: the first seconds cost half as much again. */
const FIRST_WARM_UP_MS = 15_000;
const WARM_UP_MS = 1_000;
const DURATION_MS = 6_000;

/**
 * HTTP pause and resume over 50 deployments, 32 connections: each answer is durable. Beside it, in turns, the limit: raw Fastify that writes the
 * same rows and does nothing else.
 */
export async function run(): Promise<void> {
  await withBenchDatabase(async (bareUrl) => {
    const bare = await startBareRollouts(bareUrl);
    const server = await startServerProcess();
    try {
      const ids = await runningDeployments(server.url, DEPLOYMENTS);
      const bareIds = ids.map(() => randomUUID());
      await load(server.port, ids, FIRST_WARM_UP_MS);
      await load(bare.port, bareIds, FIRST_WARM_UP_MS);
      const used = (): [number, number] => [cpuMs(server.process.pid!), postgresCpuMs(server.dataDir)];
      const before = await head(server.url);
      const ours: LoadResult[] = [];
      const limit: LoadResult[] = [];
      let [serverMs, postgresMs] = [0, 0];
      for (let round = 0; round < ROUNDS; round++) {
        const [serverBefore, postgresBefore] = used();
        ours.push(await load(server.port, ids));
        const [serverAfter, postgresAfter] = used();
        serverMs += serverAfter - serverBefore;
        postgresMs += postgresAfter - postgresBefore;
        limit.push(await load(bare.port, bareIds));
      }
      const commits = (await head(server.url)) - before;
      const sent = (total(ours) * (WARM_UP_MS + DURATION_MS)) / DURATION_MS;
      report(ours, limit, [
        `log:    ${(commits / sent).toFixed(1)} commits a command; the generator took ${(100 * middle(ours, 'generatorCpu')).toFixed(0)} % of a core`,
        `cost:   ${((1000 * serverMs) / sent).toFixed(0)} µs of processor time a command in the server, ${((1000 * postgresMs) / sent).toFixed(0)} µs in Postgres`,
      ]);
    } finally {
      await server.stop();
      bare.stop();
    }
  });
}

function report(ours: readonly LoadResult[], limit: readonly LoadResult[], more: readonly string[]): void {
  const [own, bare] = [middle(ours, 'perSecond'), middle(limit, 'perSecond')];
  const errors = [...ours, ...limit].reduce((sum, round) => sum + round.errors, 0);
  const lines = [
    `commands: ${own.toFixed(0)}/s pause and resume, durable; p50 ${middle(ours, 'p50').toFixed(1)} ms, p99 ${middle(ours, 'p99').toFixed(1)} ms, ${errors} errors`,
    `limit:  ${bare.toFixed(0)}/s raw Fastify that writes the same rows and does nothing else (${((100 * own) / bare).toFixed(0)} %); p50 ${middle(limit, 'p50').toFixed(1)} ms`,
    ...more,
  ];
  for (const [position, line] of lines.entries()) process.stdout.write(`${position === 0 ? '' : '  '}${line}\n`);
  if (errors > 0) process.exitCode = 1;
}

const load = (port: number, ids: readonly string[], warmUpMs = WARM_UP_MS): Promise<LoadResult> =>
  runLoad({
    port,
    connections: CONNECTIONS,
    warmUpMs,
    durationMs: DURATION_MS,
    requests: Array.from({ length: CONNECTIONS }, (_, i) =>
      ids.filter((_id, n) => n % CONNECTIONS === i).flatMap(pauseAndResume),
    ),
  });

const total = (rounds: readonly LoadResult[]): number => rounds.reduce((sum, { requests }) => sum + requests, 0);
const middle = (rounds: readonly LoadResult[], figure: keyof LoadResult): number =>
  rounds.map((round) => round[figure]).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)]!;

const pauseAndResume = (id: string): LoadRequest[] =>
  [true, false].map((Pause) => ({
    method: 'PUT',
    path: `/v1/deployment/pause/${id}`,
    body: JSON.stringify({ DeploymentID: id, Pause }),
  }));

async function head(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^rollbook_log_index (\d+)/m.exec(metrics)?.[1] ?? 0);
}
