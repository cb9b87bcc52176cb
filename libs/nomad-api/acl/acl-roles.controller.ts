import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import { defineAclRole, deleteAclRole, renderAclRole, type AclRoleAnswer, type DefineAclRole } from '@app/domain';
import { ACL_REGISTRY, aclPolicyStream, aclRoleStream } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, idOf, isChunked, nameOf, orThrow } from '../edge/exchange.js';
import { definitionHash } from '../edge/named.js';
import { Objects } from '../edge/objects.js';
import { Reads } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { aclRoleRequest, decodeBody, NomadError, type AclRoleRequest } from '../http/index.js';
import type { Access } from './access.js';
import { ownRows } from './own-rows.js';
import { requireAcls } from './requirement.js';

/** Nomad: /v1/acl/roles and /v1/acl/role; spec/http-api-more §8. */
@Controller('v1/acl')
export class AclRolesController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly server: ServerIdentity,
  ) {}

  @Get('roles')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const options = this.reads.options(request);
    return this.reads.send(request, reply, options, (access) => this.listed(access, options.prefix));
  }

  private listed(access: Access, prefix: string): DataQuery {
    const { permissions, roles, identity } = access.known();
    if (identity.kind === 'workload')
      throw new NomadError('acl token lookup failed: index error: UUID must be 36 characters', 500);
    const own = permissions.isManagement ? undefined : roles;
    return ownRows(this.readModels, { table: 'acl_role', column: 'id', own, prefix });
  }

  @Get('role/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const id = idIn(request);
    return this.reads.send(request, reply, this.reads.options(request), (access) => this.one(access, id));
  }

  /** @param id undefined: there is none, which only management is told */
  private one(access: Access, id: string | undefined): DataQuery {
    const { permissions, roles } = access.known();
    access.settle(permissions.isManagement || (id !== undefined && roles.includes(id)));
    return this.objects.one(aclRoleStream(id ?? ''), 'acl_role', 'ACL role not found', renderAclRole);
  }

  @Get('role/name/:name')
  byName(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const name = nameOf(request);
    if (name === '') throw new NomadError('missing ACL role name', 400);
    if (name.includes('/')) throw new NomadError('invalid URI', 400);
    return this.reads.send(request, reply, this.reads.options(request), async (access) => {
      access.known();
      const [id] = await this.readModels.keys('acl_role', { name });
      return this.one(access, id);
    });
  }

  @Put('role')
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, undefined);
  }

  @Put('role/:id')
  change(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, idIn(request));
  }

  @Delete('role/:id')
  remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const id = idIn(request);
    return this.writes.sendEmpty(request, reply, {
      name: 'DeleteAclRole',
      reads: [aclRoleStream(id)],
      decide: (view, context) => deleteAclRole(view, context, { id }),
    });
  }

  private define(request: FastifyRequest, reply: FastifyReply, path: string | undefined): Promise<void> {
    requireAcls(this.server);
    const body = orThrow(decodeBody(bodyOf(request), aclRoleRequest, { chunked: isChunked(request) }), '', 400);
    if (path !== undefined && path !== (body.ID ?? ''))
      throw new NomadError('ACL role ID does not match request path', 400);
    const command = definitionOf(body);
    return this.writes.send<AclRoleAnswer>(request, reply, {
      name: 'DefineAclRole',
      reads: [ACL_REGISTRY, ...command.policies.map(aclPolicyStream)],
      decide: (view, context) => defineAclRole(view, context, command),
      render: (answer, index) => renderAclRole(answer(index)),
    });
  }
}

function idIn(request: FastifyRequest): string {
  const id = idOf(request);
  if (id === '') throw new NomadError('missing ACL role ID', 400);
  if (id.includes('/')) throw new NomadError('invalid URI', 400);
  return id;
}

function definitionOf(body: AclRoleRequest): DefineAclRole {
  const definition = {
    name: body.Name ?? '',
    description: body.Description ?? '',
    policies: (body.Policies ?? []).map((link) => link?.Name ?? ''),
  };
  return {
    ...definition,
    id: body.ID ?? '',
    hash: definitionHash(definition),
    descriptionBytes: Buffer.byteLength(definition.description),
  };
}
