import {
  deleteServiceRequest,
  getServiceReply,
  getServiceRequest,
  indexReply,
  listServicesReply,
  listServicesRequest,
  listVariablesReply,
  listVariablesRequest,
  readVariableReply,
  readVariableRequest,
  signIdentitiesReply,
  signIdentitiesRequest,
  upsertServicesRequest,
  whoAmIReply,
  whoAmIRequest,
} from '@app/nomad-rpc';
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
const write = async (path: string, body: object, method = 'PUT'): Promise<void> => {
  await (await fetch(server.url + path, { method, body: JSON.stringify(body) })).text();
};
async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const job = (
  id: string,
  count: number,
  env = 'a',
  more: { readonly task?: object; readonly group?: object } = {},
): object => ({
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
        ...more.group,
        Tasks: [
          {
            Name: 'main',
            Driver: 'exec',
            Config: { command: '/bin/sleep', args: ['1000'] },
            Env: { VERSION: env },
            Resources: { CPU: 20, MemoryMB: 16 },
            ...more.task,
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

describe('what a workload needs', () => {
  const identity = { Name: 'aud1', Audience: ['a.example'], TTL: 3600e9, File: true };
  let alloc: string;
  let token: string;

  beforeEach(async () => {
    const task = { Identities: [identity], Templates: [{ EmbeddedTmpl: 'x', DestPath: 'local/x' }] };
    const group = { Services: [{ Name: 'web', PortLabel: 'http', Provider: 'nomad' }] };
    await write('/v1/jobs', job('wl', 1, 'a', { task, group }));
    alloc = await until('it to run', () =>
      Promise.resolve([...client.allocations].find(([, { status }]) => status === 'running')?.[0]),
    );
    const signed = client.allocations.get(alloc)!.document['SignedIdentities'] as Record<string, string>;
    token = signed['main']!;
  });
  afterEach(() => write('/v1/job/wl?purge=true', {}, 'DELETE'));

  const claimsOf = (jwt: string): Record<string, unknown> =>
    JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;

  it('a default identity comes with the allocation, and says whose it is', async () => {
    expect(claimsOf(token)).toMatchObject({
      sub: 'global:default:wl:web:main:default',
      nomad_allocation_id: alloc,
      nomad_task: 'main',
      aud: 'nomadproject.io',
    });
    const who = await client.call(
      { method: 'ACL.WhoAmI', arguments: whoAmIRequest, reply: whoAmIReply },
      client.query(0, token),
    );
    expect(who.Identity.Claims).toMatchObject({
      AllocationID: alloc,
      JobID: 'wl',
      TaskName: 'main',
      Subject: 'global:default:wl:web:main:default',
    });
    await expect(
      client.call({ method: 'ACL.WhoAmI', arguments: whoAmIRequest, reply: whoAmIReply }, client.query(0, `${token}x`)),
    ).rejects.toThrow('Permission denied');
  });

  it('named identities are signed for the node that runs the allocation, and others rejected', async () => {
    const wanted = {
      AllocID: alloc,
      IdentityName: 'aud1',
      WorkloadIdentifier: 'main',
      WorkloadType: 0,
      InterpolatedWorkloadIdentifier: '',
    };
    const sign = { method: 'Alloc.SignIdentities', arguments: signIdentitiesRequest, reply: signIdentitiesReply };
    const { SignedIdentities, Rejections } = await client.call(sign, {
      ...client.query(0),
      Identities: [wanted, { ...wanted, IdentityName: 'nope' }],
    });
    expect(claimsOf(SignedIdentities![0]!.JWT)).toMatchObject({
      aud: 'a.example',
      sub: 'global:default:wl:web:main:aud1',
    });
    expect(Rejections).toMatchObject([{ IdentityName: 'nope', Reason: 'identity not found' }]);
    await expect(client.call(sign, { ...client.query(0, token), Identities: [wanted] })).rejects.toThrow(
      'Permission denied',
    );
  });

  it('services are registered, seen over HTTP and by templates, waited for, and deleted', async () => {
    const registration = {
      ID: `_nomad-task-${alloc}-group-web-web-http`,
      ServiceName: 'web',
      Namespace: 'default',
      NodeID: client.id,
      Datacenter: 'dc1',
      JobID: 'wl',
      AllocID: alloc,
      Tags: ['a'],
      Address: '127.0.0.1',
      Port: 25_000,
      CreateIndex: 0,
      ModifyIndex: 0,
    };
    const get = { method: 'ServiceRegistration.GetService', arguments: getServiceRequest, reply: getServiceReply };
    const empty = await client.call(get, {
      ...client.query(0, token),
      Namespace: 'default',
      ServiceName: 'web',
      Choose: '',
    });
    expect(empty.Services).toEqual([]);
    const waiting = client.call(get, {
      ...client.query(empty.Index, token),
      Namespace: 'default',
      MaxQueryTime: 20_000_000_000n,
      ServiceName: 'web',
      Choose: '',
    });
    const { Index } = await client.call(
      { method: 'ServiceRegistration.Upsert', arguments: upsertServicesRequest, reply: indexReply },
      { ...client.write(), Services: [registration] },
    );
    expect(Index).toBeGreaterThan(0);
    expect((await waiting).Services).toMatchObject([{ ServiceName: 'web', Port: 25_000, AllocID: alloc, Tags: ['a'] }]);
    expect(await read('/v1/service/web')).toMatchObject([{ ID: registration.ID, Address: '127.0.0.1' }]);
    const list = await client.call(
      { method: 'ServiceRegistration.List', arguments: listServicesRequest, reply: listServicesReply },
      { ...client.query(0, token), Namespace: 'default' },
    );
    expect(list.Services).toMatchObject([{ Namespace: 'default', Services: [{ ServiceName: 'web', Tags: ['a'] }] }]);
    const remove = { method: 'ServiceRegistration.DeleteByID', arguments: deleteServiceRequest, reply: indexReply };
    await client.call(remove, { ...client.write(), Namespace: 'default', ID: registration.ID });
    await expect(client.call(remove, { ...client.write(), Namespace: 'default', ID: registration.ID })).rejects.toThrow(
      'service registration not found',
    );
  });

  it('variables are read, waited for without an early answer, and listed', async () => {
    await write('/v1/var/nomad/jobs/wl', { Items: { k: 'hello' } });
    const one = { method: 'Variables.Read', arguments: readVariableRequest, reply: readVariableReply };
    const found = await client.call(one, { ...client.query(0, token), Namespace: 'default', Path: 'nomad/jobs/wl' });
    expect(found.Data).toMatchObject({ Path: 'nomad/jobs/wl', Items: { k: 'hello' }, ModifyIndex: found.Index });
    const began = performance.now();
    const early = await client.call(one, {
      ...client.query(found.Index, token),
      Namespace: 'default',
      MaxQueryTime: 500_000_000n,
      Path: 'nomad/jobs/wl',
    });
    expect(performance.now() - began).toBeGreaterThan(450);
    expect(early.Index).toBe(found.Index);
    const missing = await client.call(one, {
      ...client.query(0, token),
      Namespace: 'default',
      Path: 'nomad/jobs/nope',
    });
    expect(missing).toMatchObject({ Data: null });
    expect(missing.Index).toBeGreaterThan(0);
    const listed = await client.call(
      { method: 'Variables.List', arguments: listVariablesRequest, reply: listVariablesReply },
      { ...client.query(0, token), Namespace: 'default', Prefix: 'nomad/jobs' },
    );
    expect(listed.Data).toMatchObject([{ Path: 'nomad/jobs/wl' }]);
    await write('/v1/var/nomad/jobs/wl', {}, 'DELETE');
  });
});
