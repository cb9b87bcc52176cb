import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

const BOUND_MS = 120_000;
const SECOND = 1e9;

const update = {
  MaxParallel: 1,
  HealthCheck: 'manual',
  MinHealthyTime: 1,
  HealthyDeadline: 300 * SECOND,
  ProgressDeadline: 600 * SECOND,
};
const serviceJob = (ID: string, task: object): object => ({
  ID,
  Name: ID,
  Type: 'service',
  Update: update,
  TaskGroups: [
    {
      Name: 'web',
      EphemeralDisk: { SizeMB: 10 },
      Tasks: [
        { Name: 'main', Resources: { CPU: 10, MemoryMB: 10 }, LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 }, ...task },
      ],
    },
  ],
});

async function send<T>(server: ServerProcess, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(server.url + path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

async function until<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await attempt().catch(() => undefined);
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await delay(50);
  }
}

interface Deployment {
  readonly ID: string;
  readonly JobID: string;
  readonly Status: string;
  readonly ModifyIndex: number;
}
interface Alloc {
  readonly ID: string;
  readonly JobID: string;
  readonly ClientStatus: string;
  readonly TaskStates: Record<string, { Restarts: number; StartedAt: string }> | null;
}

const allocOf = (server: ServerProcess, job: string): Promise<Alloc> =>
  until(`a running allocation of ${job}`, async () =>
    (await send<Alloc[]>(server, 'GET', `/v1/job/${job}/allocations`)).find(
      (alloc) => alloc.ClientStatus === 'running',
    ),
  );

/** The process of a raw_exec task, as the agent wrote it down. */
const pidOf = (server: ServerProcess, alloc: Alloc): number => {
  const file = `${server.dataDir}/nodes/dev/alloc/${alloc.ID}/main/executor/task.json`;
  const found = /"pid":\s*(\d+)/.exec(readFileSync(file, 'utf8'));
  return Number(found?.[1]);
};

describe('kill -9 of the server', () => {
  let server: ServerProcess;

  afterEach(() => server.stop());

  test(
    'loses no acknowledged write, doubles none, and finds running processes again',
    async () => {
      server = await startServerProcess();
      const jobs = ['one', 'two', 'three'];
      for (const job of jobs)
        await send(server, 'PUT', '/v1/jobs', {
          Job: serviceJob(job, { Driver: 'mock_driver', Config: { run_for: '1h' } }),
        });
      await send(server, 'PUT', '/v1/jobs', {
        Job: serviceJob('process', { Driver: 'raw_exec', Config: { command: '/bin/sleep', args: ['600'] } }),
      });
      const process_ = await allocOf(server, 'process');
      const pid = pidOf(server, process_);
      const deployments = await until('four deployments', async () => {
        const list = await send<Deployment[]>(server, 'GET', '/v1/deployments');
        return list.length === 4 ? list : undefined;
      });

      const acknowledged = new Map<string, { index: number; status: string }>();
      let answered = 0;
      const hammer = async (id: string): Promise<void> => {
        for (let pause = true; ; pause = !pause) {
          const answer = await send<{ Index: number }>(server, 'PUT', `/v1/deployment/pause/${id}`, {
            DeploymentID: id,
            Pause: pause,
          });
          acknowledged.set(id, { index: answer.Index, status: pause ? 'paused' : 'running' });
          answered++;
        }
      };
      const hammering = Promise.allSettled(deployments.map((deployment) => hammer(deployment.ID)));
      await until('some answers', () => Promise.resolve(answered > 200 ? true : undefined));
      await server.kill();
      await hammering;

      server = await startServerProcess({ dataDir: server.dataDir, port: server.port });
      for (const [id, { index, status }] of acknowledged) {
        const now = await send<Deployment>(server, 'GET', `/v1/deployment/${id}`);
        expect(now.ModifyIndex).toBeGreaterThanOrEqual(index);
        // One more command may have been written without its answer getting out; then it is the next one in turn.
        if (now.ModifyIndex === index) expect(now.Status).toBe(status);
      }
      const again = await allocOf(server, 'process');
      expect(again.ID).toBe(process_.ID);
      expect(again.TaskStates?.['main']?.Restarts).toBe(0);
      expect(pidOf(server, again)).toBe(pid);
      expect(() => process.kill(pid, 0)).not.toThrow();
      expect(
        (await send<Alloc[]>(server, 'GET', '/v1/allocations')).filter((alloc) => jobs.includes(alloc.JobID)),
      ).toHaveLength(3);
      await send(server, 'DELETE', '/v1/job/process?purge=true');
      await until('the end of the process', () => {
        try {
          process.kill(pid, 0);
          return Promise.resolve(undefined);
        } catch {
          return Promise.resolve(true);
        }
      });
    },
    BOUND_MS,
  );

  test(
    'of its Postgres delays and loses nothing: the server goes on by itself',
    async () => {
      server = await startServerProcess();
      const first = await send<{ Index: number }>(server, 'PUT', '/v1/jobs', {
        Job: serviceJob('before', { Driver: 'mock_driver', Config: { run_for: '1h' } }),
      });
      const postmaster = Number(readFileSync(`${server.dataDir}/postgres/postmaster.pid`, 'utf8').split('\n')[0]);
      process.kill(postmaster, 'SIGKILL');
      const after = await until('a write after the crash', () =>
        send<{ Index: number }>(server, 'PUT', '/v1/jobs', {
          Job: serviceJob('after', { Driver: 'mock_driver', Config: { run_for: '1h' } }),
        }),
      );
      expect(after.Index).toBeGreaterThan(first.Index);
      expect((await send<{ ID: string }>(server, 'GET', '/v1/job/before')).ID).toBe('before');
      await allocOf(server, 'after');
    },
    BOUND_MS,
  );
});
