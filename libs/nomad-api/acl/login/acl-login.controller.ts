import { Controller, Put, Req, Res } from '@nestjs/common';
import { IdentityProviders } from '@app/identity-providers';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, orThrow } from '../../edge/exchange.js';
import { ServerIdentity } from '../../edge/server-identity.js';
import { aclLoginRequest, decodeBody } from '../../http/index.js';
import { requireAcls } from '../requirement.js';
import { loginFault, requireFields } from './login-faults.js';
import { Logins } from './logins.js';

/** Nomad: /v1/acl/login; spec/http-api-more §11. */
@Controller('v1/acl/login')
export class AclLoginController {
  constructor(
    private readonly logins: Logins,
    private readonly providers: IdentityProviders,
    private readonly server: ServerIdentity,
  ) {}

  /** For whoever has a token that somebody else has signed. */
  @Put()
  async login(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const body = orThrow(decodeBody(bodyOf(request), aclLoginRequest, { chunked: isChunked(request) }), '', 400);
    const [name, token] = requireFields('invalid login request: ', [
      ['auth method name', body.AuthMethodName],
      ['login token', body.LoginToken],
    ]);
    const method = await this.logins.method(name!, 'JWT');
    const claims = await this.providers.claimsOfJwt(token!, method.config).catch((error: unknown) => {
      // Nomad does not tell whose fault it is.
      throw loginFault(error, () => ({ status: 401, prefix: 'unable to validate provided token: ' }));
    });
    return this.logins.send(request, reply, method, claims);
  }
}
