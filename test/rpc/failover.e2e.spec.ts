import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SimulatedClient } from '../../libs/nomad-rpc/testing/simulated-client.js';
import { getJson, JOIN_TOKEN, Stack, until } from '../cluster/stack.js';
import { freePort } from '../support/server-process.js';

jest.setTimeout(120_000);
const BOUND_MS = 30_000;
const STALL_MS = 5_000;
/** A killed instance's sessions are elsewhere after this time. */
const MOVED_MS = 10_000;
/** The process of the task on the stack's own agent. */
let taskPid = 0;

describe('two servers that client agents speak to', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-rpc-'));
  let stack: Stack;
  let client: SimulatedClient;

  beforeAll(async () => {
    const rpcPorts = [await freePort(), await freePort()];
    stack = await Stack.start({ directory, servers: 2, agents: 1, rpcPorts });
    const servers = rpcPorts.map((port) => `127.0.0.1:${port}`);
    client = await new SimulatedClient({ servers, name: 'client', datacenter: 'far', token: JOIN_TOKEN }).start();
    await put('/v1/jobs', {
      Job: job('near', 'dc1', 'raw_exec', { command: '/bin/sh', args: ['-c', 'echo hello; exec sleep 1000'] }),
    });
    await put('/v1/jobs', { Job: job('web', 'far', 'exec', { command: '/bin/sleep', args: ['1000'] }) });
    await until('both to run', BOUND_MS, async () => (await running('near')) && (await running('web')));
  });
  afterAll(async () => {
    await client?.stop();
    await stack?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const job = (id: string, datacenter: string, driver: string, config: object, env = 'a'): object => ({
    ID: id,
    Name: id,
    Type: 'service',
    Datacenters: [datacenter],
    TaskGroups: [
      {
        Name: 'g',
        Count: 1,
        Update: { MaxParallel: 1, MinHealthyTime: 1_000_000 },
        Tasks: [
          { Name: 'main', Driver: driver, Config: config, Env: { VERSION: env }, Resources: { CPU: 20, MemoryMB: 16 } },
        ],
      },
    ],
  });
  const put = (path: string, body: object): Promise<Response> =>
    fetch(stack.balancer.url + path, { method: 'PUT', body: JSON.stringify(body) });
  interface Allocation {
    readonly ID: string;
    readonly ClientStatus: string;
    readonly JobVersion: number;
    readonly TaskStates: Readonly<Record<string, { Restarts: number }>> | null;
  }
  const allocations = (id: string): Promise<Allocation[]> => getJson(`${stack.balancer.url}/v1/job/${id}/allocations`);
  const running = async (id: string): Promise<boolean> =>
    (await allocations(id)).some(({ ClientStatus }) => ClientStatus === 'running');

  test('the log of a task is read through whichever server is asked', async () => {
    const [alloc] = await allocations('near');
    for (const { url } of stack.instances) {
      await until(`the log through ${url}`, BOUND_MS, async () => {
        const answer = await fetch(`${url}/v1/client/fs/logs/${alloc!.ID}?task=main&type=stdout&plain=true`);
        return (await answer.text()) === 'hello\n';
      });
      const stats = await getJson<{ Tasks: Record<string, { Pids: object }> }>(
        `${url}/v1/client/allocation/${alloc!.ID}/stats`,
      );
      expect(Object.keys(stats.Tasks)).toEqual(['main']);
      taskPid = Number(Object.keys(stats.Tasks['main']!.Pids)[0]);
    }
  });

  test('a server that stalls for seconds takes no node down and touches no allocation', async () => {
    const before = await allocations('web');
    for (const { child } of stack.instances) child.signal('SIGSTOP');
    await delay(STALL_MS);
    for (const { child } of stack.instances) child.signal('SIGCONT');
    await until('both to answer again', BOUND_MS, () => running('web'));
    const after = await allocations('web');
    expect(after.map(({ ID, ClientStatus }) => [ID, ClientStatus])).toEqual(
      before.map(({ ID, ClientStatus }) => [ID, ClientStatus]),
    );
    const nodes = await getJson<{ Status: string }[]>(`${stack.balancer.url}/v1/nodes`);
    expect(nodes.map(({ Status }) => Status)).toEqual(['ready', 'ready']);
    expect(client.killed).toEqual([]);
  });

  test('the client of a server that is killed goes on with the other one: no registration, no allocation lost', async () => {
    const [first] = stack.instances;
    const before = await allocations('web');
    // A server that registered the client before it knew of the other one names it at the next heartbeat.
    await until('both servers to be named', BOUND_MS, () => Promise.resolve(client.knownServers.length === 2));
    await first!.child.end('SIGKILL');
    const calls = client.calls.get('Node.GetClientAllocs') ?? 0;
    await until('a blocked query at the other server', MOVED_MS, () =>
      Promise.resolve((client.calls.get('Node.GetClientAllocs') ?? 0) > calls),
    );
    const update = { Job: job('web', 'far', 'exec', { command: '/bin/sleep', args: ['1000'] }, 'b') };
    // The balancer may still ask the server that is gone, and does not ask the other one for a write by itself.
    await until('the update to be accepted', BOUND_MS, async () => (await put('/v1/jobs', update)).ok);
    await until('the update over the other server', BOUND_MS, async () =>
      (await allocations('web')).some(({ JobVersion, ClientStatus }) => JobVersion === 1 && ClientStatus === 'running'),
    );
    expect(client.registrations).toBe(1);
    expect(client.killed).toEqual([]);
    expect(client.violations).toEqual([]);
    expect((await allocations('web')).map(({ ID }) => ID)).toEqual(expect.arrayContaining(before.map(({ ID }) => ID)));
    first!.child.start();
    await first!.ready();
    const [alloc] = await allocations('near');
    await until('the own agent to be called again through both', BOUND_MS, async () => {
      const answers = await Promise.all(
        stack.instances.map(({ url }) =>
          fetch(`${url}/v1/client/fs/logs/${alloc!.ID}?task=main&type=stdout&plain=true`),
        ),
      );
      return answers.every(({ status }) => status === 200);
    });
  });
});

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('the task of a stack that has stopped does not go on', async () => {
  expect(taskPid).toBeGreaterThan(0);
  await until('its process to be gone', BOUND_MS, () => Promise.resolve(!lives(taskPid)));
});
