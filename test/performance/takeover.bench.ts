import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { chaosJob } from '../cluster/jobs.js';
import { getJson, Stack, until, type Instance, type LeaseView } from '../cluster/stack.js';
import { send } from './rollouts.js';

const TIMES = 10;
const LEASE = 'scheduler';
const BOUND_MS = 20_000;
const POLL_MS = 10;

/** How long nobody leads after the leader was killed with -9, and after it was ended in order: until the lease is taken, and until a new job is scheduled. */
export async function run(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-takeover-'));
  const stack = await Stack.start({ directory, agents: 1, env: { ROLLBOOK_LOG_LEVEL: 'info' } });
  try {
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      const taken: number[] = [];
      const scheduled: number[] = [];
      for (let n = 0; n < TIMES; n++) {
        const found = await change(stack, signal, `${signal.toLowerCase()}-${n}`);
        taken.push(found.takenMs);
        scheduled.push(found.scheduledMs);
      }
      print(
        `takeover: the leader gets ${signal === 'SIGKILL' ? 'kill -9' : 'SIGTERM'}, ${TIMES} times: lease taken after ${summary(taken)}; a new job scheduled after ${summary(scheduled)}`,
      );
    }
  } finally {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function change(
  stack: Stack,
  signal: 'SIGKILL' | 'SIGTERM',
  job: string,
): Promise<{ takenMs: number; scheduledMs: number }> {
  let leader: Instance | undefined;
  await until('a leader', BOUND_MS, async () => (leader = await stack.leader(LEASE)) !== undefined);
  const others = stack.instances.filter((instance) => instance !== leader);
  const begun = performance.now();
  const ended = leader!.child.end(signal);
  const url = others[0]!.url;
  const scheduled = send(url, 'PUT', '/v1/jobs', { Job: chaosJob(job, job) }).then(async (answer) => {
    const { EvalID } = answer as { EvalID: string };
    await polled(
      async () => (await getJson<{ Status: string }>(`${url}/v1/evaluation/${EvalID}`)).Status === 'complete',
    );
    return performance.now() - begun;
  });
  await polled(async () => {
    const leases = await Promise.all(
      others.map((other) => getJson<LeaseView[]>(`${other.url}/v1/operator/rollbook/leases`)),
    );
    return leases.flat().some((lease) => lease.Name === LEASE && lease.ThisInstance);
  });
  const takenMs = performance.now() - begun;
  const scheduledMs = await scheduled;
  await ended;
  leader!.child.start();
  await leader!.ready();
  return { takenMs, scheduledMs };
}

async function polled(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + BOUND_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`nobody has taken over after ${BOUND_MS} ms`);
    await delay(POLL_MS);
  }
}

function summary(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
  return `${seconds(sorted[Math.floor(sorted.length / 2)]!)} median, ${seconds(sorted.at(-1)!)} worst`;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
