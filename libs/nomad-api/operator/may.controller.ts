import { Controller, Get, Req, Res } from '@nestjs/common';
import { NAMESPACE_CAPABILITIES, OPERATOR_CAPABILITIES } from '@app/domain';
import { isoFromUs } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { actorOf } from '../acl/caller.js';
import { satisfies, type Check } from '../acl/check.js';
import { ROUTES } from '../acl/routes.js';
import { Reads, sendJson } from '../edge/reads.js';

const BLOCKS = ['node', 'agent', 'operator', 'plugin', 'quota'] as const;
const LEVELS = ['write', 'read', 'list'] as const;
/** Checks that need no more than the namespace: of the others only the request itself can tell. */
const TOLD: ReadonlySet<Check['kind']> = new Set(['open', 'anyone', 'management', 'level', 'namespace']);

/** Beyond Nomad: what the token of a request may do, so that nobody has to guess. */
@Controller('v1/operator/rollbook')
export class MayController {
  constructor(private readonly reads: Reads) {}

  @Get('may')
  async may(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { namespace } = this.reads.options(request);
    const access = accessOf(request);
    const caller = access.known();
    const { permissions } = caller;
    sendJson(request, reply, {
      ACLEnabled: access.isEnforced,
      Actor: actorOf(caller) ?? 'anonymous',
      Policies: caller.policies,
      Roles: caller.roles,
      ExpirationTime: isoFromUs(caller.expiresAt ?? 0),
      Management: permissions.isManagement,
      Namespace: namespace,
      // Of all namespaces: what is granted in some.
      Capabilities: NAMESPACE_CAPABILITIES.filter((one) => one !== 'deny').filter((one) =>
        namespace === '*' ? permissions.inAnyNamespace(one) : permissions.inNamespace(namespace, one),
      ),
      Levels: Object.fromEntries(
        BLOCKS.map((block) => [block, LEVELS.find((level) => permissions.level(block, level)) ?? '']),
      ),
      OperatorCapabilities: OPERATOR_CAPABILITIES.filter((one) => one !== 'deny' && permissions.operator(one)),
      // By the very table that requests are checked by.
      Requests: [...ROUTES]
        .filter(
          ([, { check }]) => TOLD.has(check.kind) && satisfies(permissions, check, { namespace, by: caller.identity }),
        )
        .map(([row]) => row),
    });
  }
}
