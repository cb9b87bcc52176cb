import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { whyNoKafka } from '@app/testing';
import { judge, printVerdicts } from './checks.js';
import { ClientFleet } from './client-fleet.js';
import { Client, type Arena } from './client.js';
import { chaosJob } from './jobs.js';
import { LeaseWatch } from './lease-watch.js';
import { Nemesis } from './nemesis.js';
import { freePort } from '../support/server-process.js';
import { Random } from './random.js';
import { StreamFollower } from './stream-follower.js';
import { getJson, Stack, until } from './stack.js';

const FAULTS = 100;
const SEED = 1;
const TIME_BOUND_MS = 540_000;
const TIME_PER_FAULT_MS = 5_400;
const SERVERS = 3;
const CLIENTS = 8;
const JOBS = 6;
const FOLLOWERS = 3;
const WARM_UP_MS = 3_000;
const LIVELY_BOUND_MS = 45_000;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * `npm run test:cluster [-- --faults N --seed S --no-kafka --keep]`: clients command a cluster through all instances while faults are injected; then all that
 * is promised of it is checked. Exit code 1 if something did not hold; 2 if the arguments make no sense.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      faults: { type: 'string' },
      seed: { type: 'string' },
      'no-kafka': { type: 'boolean' },
      keep: { type: 'boolean' },
    },
  });
  const faults = Number(values.faults ?? FAULTS);
  const seed = Number(values.seed ?? SEED);
  if (!Number.isInteger(faults) || faults < 0 || !Number.isInteger(seed)) {
    process.stderr.write('usage: npm run test:cluster -- [--faults N] [--seed S] [--no-kafka] [--keep]\n');
    return 2;
  }
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-cluster-'));
  const kafka = values['no-kafka'] !== true;
  const reason = kafka ? whyNoKafka() : '--no-kafka';
  if (reason !== undefined) print(`without Kafka: ${reason}`);
  print(`${faults} faults, seed ${seed}; logs and data in ${directory}`);
  const rpcPorts = await Promise.all(Array.from({ length: SERVERS }, freePort));
  const stack = await Stack.start({
    directory,
    servers: SERVERS,
    rpcPorts,
    proxies: true,
    kafka,
    consumerFile: join(directory, 'deployments.json'),
    env: { ROLLBOOK_LOG_LEVEL: 'info' },
  });
  let good = false;
  try {
    good = await play(stack, rpcPorts, faults, seed);
  } finally {
    await stack.stop();
    if (good && values.keep !== true) rmSync(directory, { recursive: true, force: true });
    else print(`logs and data are kept in ${directory}`);
  }
  return good ? 0 : 1;
}

async function play(stack: Stack, rpcPorts: readonly number[], faults: number, seed: number): Promise<boolean> {
  const random = new Random(seed);
  const arena: Arena = {
    urls: stack.instances.map(({ url }) => url),
    jobs: Array.from({ length: JOBS }, (_, i) => `chaos-${i}`),
    known: [],
    observations: [],
    violations: [],
    latencies: [],
    now: () => performance.now() * 1000,
    stopped: false,
  };
  for (const job of arena.jobs) await register(stack, job, random.uuid());
  const fleet = await ClientFleet.start(stack, rpcPorts);
  const followers = Array.from({ length: FOLLOWERS }, () => new StreamFollower(stack.balancer.url));
  const leases = new LeaseWatch(stack.databaseUrl);
  const clients = Array.from({ length: CLIENTS }, (_, i) => new Client(i, new Random(seed * 1000 + i), arena).run());
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const nemesis = new Nemesis(stack, random, print);
  const begun = performance.now();
  const bound = Math.max(TIME_BOUND_MS, faults * TIME_PER_FAULT_MS);
  const injected = await nemesis.run(faults, begun + bound);
  print(
    `${injected} faults in ${((performance.now() - begun) / 1000).toFixed(0)} s: ${[...nemesis.done].map(([name, times]) => `${name} ${times}`).join(', ')}`,
  );

  await stack.heal();
  arena.stopped = true;
  await Promise.all(clients);
  writeFileSync(join(stack.options.directory, 'observations.json'), JSON.stringify(arena.observations));
  const lively = await livelyAgain(stack, random);
  await leases.stop();
  const verdicts = await judge(stack, arena, leases, followers, fleet);
  await fleet.stop();
  const enough = injected < faults ? [`only ${injected} of ${faults} faults fitted into the time`] : [];
  for (const [fault, times] of nemesis.missed)
    if (times === nemesis.done.get(fault)) enough.push(`${fault}: none of ${times} found one`);
  const all = [
    { name: 'all faults were injected', detail: `${injected}`, problems: enough },
    { name: 'the cluster works by itself again', detail: '', problems: lively },
    ...verdicts,
  ];
  return printVerdicts(all, print);
}

async function register(stack: Stack, job: string, mark: string): Promise<void> {
  const response = await fetch(`${stack.balancer.url}/v1/jobs`, {
    method: 'PUT',
    body: JSON.stringify({ Job: chaosJob(job, mark) }),
  });
  if (!response.ok) throw new Error(`${job} cannot be registered: ${await response.text()}`);
}

/** After the last fault a new job gets its allocations, by the scheduler and the agents, without anybody's help. */
async function livelyAgain(stack: Stack, random: Random): Promise<string[]> {
  try {
    await register(stack, 'after-the-faults', random.uuid());
    await until('running allocations of a new job', LIVELY_BOUND_MS, async () => {
      const allocs = await getJson<{ ClientStatus: string }[]>(
        `${stack.balancer.url}/v1/job/after-the-faults/allocations`,
      );
      return allocs.filter(({ ClientStatus }) => ClientStatus === 'running').length >= 1;
    });
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

// Postgres ends with this process, and servers and agents when their channel to it closes.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
process.once('disconnect', () => process.exit(130));

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
    process.exit(1);
  },
);
