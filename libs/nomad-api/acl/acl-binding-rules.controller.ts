import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import {
  defineAclBindingRule,
  deleteAclBindingRule,
  renderAclBindingRule,
  type AclBindingRuleAnswer,
} from '@app/domain';
import { aclAuthMethodStream, aclBindingRuleStream } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, idOf, isChunked, orThrow } from '../edge/exchange.js';
import { definitionHash } from '../edge/named.js';
import { Objects } from '../edge/objects.js';
import { Reads } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { aclBindingRuleRequest, decodeBody, NomadError } from '../http/index.js';
import { selectorOf } from './login/bindings.js';
import { ownRows } from './own-rows.js';
import { requireAcls } from './requirement.js';

/** Nomad: /v1/acl/binding-rules and /v1/acl/binding-rule; spec/http-api-more §10. */
@Controller('v1/acl')
export class AclBindingRulesController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly server: ServerIdentity,
  ) {}

  @Get('binding-rules')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const query = ownRows(this.readModels, { table: 'acl_binding_rule', column: 'id', own: undefined, prefix: '' });
    return this.reads.send(request, reply, this.reads.options(request), query);
  }

  @Get('binding-rule/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = this.idIn(request);
    const stream = aclBindingRuleStream(id);
    const query = this.objects.one(stream, 'acl_binding_rule', 'ACL binding rule not found', renderAclBindingRule);
    return this.reads.send(request, reply, this.reads.options(request), query);
  }

  @Put('binding-rule')
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, undefined);
  }

  @Put('binding-rule/:id')
  change(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, this.idIn(request));
  }

  @Delete('binding-rule/:id')
  remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = this.idIn(request);
    return this.writes.sendEmpty(request, reply, {
      name: 'DeleteAclBindingRule',
      reads: [aclBindingRuleStream(id)],
      decide: (view, context) => deleteAclBindingRule(view, context, { id }),
    });
  }

  private define(request: FastifyRequest, reply: FastifyReply, path: string | undefined): Promise<void> {
    requireAcls(this.server);
    const body = orThrow(decodeBody(bodyOf(request), aclBindingRuleRequest, { chunked: isChunked(request) }), '', 400);
    if (path !== undefined && body.ID && body.ID !== path)
      throw new NomadError('ACL binding rule ID does not match request path', 400);
    const description = body.Description ?? '';
    const selector = body.Selector ?? '';
    const parsed = selectorOf(selector);
    const command = {
      id: path ?? body.ID ?? '',
      description,
      descriptionBytes: Buffer.byteLength(description),
      selector,
      selectorFault: parsed.ok ? undefined : parsed.error,
      authMethod: body.AuthMethod ?? '',
      bindType: body.BindType ?? '',
      bindName: body.BindName ?? '',
      hashOf: definitionHash,
    };
    return this.writes.send<AclBindingRuleAnswer>(request, reply, {
      name: 'DefineAclBindingRule',
      reads: [
        aclAuthMethodStream(command.authMethod),
        ...(command.id === '' ? [] : [aclBindingRuleStream(command.id)]),
      ],
      decide: (view, context) => defineAclBindingRule(view, context, command),
      render: (answer, index) => renderAclBindingRule(answer(index)),
    });
  }

  private idIn(request: FastifyRequest): string {
    requireAcls(this.server);
    const id = idOf(request);
    if (id === '') throw new NomadError('missing ACL binding rule ID', 400);
    return id;
  }
}
