import { Controller, Put, Req, Res } from '@nestjs/common';
import { IdentityTokens } from '@app/keyring';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requireAcls } from '../acl/requirement.js';
import { durationOf } from '../acl/token-requests.js';
import { bodyOf, isChunked, orThrow } from '../edge/exchange.js';
import { sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { clientIntroductionRequest, decodeBody, NomadError } from '../http/index.js';

const DEFAULT_TTL = 5 * 60e9;
const MAX_TTL = 30 * 60e9;
/** As the names of nodes and pools go into its subject. */
const NAME = /^[^:\s]{0,255}$/;

/** Nomad: /v1/acl/identity/client-introduction-token; spec/http-api-more §12. */
@Controller('v1/acl/identity')
export class IntroductionsController {
  constructor(
    private readonly identities: IdentityTokens,
    private readonly server: ServerIdentity,
  ) {}

  /** What a node shows instead of the join token, for a while. */
  @Put('client-introduction-token')
  async introduce(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const decoded = decodeBody(bodyOf(request), clientIntroductionRequest, { chunked: isChunked(request) });
    const { TTL, NodeName: name = '', NodePool } = orThrow(decoded, '', 400);
    const ttl = durationOf(TTL) || DEFAULT_TTL;
    if (ttl < 1e9 || ttl > MAX_TTL) throw new NomadError('TTL must be between 1s and 30m0s', 400);
    const pool = NodePool || 'default';
    if (!NAME.test(name) || !NAME.test(pool)) throw new NomadError('NodeName or NodePool is invalid', 400);
    sendJson(request, reply, {
      JWT: await this.identities.signIntroduction({ region: this.server.region, name, pool }, ttl),
    });
  }
}
