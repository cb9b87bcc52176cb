import { Controller, Get, Req, Res } from '@nestjs/common';
import { ReadModels } from '@app/read-models';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';

const RPC_PORT_OFFSET = 1;

/** Nomad: status, regions and agent, as far as clients need them; spec/http-api §4.9. */
@Controller('v1')
export class StatusController {
  constructor(
    private readonly server: ServerIdentity,
    private readonly readModels: ReadModels,
  ) {}

  @Get('status/leader')
  leader(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    sendJson(request, reply, this.rpcAddress);
  }

  @Get('status/peers')
  peers(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    sendJson(request, reply, [this.rpcAddress]);
  }

  @Get('regions')
  regions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    sendJson(request, reply, [this.server.region]);
  }

  @Get('agent/health')
  health(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    sendJson(request, reply, { server: { ok: true, message: 'ok' } });
  }

  @Get('agent/servers')
  servers(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    sendJson(request, reply, [this.rpcAddress]);
  }

  @Get('agent/members')
  members(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { name, region, datacenter } = this.server;
    sendJson(request, reply, { ServerName: name, ServerRegion: region, ServerDC: datacenter, Members: [this.member] });
  }

  @Get('agent/self')
  async self(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { name, region, datacenter, version, aclEnabled, address, port } = this.server;
    const [node] = await this.readModels.list({ table: 'node', where: {}, order: 'key', limit: 1 });
    sendJson(request, reply, {
      config: {
        Region: region,
        Datacenter: datacenter,
        NodeName: name,
        BindAddr: address,
        Ports: { HTTP: port, RPC: port + RPC_PORT_OFFSET, Serf: 0 },
        Server: { Enabled: true },
        Client: { Enabled: node !== undefined },
        ACL: { Enabled: aclEnabled },
        UI: { Enabled: false, ShowCLIHints: false },
        Version: { Version: version, VersionPrerelease: '', VersionMetadata: 'rollbook', Revision: '' },
      },
      member: this.member,
      stats: {
        nomad: { leader: 'true', server: 'true', leader_addr: this.rpcAddress, known_regions: '1', bootstrap: 'true' },
        ...(node === undefined ? {} : { client: { node_id: node.key } }),
      },
    });
  }

  private get rpcAddress(): string {
    return `${this.server.address}:${this.server.port + RPC_PORT_OFFSET}`;
  }

  private get member(): object {
    const { name, region, datacenter, version, address, port } = this.server;
    return {
      Name: `${name}.${region}`,
      Addr: address,
      Port: port + RPC_PORT_OFFSET,
      Tags: {
        region,
        dc: datacenter,
        build: version,
        port: String(port + RPC_PORT_OFFSET),
        rpc_addr: address,
        role: 'nomad',
        raft_vsn: '3',
        id: name,
        vsn: '1',
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
