import { Controller, Put, Req, Res } from '@nestjs/common';
import type { AclAuthMethodState } from '@app/domain';
import { IdentityProviders, type ProviderSecrets } from '@app/identity-providers';
import { Keyring } from '@app/keyring';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, orThrow } from '../../edge/exchange.js';
import { sendJson } from '../../edge/reads.js';
import { ServerIdentity } from '../../edge/server-identity.js';
import { decodeBody, NomadError, oidcAuthUrlRequest, oidcCompleteAuthRequest } from '../../http/index.js';
import { MethodSecrets } from '../method-secrets.js';
import { requireAcls } from '../requirement.js';
import { loginFault, requireFields } from './login-faults.js';
import { Logins } from './logins.js';
import { OidcRequests } from './oidc-requests.js';
import { mayRedirectTo } from './redirect-uris.js';

/** Nomad: /v1/acl/oidc; spec/http-api-more §11. */
@Controller('v1/acl/oidc')
export class AclOidcController {
  constructor(
    private readonly logins: Logins,
    private readonly providers: IdentityProviders,
    private readonly requests: OidcRequests,
    private readonly secrets: MethodSecrets,
    private readonly keyring: Keyring,
    private readonly server: ServerIdentity,
  ) {}

  /** Where to send somebody who wants to log in. */
  @Put('auth-url')
  async begin(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const body = orThrow(decodeBody(bodyOf(request), oidcAuthUrlRequest, { chunked: isChunked(request) }), '', 400);
    const [name, clientNonce, redirectUri] = requireFields('invalid OIDC auth-url request: ', [
      ['auth method name', body.AuthMethodName],
      ['client nonce', body.ClientNonce],
      ['redirect URI', body.RedirectURI],
    ]) as [string, string, string];
    const method = await this.methodFor(name, redirectUri);
    const begun = this.requests.begin({ method: name, clientNonce, redirectUri });
    const asked = this.providers.authorizationUrl(method.config, { ...begun, redirectUri });
    sendJson(request, reply, { AuthURL: await asked.catch(refuse) });
  }

  /** What the provider has sent back with the person. */
  @Put('complete-auth')
  async complete(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    requireAcls(this.server);
    const decoded = decodeBody(bodyOf(request), oidcCompleteAuthRequest, { chunked: isChunked(request) });
    const body = orThrow(decoded, '', 400);
    const [name, clientNonce, state, code, redirectUri] = requireFields('invalid OIDC complete-auth request: ', [
      ['auth method name', body.AuthMethodName],
      ['client nonce', body.ClientNonce],
      ['state', body.State],
      ['code', body.Code],
      ['redirect URI', body.RedirectURI],
    ]) as [string, string, string, string, string];
    const method = await this.methodFor(name, redirectUri);
    await this.providers.reach(method.config).catch(refuse);
    const begun = this.requests.find({ method: name, clientNonce, redirectUri }, state);
    if (begun === undefined) throw new NomadError('no OIDC request found for client nonce', 500);
    const exchange = { ...begun, code, redirectUri, issuer: body.Iss ?? '' };
    const claims = await this.providers.claimsOfCode(method.config, this.secretsOf(method), exchange).catch(refuse);
    return this.logins.send(request, reply, method, claims);
  }

  private async methodFor(name: string, redirectUri: string): Promise<AclAuthMethodState> {
    const method = await this.logins.method(name, 'OIDC');
    if (!mayRedirectTo(redirectUri, method.config.allowedRedirectUris ?? []))
      throw new NomadError(`the auth method does not allow the redirect URI ${redirectUri}`, 400);
    return method;
  }

  private secretsOf(method: AclAuthMethodState): ProviderSecrets {
    return {
      clientSecret: () => this.secrets.open(method, 'clientSecret'),
      assertionSecret: () => this.secrets.open(method, 'assertionSecret'),
      privateKey: () => this.secrets.open(method, 'privateKey'),
      serverKey: () => this.keyring.active(),
    };
  }
}

/** @throws NomadError for the fault of a provider, or of what it was sent */
function refuse(error: unknown): never {
  throw loginFault(error, (of) => ({ status: of === 'provider' ? 500 : 401, prefix: '' }));
}
