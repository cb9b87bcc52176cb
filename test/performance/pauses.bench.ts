import { setTimeout as delay } from 'node:timers/promises';
import { startServerProcess } from '../support/server-process.js';
import { send } from './rollouts.js';

const TARGET_MS = 100;
const GROUPS = 10_000;
const EVALUATIONS = Number(process.env['BENCH_EVALUATIONS'] ?? 100_000);
/** Requests that are under way at once. */
const CALLERS = 64;
const BODY_BYTES = 1_000_000;
const QUIET_MS = 500;
/** The server looks at its event loop this often: what it measures has that in it. */
const SAMPLED_MS = 10;
const DRAINED_MS = 600_000;

const print = (text: string): boolean => process.stdout.write(`${text}\n`);

const task = {
  Name: 't',
  Driver: 'mock_driver',
  Config: { run_for: '1h' },
  LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
  Resources: { CPU: 1, MemoryMB: 10 },
};
const group = (Name: string): object => ({ Name, Count: 1, EphemeralDisk: { SizeMB: 10 }, Tasks: [task] });
const job = (ID: string, more: object): object => ({
  Job: { ID, Name: ID, Type: 'service', Datacenters: ['dc1'], TaskGroups: [group('g')], ...more },
});

/** The worst pause of a server's event loop since this was asked before, milliseconds, as the server itself measures it. */
async function worstPause(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const found = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text);
  if (found === null) throw new Error('the server does not measure its event loop');
  return Math.max(0, Number(found[1]) * 1000 - SAMPLED_MS);
}

/**
 * The worst pause of the event loop, on which HTTP and the lease depend: a plan of 10,000 groups, 100,000 evaluations that wait when the broker goes
 * on, a job of 1 MB. One server with its own Postgres and one node, nothing else at work.
 */
export async function run(): Promise<void> {
  const server = await startServerProcess();
  const { url } = server;
  const measure = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    await delay(QUIET_MS);
    await worstPause(url);
    const began = performance.now();
    await work();
    const tookMs = performance.now() - began;
    // What follows from it by itself counts, too.
    await delay(QUIET_MS);
    const pause = await worstPause(url);
    const verdict = pause <= TARGET_MS ? 'within' : 'BEYOND';
    print(`${what}: worst pause ${pause.toFixed(0)} ms, ${verdict} ${TARGET_MS} ms; ${(tookMs / 1000).toFixed(1)} s`);
  };
  try {
    for (let i = 0; i < 20; i++) await send(url, 'PUT', '/v1/jobs', job(`warm-${i}`, {}));
    await measure('nothing', () => delay(QUIET_MS));

    const groups = Array.from({ length: GROUPS }, (_, i) => group(`g${i}`));
    const large = job('groups', { TaskGroups: groups });
    await measure(`plan of ${GROUPS.toLocaleString('en')} groups`, () =>
      send(url, 'PUT', '/v1/job/groups/plan', { ...large, Diff: true }),
    );

    const meta = Object.fromEntries(
      Array.from({ length: BODY_BYTES / 100 }, (_, i) => [`key-${i}`.padEnd(20, '.'), 'v'.repeat(74)]),
    );
    await measure('job of 1 MB, registered', () => send(url, 'PUT', '/v1/jobs', job('large', { Meta: meta })));
    await measure('job of 1 MB, read', () => send(url, 'GET', '/v1/job/large'));

    await setBroker(url, true);
    await measure(`${EVALUATIONS.toLocaleString('en')} evaluations, asked for`, () => ask(url, EVALUATIONS));
    await measure(`${EVALUATIONS.toLocaleString('en')} pending evaluations, worked off`, async () => {
      await setBroker(url, false);
      await drained(url);
    });
  } finally {
    await server.stop();
  }
}

const setBroker = (url: string, PauseEvalBroker: boolean): Promise<unknown> =>
  send(url, 'PUT', '/v1/operator/scheduler/configuration', { PauseEvalBroker });

async function ask(url: string, count: number): Promise<void> {
  let left = count;
  const caller = async (n: number): Promise<void> => {
    while (left-- > 0) await send(url, 'PUT', `/v1/job/warm-${n % 20}/evaluate`, { JobID: `warm-${n % 20}` });
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, n) => caller(n)));
}

async function drained(url: string): Promise<void> {
  const deadline = performance.now() + DRAINED_MS;
  for (;;) {
    const pending = (await send(url, 'GET', '/v1/evaluations?per_page=1&status=pending')) as unknown[];
    if (pending.length === 0) return;
    if (performance.now() > deadline) throw new Error('the evaluations were not worked off in time');
    await delay(1_000);
  }
}
