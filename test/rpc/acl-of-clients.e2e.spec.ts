import { randomUUID } from 'node:crypto';
import {
  call,
  dial,
  getAllocReply,
  getAllocRequest,
  getClaimPoliciesRequest,
  getPoliciesReply,
  getPoliciesRequest,
  getRolesReply,
  getRolesRequest,
  openStream,
  whoAmIReply,
  whoAmIRequest,
} from '@app/nomad-rpc';
import { SimulatedClient } from '../../libs/nomad-rpc/testing/simulated-client.js';
import { freePort, startServerProcess, type ServerProcess } from '../support/server-process.js';

/* What a client agent that has ACLs on asks its servers for, so that logs and exec work with people's tokens. */

interface Token {
  readonly AccessorID: string;
  readonly SecretID: string;
}

let server: ServerProcess;
let rpc: string;
let client: SimulatedClient;
let management: Token;
let reader: Token;
let role: { readonly ID: string };
const RULES = 'namespace "default" { policy = "read" }';

async function write<T>(path: string, body: object, token = management?.SecretID ?? ''): Promise<T> {
  const init = { method: 'PUT', body: JSON.stringify(body), headers: { 'x-nomad-token': token } };
  const answer = await fetch(server.url + path, init);
  const text = await answer.text();
  expect({ path, status: answer.status, text }).toMatchObject({ status: 200 });
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

beforeAll(async () => {
  const port = await freePort();
  rpc = `127.0.0.1:${port}`;
  const env = { ROLLBOOK_DEV_NODES: '0', ROLLBOOK_RPC_PORT: String(port), ROLLBOOK_ACL: 'true' };
  server = await startServerProcess({ env });
  management = await write<Token>('/v1/acl/bootstrap', {});
  await write('/v1/acl/policy/readers', { Name: 'readers', Description: 'they read', Rules: RULES });
  role = await write('/v1/acl/role', { Name: 'readers', Policies: [{ Name: 'readers' }] });
  reader = await write('/v1/acl/token', { Name: 'one', Type: 'client', Roles: [{ ID: role.ID }] });
  client = await new SimulatedClient({ servers: [rpc], name: 'client' }).start();
}, 60_000);
afterAll(async () => {
  await client?.stop();
  await server?.stop();
}, 60_000);

const whoAmI = { method: 'ACL.WhoAmI', arguments: whoAmIRequest, reply: whoAmIReply };
const policies = { method: 'ACL.GetPolicies', arguments: getPoliciesRequest, reply: getPoliciesReply };
const roles = { method: 'ACL.GetRolesByID', arguments: getRolesRequest, reply: getRolesReply };
const claimPolicies = { method: 'ACL.GetClaimPolicies', arguments: getClaimPoliciesRequest, reply: getPoliciesReply };

it("tells whose a person's token is", async () => {
  const { Identity } = await client.call(whoAmI, client.query(0, reader.SecretID));
  expect(Identity).toMatchObject({
    Claims: null,
    ACLToken: {
      AccessorID: reader.AccessorID,
      SecretID: reader.SecretID,
      Name: 'one',
      Type: 'client',
      Roles: [{ ID: role.ID, Name: 'readers' }],
      ExpirationTime: null,
    },
  });
  const manager = await client.call(whoAmI, client.query(0, management.SecretID));
  expect(manager.Identity.ACLToken).toMatchObject({ Type: 'management' });
});

it('takes whoever shows no token as anonymous, and refuses one that nobody has', async () => {
  const { Identity } = await client.call(whoAmI, client.query(0, ''));
  expect(Identity.ACLToken).toMatchObject({ AccessorID: 'anonymous', Type: 'client', Policies: ['anonymous'] });
  await expect(client.call(whoAmI, client.query(0, randomUUID()))).rejects.toThrow('ACL token not found');
});

it('gives a node the policies and roles of others, and anybody else their own', async () => {
  const ask = (token: string, names: readonly string[]) =>
    client.call(policies, { ...client.query(0, token), Names: names });
  const expected = { readers: { Name: 'readers', Description: 'they read', Rules: RULES } };
  expect((await ask(client.secret, ['readers', 'constructor'])).Policies).toMatchObject(expected);
  expect((await ask(reader.SecretID, ['readers'])).Policies).toMatchObject(expected);
  expect((await ask(management.SecretID, ['readers'])).Policies).toMatchObject(expected);
  await expect(ask('', ['readers'])).rejects.toThrow('Permission denied');
  const found = await client.call(roles, { ...client.query(0, reader.SecretID), ACLRoleIDs: [role.ID] });
  expect(found.ACLRoles).toMatchObject({ [role.ID]: { Name: 'readers', Policies: [{ Name: 'readers' }] } });
  await expect(client.call(claimPolicies, client.query(0, client.secret))).rejects.toThrow('Permission denied');
});

it('shows no allocation to whoever has not said which node they are, and has them try again', async () => {
  const session = await dial({
    host: '127.0.0.1',
    port: Number(rpc.split(':')[1]),
    signal: AbortSignal.timeout(10_000),
    onStream: (stream) => stream.destroy(),
    onClose: () => undefined,
  });
  const get = { method: 'Alloc.GetAlloc', arguments: getAllocRequest, reply: getAllocReply };
  const args = { ...client.query(0, client.secret), AllocID: randomUUID() };
  const ask = () => call(openStream(session), get, args, AbortSignal.timeout(10_000));
  await expect(ask()).rejects.toThrow('No cluster leader');
  session.close();
  await expect(client.call(get, { ...client.query(0, randomUUID()), AllocID: randomUUID() })).rejects.toThrow(
    'Permission denied',
  );
  expect(await client.call(get, args)).toMatchObject({ Alloc: null });
});
