import { runLoad, type LoadRequest } from './load.js';
import { runningDeployments } from './rollouts.js';
import { cpuMs, postgresCpuMs, startServerProcess } from '../support/server-process.js';

const DEPLOYMENTS = 50;
const CONNECTIONS = 32;
const WARM_UP_MS = 3_000;
const DURATION_MS = 10_000;

/** HTTP pause and resume over 50 deployments, 32 connections: each answer is durable. Beside it: the same number of requests that change nothing. */
export async function run(): Promise<void> {
  const server = await startServerProcess();
  try {
    const ids = await runningDeployments(server.url, DEPLOYMENTS);
    const commands = Array.from({ length: CONNECTIONS }, (_, i) =>
      ids.filter((_id, n) => n % CONNECTIONS === i).flatMap(pauseAndResume),
    );
    const used = (): [number, number] => [cpuMs(server.process.pid!), postgresCpuMs(server.dataDir)];
    const before = await head(server.url);
    const [serverBefore, postgresBefore] = used();
    const writes = await runLoad({
      port: server.port,
      connections: CONNECTIONS,
      warmUpMs: WARM_UP_MS,
      durationMs: DURATION_MS,
      requests: commands,
    });
    const after = await head(server.url);
    const [serverAfter, postgresAfter] = used();
    const sent = (writes.perSecond * (WARM_UP_MS + DURATION_MS)) / 1000;
    const each = (ms: number): string => `${((1000 * ms) / sent).toFixed(0)} µs`;
    const limit = await runLoad({
      port: server.port,
      connections: CONNECTIONS,
      warmUpMs: 1_000,
      durationMs: 5_000,
      requests: [[{ method: 'GET', path: '/healthz' }]],
    });
    const print = (line: string): void => void process.stdout.write(`${line}\n`);
    print(
      `commands: ${writes.perSecond.toFixed(0)}/s pause and resume, durable; p50 ${writes.p50.toFixed(1)} ms, p99 ${writes.p99.toFixed(1)} ms, ${writes.errors} errors`,
    );
    print(
      `  limit:  ${limit.perSecond.toFixed(0)}/s requests that read nothing, same server, same generator (${((100 * writes.perSecond) / limit.perSecond).toFixed(0)} %)`,
    );
    print(
      `  log:    ${after - before} commits in all; the generator took ${(100 * writes.generatorCpu).toFixed(0)} % of a core`,
    );
    print(
      `  cost:   ${each(serverAfter - serverBefore)} of processor time a command in the server, ${each(postgresAfter - postgresBefore)} in Postgres`,
    );
    if (writes.errors > 0) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}

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
