import { isClientTerminal, type AllocationState, type Permissions } from '@app/domain';
import { allocationStream } from '@app/kernel';
import type { VerifiedIdentity } from '@app/keyring';
import { RpcError, type Connection } from '@app/nomad-rpc';
import type { NodeSessions } from './node-sessions.js';
import { isSecretOf, type KnownNode, type NodeDesk } from './services.js';

/** Who calls on behalf of a workload: the workload itself, or the node that runs it. spec/rpc §9. */
export type WorkloadCaller =
  | { readonly kind: 'workload'; readonly identity: VerifiedIdentity; readonly allocation: AllocationState }
  | { readonly kind: 'node'; readonly node: KnownNode };

/** Tells whose a token is: a workload's identity that we signed, or the secret of a node that calls on this very session. */
export class Callers {
  constructor(
    private readonly desk: NodeDesk,
    private readonly sessions: NodeSessions,
  ) {}

  /** @throws RpcError `Permission denied` */
  async resolve(token: string, { session }: Connection): Promise<WorkloadCaller> {
    if (token.includes('.')) return this.workload(token);
    const nodes = this.sessions.nodesOn(session);
    // After a failover a call may come before the first heartbeat: the client tries again within seconds, which it would not after a refusal.
    if (session !== undefined && nodes.length === 0) throw new RpcError('No cluster leader');
    for (const id of nodes) {
      const node = await this.desk.known(id);
      if (node !== undefined && isSecretOf(node, token)) return { kind: 'node', node };
    }
    throw new RpcError('Permission denied');
  }

  /** What a caller may do. A node as such reads no variables. */
  permissionsOf(caller: WorkloadCaller): Promise<Permissions> {
    if (caller.kind === 'node') return Promise.resolve(this.desk.services.permissionsOfNodes);
    return this.desk.services.permissionsOf(caller.allocation, caller.identity.taskName);
  }

  private async workload(token: string): Promise<WorkloadCaller> {
    const identity = await this.desk.services.identities.verify(token);
    if (identity === undefined) throw new RpcError('Permission denied');
    const stream = allocationStream(identity.allocationId);
    const stored = (await this.desk.services.store.load([stream])).get(stream);
    const allocation = stored && (JSON.parse(stored.state) as AllocationState);
    if (allocation === undefined || allocation.purged || isClientTerminal(allocation))
      throw new RpcError('Permission denied');
    return { kind: 'workload', identity, allocation };
  }
}
