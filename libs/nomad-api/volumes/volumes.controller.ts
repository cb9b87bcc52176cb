import { All, Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { anyone, namespace, open } from '../acl/check.js';
import { bodyOf, queryOf } from '../edge/exchange.js';
import { sendJson } from '../edge/reads.js';
import { NomadError, param, parseBool } from '../http/index.js';

const NO_VOLUMES =
  'volumes are not supported: there is no storage plugin, and no node offers host volumes to be registered';

const CSI_VOLUMES = namespace('csi-list-volume', 'csi-read-volume', 'csi-mount-volume', 'list-jobs');

/** Nomad: volumes and plugins of a cluster that has none; spec/http-api-more §18. */
@Controller('v1')
export class VolumesController {
  @Get('volumes')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const type = param(queryOf(request), 'type');
    if (!['', 'csi', 'host'].includes(type)) throw new NomadError('resource not found', 404);
    const access = accessOf(request);
    // Without a type Nomad does not look at the token.
    access.as(type === '' ? open : type === 'host' ? anyone : CSI_VOLUMES);
    access.require({ namespace: param(queryOf(request), 'namespace') || 'default' });
    sendJson(request, reply, []);
  }

  @Put('volumes')
  register(@Req() request: FastifyRequest): never {
    throw withBody(request);
  }

  @Get('volumes/claims')
  claims(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    check(request);
    sendJson(request, reply, []);
  }

  @Delete('volumes/claim/:id')
  deleteClaim(): never {
    throw new NomadError('task group volume claim does not exist', 500);
  }

  @Get(['volumes/external', 'volumes/snapshot'])
  external(): never {
    throw new NomadError('no such plugin', 500);
  }

  @Put('volumes/snapshot')
  createSnapshot(@Req() request: FastifyRequest): never {
    throw withBody(request);
  }

  @Delete('volumes/snapshot')
  deleteSnapshot(): never {
    throw new NomadError('no such plugin', 500);
  }

  @All('volume/csi/*')
  csi(@Req() request: FastifyRequest): never {
    check(request);
    const [id = '', action = '', ...more] = rest(request);
    if (more.length > 0) throw new NomadError('resource not found', 404);
    if (request.method === 'GET' && action === '')
      throw id === '' ? new NomadError('missing volume ID', 500) : new NomadError('volume not found', 404);
    if (request.method === 'DELETE' && action === 'detach') {
      if (param(queryOf(request), 'node') === '') throw new NomadError('detach requires node ID', 400);
      throw new NomadError(`volume not found: ${id}`, 500);
    }
    if (request.method === 'DELETE' && ['', 'delete'].includes(action)) {
      const force = param(queryOf(request), 'force');
      if (force !== '' && !parseBool(force).ok) throw new NomadError('invalid force value', 400);
      throw new NomadError(`volume not found: ${id}`, 500);
    }
    if (isPut(request) && ['', 'create'].includes(action)) throw withBody(request);
    throw new NomadError('Invalid method', 405);
  }

  @All('volume/host/*')
  host(@Req() request: FastifyRequest): never {
    check(request);
    const [id = ''] = rest(request);
    if (isPut(request)) throw withBody(request);
    if (request.method === 'GET') throw new NomadError('volume not found', 404);
    if (request.method === 'DELETE') throw new NomadError(`no such volume: ${id}`, 500);
    throw new NomadError('Invalid method', 405);
  }

  @Get('plugins')
  plugins(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const type = param(queryOf(request), 'type');
    if (['', 'csi'].includes(type)) sendJson(request, reply, []);
    else void reply.code(200).send();
  }

  @Get('plugin/csi/*')
  plugin(): never {
    throw new NomadError('plugin not found', 404);
  }
}

/** @throws NomadError (403) where the namespace of the request does not grant it */
const check = (request: FastifyRequest): void =>
  accessOf(request).require({ namespace: param(queryOf(request), 'namespace') || 'default' });

const isPut = ({ method }: FastifyRequest): boolean => method === 'PUT' || method === 'POST';

/** What follows the prefix, by segments. */
const rest = (request: FastifyRequest): string[] => (request.params as { readonly '*': string })['*'].split('/');

const withBody = (request: FastifyRequest): NomadError =>
  bodyOf(request).length === 0 ? new NomadError('Request body is empty', 400) : new NomadError(NO_VOLUMES, 501);
