import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import { defineAclPolicy, deleteAclPolicy, renderAclPolicy, type DefineAclPolicy } from '@app/domain';
import { aclPolicyStream } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, nameOf, orThrow } from '../edge/exchange.js';
import { definitionHash } from '../edge/named.js';
import { Objects } from '../edge/objects.js';
import { Reads } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { aclPolicyRequest, decodeBody, NomadError, type AclPolicyRequest } from '../http/index.js';
import { accessOf, denied, type Access } from './access.js';
import { ownRows } from './own-rows.js';
import { requireAcls } from './requirement.js';

const ANONYMOUS = 'anonymous';

/** Nomad: /v1/acl/policies and /v1/acl/policy; spec/http-api §4.11. */
@Controller('v1/acl')
export class AclPoliciesController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly server: ServerIdentity,
  ) {}

  @Get('policies')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const options = this.reads.options(request);
    return this.reads.send(request, reply, options, (access) => this.listed(access, options.prefix));
  }

  private listed(access: Access, prefix: string): DataQuery {
    const { permissions, policies } = access.known();
    const own = permissions.isManagement ? undefined : policies;
    return ownRows(this.readModels, { table: 'acl_policy', column: 'name', own, prefix });
  }

  /** `self`: the caller's own policies, as a list. */
  @Get('policy/:name')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const name = nameOf(request);
    if (name === 'self') return this.own(request, reply);
    requireAcls(this.server);
    if (name === '') throw new NomadError('Missing Policy Name', 400);
    return this.reads.send(request, reply, this.reads.options(request), (access) => {
      const { permissions, policies } = access.known();
      access.settle(permissions.isManagement || name === ANONYMOUS || policies.includes(name));
      return this.objects.one(aclPolicyStream(name), 'acl_policy', 'ACL policy not found', renderAclPolicy);
    });
  }

  private own(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    // Not that there are no ACLs: Nomad refuses here.
    if (!this.server.aclEnabled) throw denied();
    return this.reads.send(request, reply, this.reads.options(request), (access) => {
      access.settle(access.known().identity.kind !== 'anonymous');
      return this.listed(access, '');
    });
  }

  @Put('policy/:name')
  define(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const name = nameOf(request);
    if (name === '') throw new NomadError('Missing Policy Name', 400);
    const body = orThrow(decodeBody(bodyOf(request), aclPolicyRequest, { chunked: isChunked(request) }), '', 400);
    if (name !== (body.Name ?? '')) throw new NomadError('ACL policy name does not match request path', 400);
    const command = definitionOf(body);
    return this.writes.sendEmpty(request, reply, {
      name: 'DefineAclPolicy',
      reads: [aclPolicyStream(name)],
      decide: (view, context) => defineAclPolicy(view, context, command),
    });
  }

  @Delete('policy/:name')
  remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    accessOf(request).beforeCommand();
    const name = nameOf(request);
    if (name === '') throw new NomadError('Missing Policy Name', 400);
    return this.writes.sendEmpty(request, reply, {
      name: 'DeleteAclPolicy',
      reads: [aclPolicyStream(name)],
      decide: (view, context) => deleteAclPolicy(view, context, { name }),
    });
  }
}

function definitionOf({ Name, Description, Rules, JobACL: bound }: AclPolicyRequest): DefineAclPolicy {
  const definition = {
    description: Description ?? '',
    rules: Rules ?? '',
    jobAcl: bound
      ? {
          namespace: bound.Namespace ?? '',
          jobId: bound.JobID ?? '',
          group: bound.Group ?? '',
          task: bound.Task ?? '',
        }
      : null,
  };
  return {
    name: Name ?? '',
    definition: { ...definition, hash: definitionHash({ name: Name ?? '', ...definition }) },
    descriptionBytes: Buffer.byteLength(definition.description),
  };
}
