import { Controller, Get, Req, Res } from '@nestjs/common';
import { IdentityTokens } from '@app/keyring';
import { LogTail } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendJson } from '../edge/reads.js';
import { NomadError } from '../http/index.js';

/** Nomad: at least so long, seconds. A key is published when it begins to sign, unless it is prepublished. */
const MAX_AGE_SECONDS = 900;

/** Who issues workload identities, as others are told. */
export class OidcIssuer {
  /** A URL under which others reach the servers, without a slash at its end; empty: nothing is told. */
  constructor(readonly url: string) {}
}

/** Nomad: /.well-known; spec/http-api-more §3. For everybody: only public keys are told. */
@Controller('.well-known')
export class DiscoveryController {
  constructor(
    private readonly identities: IdentityTokens,
    private readonly issuer: OidcIssuer,
    private readonly tail: LogTail,
  ) {}

  @Get('jwks.json')
  async jwks(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.tail.readIndex();
    const keys = await this.identities.publicKeys();
    reply.header('Cache-Control', `max-age=${MAX_AGE_SECONDS}`);
    sendJson(request, reply, { keys });
  }

  @Get('openid-configuration')
  discovery(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const { url } = this.issuer;
    if (url === '') throw new NomadError('OIDC Discovery endpoint disabled', 404);
    sendJson(request, reply, {
      issuer: url,
      jwks_uri: `${url}/.well-known/jwks.json`,
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
    });
  }
}
