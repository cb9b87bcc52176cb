import { setTimeout as delay } from 'node:timers/promises';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

const BOUND_MS = 120_000;
const PATIENCE_MS = 30_000;
const PRIORITY = { filler: 20, newcomer: 50 };

interface Alloc {
  readonly ID: string;
  readonly DesiredStatus: string;
  readonly DesiredDescription: string;
  readonly ClientStatus: string;
  readonly PreemptedAllocations: readonly string[] | null;
  readonly PreemptedByAllocation: string;
}

describe('On a full node', () => {
  let server: ServerProcess;
  /** All the memory of the node, in MB. */
  let memory = 0;
  beforeAll(async () => {
    server = await startServerProcess();
    const [{ ID }] = (await send('GET', '/v1/nodes')) as [{ ID: string }];
    const node = (await send('GET', `/v1/node/${ID}`)) as { NodeResources: { Memory: { MemoryMB: number } } };
    memory = node.NodeResources.Memory.MemoryMB;
    await register('filler', 'service', 0.7, PRIORITY.filler);
    await runs('filler');
  }, BOUND_MS);
  afterAll(() => server?.stop());

  async function send(method: string, path: string, body?: object): Promise<unknown> {
    const options = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(server.url + path, { method, ...options });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
  const job = (ID: string, Type: string, share: number, Priority: number): object => ({
    ...{ ID, Name: ID, Type, Priority },
    TaskGroups: [
      {
        Name: 'web',
        EphemeralDisk: { SizeMB: 10 },
        Tasks: [
          {
            Name: 'main',
            Driver: 'mock_driver',
            Config: { run_for: '1h' },
            Resources: { CPU: 10, MemoryMB: Math.floor(memory * share) },
            LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
          },
        ],
      },
    ],
  });
  const register = (...about: Parameters<typeof job>): Promise<unknown> =>
    send('PUT', '/v1/jobs', { Job: job(...about) });
  const allocationsOf = async (id: string): Promise<Alloc[]> =>
    (await send('GET', `/v1/job/${id}/allocations`)) as Alloc[];
  const until = async <T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const found = await attempt();
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
      await delay(50);
    }
  };
  const runs = (id: string): Promise<Alloc> =>
    until(`a running allocation of ${id}`, async () =>
      (await allocationsOf(id)).find(
        ({ ClientStatus, DesiredStatus }) => ClientStatus === 'running' && DesiredStatus === 'run',
      ),
    );
  const evaluationsOf = async (id: string) =>
    (await send('GET', `/v1/job/${id}/evaluations`)) as { Status: string; TriggeredBy: string }[];
  const isBlocked = (id: string): Promise<true> =>
    until(`a blocked evaluation of ${id}`, async () =>
      (await evaluationsOf(id)).some(({ Status }) => Status === 'blocked') ? true : undefined,
    );

  test(
    'a system job evicts a service, which is back once there is room again',
    async () => {
      const victim = await runs('filler');
      await register('everywhere', 'system', 0.5, PRIORITY.newcomer);
      const placed = await runs('everywhere');
      expect(placed.PreemptedAllocations).toEqual([victim.ID]);
      const stopped = await until('the end of the evicted one', async () =>
        (await allocationsOf('filler')).find(({ ID, ClientStatus }) => ID === victim.ID && ClientStatus === 'complete'),
      );
      expect(stopped).toMatchObject({
        DesiredStatus: 'evict',
        DesiredDescription: `Preempted by alloc ID ${placed.ID}`,
        PreemptedByAllocation: placed.ID,
      });
      await isBlocked('filler');
      expect((await evaluationsOf('filler')).map(({ TriggeredBy }) => TriggeredBy)).toContain('preemption');

      await send('DELETE', '/v1/job/everywhere');
      expect((await runs('filler')).ID).not.toBe(victim.ID);
    },
    BOUND_MS,
  );

  test(
    'a service does so only once the configuration allows it',
    async () => {
      const victim = await runs('filler');
      await register('greedy', 'service', 0.5, PRIORITY.newcomer);
      await isBlocked('greedy');
      expect(await allocationsOf('greedy')).toEqual([]);

      const { SchedulerConfig } = (await send('GET', '/v1/operator/scheduler/configuration')) as {
        SchedulerConfig: { PreemptionConfig: object; ModifyIndex: number };
      };
      await send('PUT', `/v1/operator/scheduler/configuration?cas=${SchedulerConfig.ModifyIndex}`, {
        ...SchedulerConfig,
        PreemptionConfig: { ...SchedulerConfig.PreemptionConfig, ServiceSchedulerEnabled: true },
      });
      expect((await runs('greedy')).PreemptedAllocations).toEqual([victim.ID]);

      const { Annotations } = (await send('PUT', '/v1/job/third/plan', {
        Job: job('third', 'service', 0.7, PRIORITY.newcomer + 10),
      })) as { Annotations: { DesiredTGUpdates: object; PreemptedAllocs: Alloc[] } };
      expect(Annotations.DesiredTGUpdates).toMatchObject({ web: { Place: 1, Preemptions: 1 } });
      expect(Annotations.PreemptedAllocs.map(({ ID }) => ID)).toEqual([(await runs('greedy')).ID]);
    },
    BOUND_MS,
  );
});
