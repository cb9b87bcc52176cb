import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stack } from '../cluster/stack.js';
import { cpuMs, postgresCpuMs, reapedMs } from '../support/server-process.js';
import { runSharedLoad } from './wrk.js';
import type { LoadRequest, LoadResult } from './load.js';
import { pausesAndResumes, runningDeployments } from './rollouts.js';

const INSTANCES = 3;
const DEPLOYMENTS = 48;
const CONNECTIONS = 48;
const DURATION_MS = 8_000;

interface Measured {
  readonly perSecond: number;
  readonly errors: number;
  readonly p99: number;
  /** Shares of all cores. */
  readonly generator: number;
  readonly servers: number;
  readonly postgres: number;
  /** Decisions that were taken again because another instance was faster, for each request. */
  readonly conflicts: number;
}

/** Durable commands and linearizable reads with one, two and three instances on one Postgres, everything on this machine. */
export async function run(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-instances-'));
  const stack = await Stack.start({ directory, servers: INSTANCES, agents: 1, env: { ROLLBOOK_LOG_LEVEL: 'warn' } });
  try {
    const ids = await runningDeployments(stack.balancer.url, DEPLOYMENTS);
    for (const { child } of stack.instances.slice(1)) await child.end('SIGTERM');
    print(
      `instances: pause and resume of ${DEPLOYMENTS} deployments, and reads of them; ${CONNECTIONS} connections in all, ${availableParallelism()} cores for everything`,
    );
    print(
      '  instances  commands/s   p99 ms  generator  servers  Postgres  conflicts      reads/s   p99 ms  generator  servers  Postgres',
    );
    for (let n = 1; n <= INSTANCES; n++) {
      stack.instances[n - 1]!.child.start();
      await stack.instances[n - 1]!.ready();
      const commands = await measure(stack, directory, n, (at) =>
        pausesAndResumes(ids.filter((_id, i) => i % n === at)),
      );
      const reads = await measure(stack, directory, n, () =>
        ids.map((id) => ({ method: 'GET', path: `/v1/deployment/${id}` })),
      );
      print(`  ${String(n).padStart(9)}  ${cells(commands)}  ${percent(commands.conflicts, 9)}  ${cells(reads)}`);
      if (commands.errors + reads.errors > 0) process.exitCode = 1;
    }
    print(
      '  (generator, servers and Postgres: what each took of all cores; conflicts: decided again because another instance was faster)',
    );
  } finally {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The same load, spread over the first `n` instances. */
async function measure(
  stack: Stack,
  directory: string,
  n: number,
  requests: (at: number) => LoadRequest[],
): Promise<Measured> {
  const running = stack.instances.slice(0, n);
  const used = (): { servers: number; postgres: number; generator: number } => ({
    servers: running.reduce((sum, { child }) => sum + cpuMs(child.pid!), 0),
    postgres: postgresCpuMs(join(directory, 'database')),
    generator: reapedMs(process.pid),
  });
  const connections = CONNECTIONS / n;
  const [before, conflictsBefore] = [used(), await conflictsOn(running)];
  const results: LoadResult[] = await Promise.all(
    running.map(({ port }, at) =>
      runSharedLoad({ port, connections, warmUpMs: 0, durationMs: DURATION_MS, requests: requests(at) }),
    ),
  );
  const [after, conflicts] = [used(), await conflictsOn(running)];
  const sum = (value: (result: LoadResult) => number): number =>
    results.reduce((total, result) => total + value(result), 0);
  const share = (ms: number): number => ms / DURATION_MS / availableParallelism();
  return {
    perSecond: sum((result) => result.perSecond),
    errors: sum((result) => result.errors),
    p99: Math.max(...results.map((result) => result.p99)),
    generator: share(after.generator - before.generator),
    servers: share(after.servers - before.servers),
    postgres: share(after.postgres - before.postgres),
    conflicts: (conflicts - conflictsBefore) / sum((result) => result.requests),
  };
}

const cells = ({ perSecond, p99, generator, servers, postgres }: Measured): string =>
  [
    perSecond.toFixed(0).padStart(10),
    p99.toFixed(1).padStart(7),
    percent(generator, 9),
    percent(servers, 7),
    percent(postgres, 8),
  ].join('  ');

const percent = (share: number, width: number): string => `${(100 * share).toFixed(0)} %`.padStart(width);

async function conflictsOn(instances: Stack['instances']): Promise<number> {
  const texts = await Promise.all(
    instances.map(async ({ port }) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  );
  const counts = texts.flatMap((text) => [...text.matchAll(/^rollbook_command_conflicts_total\{.*\} (\d+)$/gm)]);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
