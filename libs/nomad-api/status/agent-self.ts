import { availableParallelism, arch, platform } from 'node:os';
import { LogTail } from '@app/streaming';
import { ServerIdentity } from '../edge/server-identity.js';
import { LocalNode } from './local-node.js';
import { Servers, type Server } from './servers.js';

/** Nomad's agent about itself, in the fields that Nomad's has; what this server has nothing of is empty. Recording `agent-self`. */
export class AgentSelf {
  constructor(
    private readonly server: ServerIdentity,
    private readonly servers: Servers,
    private readonly tail: LogTail,
    private readonly localNode: LocalNode,
  ) {}

  async render(): Promise<object> {
    const servers = await this.servers.list();
    const { term } = await this.servers.leadership();
    const nodeId = await this.localNode.id();
    const self = servers.find(({ isSelf }) => isSelf)!;
    return {
      config: this.config(),
      member: this.servers.render(self),
      stats: {
        nomad: {
          server: 'true',
          leader: String(self.isLeader),
          leader_addr: servers.find(({ isLeader }) => isLeader)?.rpcAddress ?? '',
          bootstrap: String(servers.length === 1),
          known_regions: '1',
        },
        raft: this.raft(servers, self, term),
        serf: serf(servers),
        runtime: {
          version: process.version,
          arch: arch(),
          'kernel.name': platform(),
          cpu_count: String(availableParallelism()),
          max_procs: String(availableParallelism()),
          goroutines: String(process.getActiveResourcesInfo().length),
        },
        ...(nodeId === undefined ? {} : { client: await this.client(nodeId, servers) }),
      },
    };
  }

  /** What Nomad's log of writes is, the event log is here: one index, all of it committed. */
  private raft(servers: readonly Server[], self: Server, term: number): Record<string, string> {
    const applied = String(this.tail.applied);
    return {
      state: self.isLeader ? 'Leader' : 'Follower',
      term: String(term),
      last_log_index: applied,
      last_log_term: String(term),
      commit_index: applied,
      applied_index: applied,
      fsm_pending: '0',
      last_snapshot_index: '0',
      last_snapshot_term: '0',
      last_contact: self.isLeader ? '0' : `${this.tail.lastContactMs}ms`,
      num_peers: String(servers.length - 1),
      latest_configuration: JSON.stringify(servers.map(({ id, rpcAddress }) => ({ ID: id, Address: rpcAddress }))),
      latest_configuration_index: '0',
      logstore_backend: 'postgres',
      protocol_version: '3',
      protocol_version_min: '0',
      protocol_version_max: '3',
      snapshot_version_min: '0',
      snapshot_version_max: '1',
    };
  }

  private async client(nodeId: string, servers: readonly Server[]): Promise<Record<string, string>> {
    return {
      node_id: nodeId,
      known_servers: servers.map(({ rpcAddress }) => rpcAddress).join(','),
      num_allocations: String(await this.localNode.allocations(nodeId)),
      last_heartbeat: '',
      heartbeat_ttl: '',
    };
  }

  private config(): object {
    const { name, region, datacenter, version, aclEnabled, address, port, localNodeName } = this.server;
    const [release = '', prerelease = ''] = version.split('-');
    return {
      Region: region,
      Datacenter: datacenter,
      NodeName: name,
      DataDir: '',
      PluginDir: '',
      LogLevel: '',
      LogJson: true,
      LogFile: '',
      LogIncludeLocation: false,
      LogRotateBytes: 0,
      LogRotateDuration: '',
      LogRotateMaxFiles: 0,
      BindAddr: address,
      EnableDebug: false,
      Ports: { HTTP: port, RPC: port + 1, Serf: 0 },
      Addresses: { HTTP: address, RPC: address, Serf: '' },
      AdvertiseAddrs: { HTTP: `${address}:${port}`, RPC: '', Serf: '' },
      Client: { Enabled: localNodeName !== undefined },
      Server: { Enabled: true, BootstrapExpect: 0 },
      RPC: null,
      ACL: { Enabled: aclEnabled },
      Telemetry: { PrometheusMetrics: true },
      LeaveOnInt: false,
      LeaveOnTerm: true,
      EnableSyslog: false,
      SyslogFacility: '',
      DisableUpdateCheck: true,
      DisableAnonymousSignature: true,
      Consuls: [],
      Vaults: [],
      UI: { Enabled: true, ShowCLIHints: false },
      TLSConfig: {},
      HTTPAPIResponseHeaders: {},
      Sentinel: null,
      Autopilot: {},
      Plugins: [],
      Limits: {},
      Audit: null,
      Reporting: null,
      KEKProviders: [],
      Eventlog: null,
      ConfigPaths: [],
      Files: [],
      DevMode: localNodeName !== undefined,
      Version: {
        Version: release,
        VersionPrerelease: prerelease,
        VersionMetadata: 'rollbook',
        Revision: '',
        BuildDate: '0001-01-01T00:00:00Z',
      },
    };
  }
}

/** Servers find each other by their database: nothing is gossiped, and the queues of gossip are empty. */
const serf = (servers: readonly Server[]): Record<string, string> => ({
  members: String(servers.length),
  failed: '0',
  left: '0',
  encrypted: 'false',
  health_score: '0',
  member_time: '0',
  event_time: '0',
  event_queue: '0',
  intent_queue: '0',
  query_queue: '0',
  query_time: '0',
  coordinate_resets: '0',
});
