import { SimulatedClient } from '../../libs/nomad-rpc/testing/simulated-client.js';
import { freePort, startServerProcess, type ServerProcess } from '../support/server-process.js';

let server: ServerProcess;
let rpc: string;
let client: SimulatedClient;

const BOUND_MS = 60_000;

beforeAll(async () => {
  const port = await freePort();
  rpc = `127.0.0.1:${port}`;
  server = await startServerProcess({ env: { ROLLBOOK_DEV_NODES: '0', ROLLBOOK_RPC_PORT: String(port) } });
}, BOUND_MS);
afterAll(() => server?.stop(), BOUND_MS);

beforeEach(async () => {
  client = await new SimulatedClient({ servers: [rpc], name: 'client' }).start();
});
afterEach(async () => {
  await client.stop();
  await write(`/v1/node/${client.id}/purge`, {});
  // eslint-disable-next-line jest/no-standalone-expect -- what no client may ever see, whatever the test is about
  expect(client.violations).toEqual([]);
});

const read = async <T>(path: string): Promise<T> => (await (await fetch(server.url + path)).json()) as T;
const write = async <T>(path: string, body: object, method = 'PUT'): Promise<T> =>
  (await (await fetch(server.url + path, { method, body: JSON.stringify(body) })).json()) as T;
async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const job = (id: string, count: number, env = 'a'): object => ({
  Job: {
    ID: id,
    Name: id,
    Type: 'service',
    Datacenters: ['*'],
    TaskGroups: [
      {
        Name: 'web',
        Count: count,
        Update: { MaxParallel: count, MinHealthyTime: 1_000_000, HealthyDeadline: 20e9, ProgressDeadline: 30e9 },
        Networks: [{ DynamicPorts: [{ Label: 'http' }] }],
        Tasks: [
          {
            Name: 'main',
            Driver: 'exec',
            Config: { command: '/bin/sleep', args: ['1000'] },
            Env: { VERSION: env },
            Resources: { CPU: 20, MemoryMB: 16 },
          },
        ],
      },
    ],
  },
});
interface Deployment {
  readonly ID: string;
  readonly Status: string;
  readonly JobVersion: number;
}

it('a node that registers over RPC is ready, and shows all that its client told', async () => {
  const node = await until('the node to be ready', async () => {
    const found = await read<{ Status: string }>(`/v1/node/${client.id}`);
    return found.Status === 'ready' && found;
  });
  expect(node).toMatchObject({
    Name: 'client',
    SecretID: '',
    CgroupParent: 'nomad.slice',
    TLSEnabled: false,
    HostNetworks: null,
    Drivers: { exec: { Healthy: true, Detected: true }, docker: { Detected: false } },
    NodeResources: {
      Cpu: { CpuShares: 5192, TotalCpuCores: 2 },
      Processors: { Topology: { Nodes: [0] } },
      MinDynamicPort: 20000,
    },
    Attributes: { 'nomad.version': '2.0.6-dev', 'driver.exec': '1' },
  });
});

it('a deployment over such a node succeeds, an update replaces it, and a stopped job stops', async () => {
  await write('/v1/jobs', job('web', 3));
  const succeeded = (version: number) =>
    until(`version ${version} to succeed`, async () => {
      const found = await read<Deployment | null>('/v1/job/web/deployment');
      return found?.JobVersion === version && found.Status === 'successful' && found;
    });
  await succeeded(0);
  expect([...client.allocations.values()].map(({ status }) => status)).toEqual(['running', 'running', 'running']);
  const document = [...client.allocations.values()][0]!.document;
  expect(document).toMatchObject({
    AllocatedResources: {
      Shared: { Ports: [{ Label: 'http', HostIP: '127.0.0.1' }], Networks: [{ DynamicPorts: [{ Label: 'http' }] }] },
    },
    Job: { TaskGroups: [{ Tasks: [{ LogConfig: { MaxFiles: 10, MaxFileSizeMB: 10 } }] }] },
  });
  await write('/v1/jobs', job('web', 3, 'b'));
  await succeeded(1);
  await write('/v1/job/web', {}, 'DELETE');
  await until('all to stop', () =>
    Promise.resolve([...client.allocations.values()].every(({ status }) => status === 'complete')),
  );
  await until('the server to know', async () => {
    const allocs = await read<{ ClientStatus: string }[]>('/v1/job/web/allocations?all=true');
    return allocs.length === 6 && allocs.every((alloc) => alloc.ClientStatus === 'complete');
  });
  expect(client.killed).toEqual([]);
  await write('/v1/job/web?purge=true', {}, 'DELETE');
  await until('the client to forget what was purged', () => Promise.resolve(client.allocations.size === 0));
});

it('a cut connection costs nothing: no registration, no allocation', async () => {
  await write('/v1/jobs', job('cut', 1));
  await until('it to run', () =>
    Promise.resolve([...client.allocations.values()].some(({ status }) => status === 'running')),
  );
  client.cut();
  await write('/v1/jobs', job('cut', 1, 'b'));
  await until('the update over the new connection', async () => {
    const found = await read<Deployment | null>('/v1/job/cut/deployment');
    return found?.JobVersion === 1 && found.Status === 'successful';
  });
  expect(client.registrations).toBe(1);
  expect(client.killed).toEqual([]);
  await write('/v1/job/cut?purge=true', {}, 'DELETE');
});

it('a registration that says the same again writes nothing', async () => {
  const index = async (): Promise<string | null> =>
    (await fetch(`${server.url}/v1/node/${client.id}`)).headers.get('X-Nomad-Index');
  await until(
    'the node to be ready',
    async () => (await read<{ Status: string }>(`/v1/node/${client.id}`)).Status === 'ready',
  );
  const before = await index();
  const again = await new SimulatedClient({
    servers: [rpc],
    name: 'client',
    id: client.id,
    secret: client.secret,
  }).start();
  expect(await index()).toBe(before);
  await again.stop();
});

it('another secret is refused', async () => {
  const impostor = new SimulatedClient({ servers: [rpc], name: 'client', id: client.id });
  await expect(impostor.start()).rejects.toThrow('node secret ID does not match');
  await impostor.stop();
});
