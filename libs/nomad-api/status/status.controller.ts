import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { queryOf } from '../edge/exchange.js';
import { sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { params } from '../http/index.js';
import { AgentSelf } from './agent-self.js';
import { Servers } from './servers.js';

const TEXT = 'text/plain; charset=utf-8';

/** Nomad: status and regions, and what an agent says of itself; spec/http-api §4.9, http-api-client §10. */
@Controller('v1')
export class StatusController {
  constructor(
    private readonly server: ServerIdentity,
    private readonly servers: Servers,
    private readonly agentSelf: AgentSelf,
  ) {}

  @Get('status/leader')
  async leader(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const leader = (await this.servers.list()).find(({ isLeader }) => isLeader);
    sendJson(request, reply, leader?.rpcAddress ?? '');
  }

  @Get('status/peers')
  async peers(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    sendJson(request, reply, await this.addresses());
  }

  @Get('regions')
  regions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    sendJson(request, reply, [this.server.region]);
  }

  /** Of the types asked for, those that there are; one that this agent is not is an error. */
  @Get('agent/health')
  health(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const types = params(queryOf(request), 'type');
    const isClient = this.server.localNodeName !== undefined;
    const wants = (type: string): boolean => types.length === 0 || types.includes(type);
    const ok = { ok: true, message: 'ok' };
    const missing = types.includes('client') && !isClient;
    const health = {
      ...(wants('client') && isClient ? { client: ok } : {}),
      ...(missing ? { client: { ok: false, message: 'client not enabled' } } : {}),
      ...(wants('server') ? { server: ok } : {}),
    };
    if (missing) void reply.code(500).type(TEXT).send(JSON.stringify(health));
    else sendJson(request, reply, health);
  }

  @Get('agent/servers')
  async agentServers(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    sendJson(request, reply, [...(await this.addresses())].sort());
  }

  @Get('agent/members')
  async members(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { name, region, datacenter } = this.server;
    const members = (await this.servers.list()).map((one) => this.servers.render(one));
    sendJson(request, reply, { ServerName: name, ServerRegion: region, ServerDC: datacenter, Members: members });
  }

  @Get('agent/self')
  async self(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    sendJson(request, reply, await this.agentSelf.render());
  }

  private async addresses(): Promise<readonly string[]> {
    return [...new Set((await this.servers.list()).map(({ rpcAddress }) => rpcAddress))];
  }
}
