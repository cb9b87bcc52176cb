import { hostname, networkInterfaces, release, type, version as kernelVersion } from 'node:os';
import { readFile, statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { Controller, Get, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { queryOf } from '../edge/exchange.js';
import { accessOf } from '../acl/access.js';
import { agent, open } from '../acl/check.js';
import { sendJson } from '../edge/reads.js';
import { NomadError, param, params, parseBool } from '../http/index.js';
import { Servers } from './servers.js';

const SCHEDULERS = ['service', 'batch', 'system', 'sysbatch', '_core'];
/** Of Nomad's gossip, where an address names none. */
const DEFAULT_JOIN_PORT = 4648;
const MAX_JOINED = 16;
const CONNECT_MS = 2000;
const BYTES_PER_MB = 1024 * 1024;
/** Go's null time: nobody has written down since when. */
export const UNKNOWN_TIME = '0001-01-01T00:00:00Z';

/** Nomad: what is done to an agent, and what it says of its host and its schedulers; spec/http-api-client §10. */
@Controller('v1/agent')
export class AgentController {
  private readonly startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();

  constructor(private readonly servers: Servers) {}

  /** Nodes inside this process stay with it: there is nothing to change. */
  @Put('servers')
  chooseServers(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    if (params(queryOf(request), 'address').length === 0) throw new NomadError('missing server address', 400);
    void reply.code(200).send();
  }

  /** A server joins by its database. Of an address it is told whether it is a server of this one, or why it is not. */
  @Put('join')
  async join(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const addresses = params(queryOf(request), 'address');
    if (addresses.length === 0) throw new NomadError('missing address to join', 400);
    const access = accessOf(request);
    // Nomad joins no empty address, whoever asks.
    access.as(addresses.every((address) => address === '') ? open : agent('write'));
    access.require();
    if (addresses.length > MAX_JOINED) throw new NomadError(`more than ${MAX_JOINED} addresses`, 400);
    const known = new Set((await this.servers.list()).map(({ rpcAddress }) => rpcAddress));
    const errors = await Promise.all(addresses.filter((address) => !known.has(address)).map(whyNotJoined));
    const plural = errors.length === 1 ? 'error' : 'errors';
    const error =
      errors.length === 0
        ? ''
        : `${errors.length} ${plural} occurred:\n${errors.map((one) => `\t* ${one}\n`).join('')}\n`;
    sendJson(request, reply, { num_joined: addresses.length - errors.length, error, warning: '' });
  }

  /** A server that is gone is forgotten by itself; one that is there stays. */
  @Put('force-leave')
  forceLeave(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const query = queryOf(request);
    if (param(query, 'node') === '') throw new NomadError('missing node to force leave', 400);
    const prune = param(query, 'prune');
    if (prune !== '' && !parseBool(prune).ok) throw new NomadError('invalid prune value', 400);
    void reply.code(200).send();
  }

  /** Certificates are read anew when their files change; nothing else of the configuration can be. */
  @Put('reload')
  reload(@Res() reply: FastifyReply): void {
    void reply.code(200).send();
  }

  @Get('schedulers')
  async schedulers(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const self = await this.self();
    sendJson(request, reply, {
      server_id: self.id,
      schedulers: [
        {
          id: self.id,
          enabled_schedulers: SCHEDULERS,
          started: this.startedAt,
          status: self.isLeader ? 'Started' : 'Paused',
          workload_status: 'WaitingToDequeue',
        },
      ],
    });
  }

  /** The leader schedules, one evaluation after the other. */
  @Get('schedulers/config')
  async schedulersConfig(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { id } = await this.self();
    sendJson(request, reply, { server_id: id, num_schedulers: 1, enabled_schedulers: SCHEDULERS });
  }

  /** What the host is. The environment's names are told, their values are not. */
  @Get('host')
  async host(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = queryOf(request);
    const { id, name } = await this.self();
    const wanted = param(query, 'server_id');
    if (param(query, 'node_id') !== '' || (wanted !== '' && wanted !== id && wanted !== name))
      throw new NomadError('the data of a host is told by the server on it only: ask that one', 501);
    const { bsize, blocks, bavail } = await statfs('/');
    const data = {
      OS: `${type()} ${release()} ${kernelVersion()} ${hostname()}`,
      Network: Object.entries(networkInterfaces()).map(([interfaceName, addresses = []]) => ({
        name: interfaceName,
        address: addresses.map(({ cidr, address }) => cidr ?? address),
      })),
      ResolvConf: await textOf('/etc/resolv.conf'),
      Hosts: await textOf('/etc/hosts'),
      Environment: Object.fromEntries(Object.keys(process.env).map((variable) => [variable, '<redacted>'])),
      Disk: {
        '/': {
          DiskMB: Math.floor((blocks * bsize) / BYTES_PER_MB),
          UsedMB: Math.floor(((blocks - bavail) * bsize) / BYTES_PER_MB),
        },
      },
    };
    sendJson(request, reply, wanted === '' ? data : { AgentID: id, HostData: data });
  }

  private async self(): Promise<{ readonly id: string; readonly name: string; readonly isLeader: boolean }> {
    return (await this.servers.list()).find(({ isSelf }) => isSelf)!;
  }
}

const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

/** Why an address is no server of this cluster, in Nomad's words where it cannot be reached. */
function whyNotJoined(address: string): Promise<string> {
  const [, host = address, port = String(DEFAULT_JOIN_PORT)] = /^(.*?)(?::(\d{1,5}))?$/.exec(address) ?? [];
  const full = `${host}:${port}`;
  const failed = (why: string): string => `failed to join ${address}: dial tcp ${full}: ${why}`;
  if (Number(port) > 65_535) return Promise.resolve(failed('invalid port'));
  return new Promise((resolve) => {
    const socket = connect({ host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port), timeout: CONNECT_MS });
    const end = (text: string): void => {
      socket.destroy();
      resolve(text);
    };
    socket.once('timeout', () => end(failed('i/o timeout')));
    socket.once('connect', () =>
      end(`failed to join ${address}: servers of Rollbook join by their database, and this is none of this one`),
    );
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      end(failed(code === 'ECONNREFUSED' ? 'connect: connection refused' : message)),
    );
  });
}
