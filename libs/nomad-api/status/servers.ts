import type { Leases } from '@app/event-store';
import type { ServerDirectory } from '@app/read-models';
import { ServerIdentity } from '../edge/server-identity.js';

const RPC_PORT_OFFSET = 1;
/** The lease of the reactors: who holds it is what Nomad calls the leader. */
const LEADER_LEASE = 'scheduler';

/** A server of this database. */
export interface Server {
  /** The instance's name: what Nomad's node id is there. */
  readonly id: string;
  readonly name: string;
  /** `host:port` of RPC. */
  readonly rpcAddress: string;
  readonly isLeader: boolean;
  /** This process. */
  readonly isSelf: boolean;
}

/** All servers of this database, and who leads them. */
export class Servers {
  constructor(
    private readonly directory: Pick<ServerDirectory, 'servers'>,
    private readonly leases: Pick<Leases, 'listLeases'>,
    private readonly instance: string,
    private readonly self: ServerIdentity,
  ) {}

  /** In a fixed order. This one is always among them; one that serves no RPC is known to itself only. */
  async list(): Promise<readonly Server[]> {
    const [entries, { leader }] = await Promise.all([this.directory.servers(), this.leadership()]);
    const addresses = new Map(entries.map(({ instance, rpcAddress }) => [instance, rpcAddress]));
    if (!addresses.has(this.instance))
      addresses.set(this.instance, `${this.self.address}:${this.self.port + RPC_PORT_OFFSET}`);
    return [...addresses].map(([id, rpcAddress]) => ({
      id,
      name: id.split('/')[0]!,
      rpcAddress,
      isLeader: id === leader,
      isSelf: id === this.instance,
    }));
  }

  /** The instance that leads, if one does, and how often that has changed. */
  async leadership(): Promise<{ readonly leader: string | undefined; readonly term: number }> {
    const lease = (await this.leases.listLeases()).find(({ name }) => name === LEADER_LEASE);
    return { leader: lease === undefined || lease.expired ? undefined : lease.holder, term: Number(lease?.epoch ?? 0) };
  }

  /** Nomad's Member. */
  render({ id, name, rpcAddress }: Server): object {
    const { region, datacenter, version } = this.self;
    const colon = rpcAddress.lastIndexOf(':');
    const [host, port] = [rpcAddress.slice(0, colon), rpcAddress.slice(colon + 1)];
    return {
      Name: `${name}.${region}`,
      Addr: host,
      Port: Number(port),
      Tags: {
        region,
        dc: datacenter,
        build: version,
        port,
        rpc_addr: host,
        role: 'nomad',
        raft_vsn: '3',
        id,
        vsn: '1',
        revision: '',
      },
      Status: 'alive',
      ProtocolMin: 1,
      ProtocolMax: 5,
      ProtocolCur: 2,
      DelegateMin: 2,
      DelegateMax: 5,
      DelegateCur: 4,
    };
  }
}
