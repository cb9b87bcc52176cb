import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import { defineAclAuthMethod, deleteAclAuthMethod, renderAclAuthMethod, type AclAuthMethodAnswer } from '@app/domain';
import { ACL_REGISTRY, aclAuthMethodStream } from '@app/kernel';
import { Keyring } from '@app/keyring';
import { ReadModels } from '@app/read-models';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, nameOf, orThrow } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { Reads } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { aclAuthMethodRequest, decodeBody, NomadError } from '../http/index.js';
import { authMethodCommand } from './auth-method-requests.js';
import { MethodSecrets } from './method-secrets.js';
import { ownRows } from './own-rows.js';
import { requireAcls } from './requirement.js';

/** Nomad: /v1/acl/auth-methods and /v1/acl/auth-method; spec/http-api-more §9. */
@Controller('v1/acl')
export class AclAuthMethodsController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly secrets: MethodSecrets,
    private readonly keyring: Keyring,
    private readonly server: ServerIdentity,
  ) {}

  /** For everybody: whoever is to log in has no token yet. */
  @Get('auth-methods')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const query = ownRows(this.readModels, { table: 'acl_auth_method', column: 'name', own: undefined, prefix: '' });
    return this.reads.send(request, reply, this.reads.options(request), query);
  }

  @Get('auth-method/:name')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const name = this.nameIn(request);
    const stream = aclAuthMethodStream(name);
    const query = this.objects.one(stream, 'acl_auth_method', 'ACL auth-method not found', renderAclAuthMethod);
    return this.reads.send(request, reply, this.reads.options(request), query);
  }

  @Put('auth-method')
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, undefined);
  }

  @Put('auth-method/:name')
  change(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, this.nameIn(request));
  }

  @Delete('auth-method/:name')
  remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const name = this.nameIn(request);
    return this.writes.sendEmpty(request, reply, {
      name: 'DeleteAclAuthMethod',
      reads: [aclAuthMethodStream(name)],
      decide: (view, context) => deleteAclAuthMethod(view, context, { name }),
    });
  }

  private define(request: FastifyRequest, reply: FastifyReply, path: string | undefined): Promise<void> {
    requireAcls(this.server);
    const body = orThrow(decodeBody(bodyOf(request), aclAuthMethodRequest, { chunked: isChunked(request) }), '', 400);
    const name = body.Name ?? '';
    if (path !== undefined && path !== name)
      throw new NomadError('ACL auth-method name does not match request path', 400);
    const command = authMethodCommand(body, (member, secret) => this.secrets.seal(name, member, secret));
    return this.writes.send<AclAuthMethodAnswer>(request, reply, {
      name: 'DefineAclAuthMethod',
      reads: [ACL_REGISTRY, aclAuthMethodStream(name)],
      fingerprint: this.keyring.digest(bodyOf(request)),
      decide: (view, context) => defineAclAuthMethod(view, context, command),
      render: (answer, index) => renderAclAuthMethod(answer(index)),
    });
  }

  private nameIn(request: FastifyRequest): string {
    requireAcls(this.server);
    const name = nameOf(request);
    if (name === '') throw new NomadError('missing ACL auth-method name', 400);
    return name;
  }
}
