import { All, Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { queryOf } from '../edge/exchange.js';
import { sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { NomadError, param, params, type Query } from '../http/index.js';
import { Servers, type Server } from '../status/servers.js';

/** Nomad: /v1/operator/raft; spec/http-api-client §11. The peers are the servers of the database, and its leader is who holds the lease. */
@Controller('v1/operator/raft')
export class RaftController {
  constructor(
    private readonly servers: Servers,
    private readonly identity: ServerIdentity,
  ) {}

  @Get('configuration')
  async configuration(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const servers = await this.servers.list();
    sendJson(request, reply, {
      Servers: servers.map(({ id, name, rpcAddress, isLeader }) => ({
        ID: id,
        Node: `${name}.${this.identity.region}`,
        Address: rpcAddress,
        Leader: isLeader,
        Voter: true,
        RaftProtocol: '3',
      })),
      Index: 0,
    });
  }

  @Delete('peer')
  async removePeer(@Req() request: FastifyRequest): Promise<void> {
    const query = queryOf(request);
    const id = param(query, 'id');
    if (query.has('address') && id === '')
      throw new NomadError('Removing a peer by address is not supported in the current raft protocol version', 400);
    if (id === '') throw new NomadError("Must specify the peer's ID to remove", 400);
    await this.find(id, 'id', 500);
    throw new NomadError('a server of Rollbook is removed by stopping it: it is forgotten within seconds', 501);
  }

  @Put('transfer-leadership')
  async transfer(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = queryOf(request);
    const key = keyOf(query);
    const given = params(query, key);
    if (given.length > 1) throw new NomadError(`must specify only one ${key}`, 400);
    const [wanted = ''] = given;
    if (wanted === '') throw new NomadError(`${key} must be non-empty`, 400);
    const to = await this.find(wanted, key, 400);
    const tell = ({ id, rpcAddress }: Server): object => ({ ID: id, Address: rpcAddress });
    if (to.isLeader) return sendJson(request, reply, { From: tell(to), To: tell(to), Noop: true, Err: null });
    throw new NomadError(
      'the leader of Rollbook is who holds a lease in the database, which cannot be handed to a certain server: stop the leader, and another one takes it',
      501,
    );
  }

  @All('*')
  unknown(): never {
    throw new NomadError('Invalid method', 404);
  }

  /** @throws NomadError for a server that is none of this database */
  private async find(wanted: string, key: 'id' | 'address', status: number): Promise<Server> {
    const servers = await this.servers.list();
    const found = servers.find(({ id, rpcAddress }) => (key === 'id' ? id : rpcAddress) === wanted);
    if (found === undefined) throw new NomadError(`${key} "${wanted}" was not found in the Raft configuration`, status);
    return found;
  }
}

/** @throws NomadError unless a server is named in one of the two ways */
function keyOf(query: Query): 'id' | 'address' {
  const [byId, byAddress] = [query.has('id'), query.has('address')];
  if (byId && byAddress) throw new NomadError('must specify either id or address', 400);
  if (!byId && !byAddress) throw new NomadError('must specify id or address', 400);
  return byId ? 'id' : 'address';
}
