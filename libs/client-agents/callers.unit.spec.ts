import { NO_PERMISSIONS, permissionsOf, parseRules, type AllocationState, type Permissions } from '@app/domain';
import { allocationStream } from '@app/kernel';
import type { VerifiedIdentity } from '@app/keyring';
import type { Connection } from '@app/nomad-rpc';
import { Callers } from './callers.js';
import type { NodeSessions } from './node-sessions.js';
import { NodeDesk, type RpcServices } from './services.js';

const ALLOCATION = { id: 'a', namespace: 'default', jobId: 'web', taskGroup: 'app', clientStatus: 'running' };
const IDENTITY = { allocationId: 'a', namespace: 'default', jobId: 'web', taskName: 'main' };
const attached = parseRules('namespace "default" { variables { path "shared/*" { capabilities = ["read"] } } }');

const callersOf = (allocation: object): Callers => {
  const services: Partial<RpcServices> = {
    identities: { verify: () => Promise.resolve(IDENTITY as VerifiedIdentity) } as unknown as RpcServices['identities'],
    store: {
      load: () => Promise.resolve(new Map([[allocationStream('a'), { state: JSON.stringify(allocation) }]])),
    } as unknown as RpcServices['store'],
    permissionsOf: ({ jobId }: AllocationState, task: string): Promise<Permissions> =>
      Promise.resolve(
        permissionsOf(attached.ok ? [attached.rules] : [], `${jobId} ${task}`, {
          namespace: 'default',
          jobId,
          group: 'app',
          task,
        }),
      ),
    permissionsOfNodes: NO_PERMISSIONS,
  };
  const sessions = { nodesOn: () => [] } as unknown as NodeSessions;
  return new Callers(new NodeDesk(services as RpcServices), sessions);
};
const connection = { session: undefined } as unknown as Connection;

describe('A task that calls by RPC', () => {
  test('has what its job has and what the policies bound to it grant', async () => {
    const callers = callersOf(ALLOCATION);
    const permissions = await callers.permissionsOf(await callers.resolve('a.b.c', connection));
    expect(permissions.variable('default', 'nomad/jobs/web', 'read')).toBe(true);
    expect(permissions.variable('default', 'shared/a', 'read')).toBe(true);
    expect(permissions.variable('default', 'nomad/jobs/other', 'read')).toBe(false);
  });

  test('is nobody once its allocation has ended, and neither is a secret of no node on the connection', async () => {
    await expect(callersOf({ ...ALLOCATION, clientStatus: 'complete' }).resolve('a.b.c', connection)).rejects.toThrow(
      'Permission denied',
    );
    await expect(callersOf(ALLOCATION).resolve('no node', connection)).rejects.toThrow('Permission denied');
  });
});
