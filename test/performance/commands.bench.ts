import { randomUUID } from 'node:crypto';
import { startBareRollouts } from './bare-rollouts.js';
import { withBenchDatabase } from './bench-database.js';
import { median } from './contenders.js';
import type { LoadResult } from './load.js';
import { pausesAndResumes, runningDeployments } from './rollouts.js';
import { hasWrk, runSharedLoad } from './wrk.js';
import { cpuMs, postgresCpuMs, startServerProcess, type ServerProcess } from '../support/server-process.js';

const DEPLOYMENTS = 50;
const CONNECTIONS = 32;
const ROUNDS = 5;
/** Until the compiler of a fresh process has seen enough: the first seconds cost half as much again. */
const FIRST_WARM_UP_MS = 12_000;
const WARM_UP_MS = 1_000;
const DURATION_MS = 5_000;

interface Round extends LoadResult {
  /** Microseconds of processor time a command. */
  readonly serverUs: number;
  readonly postgresUs: number;
  readonly commits: number;
}

interface Contender {
  readonly name: string;
  readonly server: ServerProcess;
  readonly ids: readonly string[];
  readonly rounds: Round[];
}

/**
 * HTTP pause and resume over 50 deployments, 32 connections: each answer is durable. In turns: this build, the one of another checkout if
 * `BENCH_BESIDE` names one, and the limit: raw Fastify that writes the same rows and does nothing else.
 */
export async function run(): Promise<void> {
  if (!hasWrk())
    print('wrk is not installed (apt-get install wrk): the generator is one in Node, which takes half a core');
  await withBenchDatabase(async (bareUrl) => {
    const bare = await startBareRollouts(bareUrl);
    const beside = process.env['BENCH_BESIDE'];
    const contenders: Contender[] = [];
    try {
      contenders.push(await contender('this build'));
      if (beside !== undefined) contenders.push(await contender(beside));
      const bareIds = Array.from({ length: DEPLOYMENTS }, () => randomUUID());
      for (const { server, ids } of contenders) await load(server.port, ids, FIRST_WARM_UP_MS);
      await load(bare.port, bareIds, FIRST_WARM_UP_MS);
      const limit: LoadResult[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        for (const one of contenders) one.rounds.push(await measured(one));
        limit.push(await load(bare.port, bareIds));
      }
      report(contenders, limit);
    } finally {
      for (const { server } of contenders) await server.stop();
      bare.stop();
    }
  });
}

async function contender(name: string): Promise<Contender> {
  const server = await startServerProcess(name === 'this build' ? {} : { checkout: name });
  return { name, server, ids: await runningDeployments(server.url, DEPLOYMENTS), rounds: [] };
}

async function measured({ server, ids }: Contender): Promise<Round> {
  const [serverBefore, postgresBefore] = [cpuMs(server.process.pid!), postgresCpuMs(server.dataDir)];
  const headBefore = await head(server.url);
  // All that is sent is measured: what costs processor time is known of the whole.
  const result = await load(server.port, ids, 0);
  return {
    ...result,
    serverUs: (1000 * (cpuMs(server.process.pid!) - serverBefore)) / result.requests,
    postgresUs: (1000 * (postgresCpuMs(server.dataDir) - postgresBefore)) / result.requests,
    commits: ((await head(server.url)) - headBefore) / result.requests,
  };
}

function report(contenders: readonly Contender[], limit: readonly LoadResult[]): void {
  const bare = middle(limit, 'perSecond');
  for (const { name, rounds } of contenders) {
    print(
      `commands: ${name}: ${middle(rounds, 'perSecond').toFixed(0)}/s pause and resume, durable; p50 ${middle(rounds, 'p50').toFixed(1)} ms, p99 ${middle(rounds, 'p99').toFixed(1)} ms`,
    );
    print(
      `  a command: ${middle(rounds, 'serverUs').toFixed(0)} µs of processor time in the server, ${middle(rounds, 'postgresUs').toFixed(0)} µs in Postgres; ${middle(rounds, 'commits').toFixed(1)} commits`,
    );
    print(
      `  ${(100 * median(rounds.map((round, i) => round.perSecond / limit[i]!.perSecond))).toFixed(0)} % of the limit`,
    );
  }
  const [own, other] = contenders;
  if (own !== undefined && other !== undefined) {
    const ratio = (of: (round: Round) => number): string =>
      median(own.rounds.map((round, i) => of(round) / of(other.rounds[i]!))).toFixed(2);
    print(
      `beside: ${ratio((round) => round.perSecond)} times as many commands a second, for ${ratio((round) => round.serverUs + round.postgresUs)} times the processor time (server ${ratio((round) => round.serverUs)}, Postgres ${ratio((round) => round.postgresUs)})`,
    );
  }
  print(
    `limit:  ${bare.toFixed(0)}/s raw Fastify that writes the same rows and does nothing else; p50 ${middle(limit, 'p50').toFixed(1)} ms`,
  );
  print(
    `the generator took ${(100 * middle(limit, 'generatorCpu')).toFixed(0)} % of a core; medians of ${ROUNDS} turns`,
  );
  const errors = [...contenders.flatMap(({ rounds }) => rounds), ...limit].reduce(
    (sum, round) => sum + round.errors,
    0,
  );
  if (errors === 0) return;
  print(`${errors} errors`);
  process.exitCode = 1;
}

const load = (port: number, ids: readonly string[], warmUpMs = WARM_UP_MS): Promise<LoadResult> =>
  runSharedLoad({
    port,
    connections: CONNECTIONS,
    warmUpMs,
    durationMs: DURATION_MS,
    requests: pausesAndResumes(ids),
  });

const middle = <R>(rounds: readonly R[], figure: keyof R): number =>
  median(rounds.map((round) => Number(round[figure])));

async function head(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^rollbook_log_index (\d+)/m.exec(metrics)?.[1] ?? 0);
}

const print = (line: string): boolean => process.stdout.write(`${line}\n`);
