import { createHash } from 'node:crypto';
import { ownProperty, type TimeUs } from '@app/kernel';
import { clientAuthentication } from './client-authentication.js';
import { Providers, type Provider } from './discovery.js';
import { verifiedClaims, type Claims } from './jwt.js';
import { pemKeys, type Keys } from './keys.js';
import type { AuthorizationRequest, CodeExchange, MethodConfig, ProviderSecrets } from './method-config.js';
import { ProviderFault } from './provider-fault.js';

/** Asks others who somebody is: by the tokens that they have signed, or by sending the person to them (OpenID Connect Core 1.0). */
export class IdentityProviders {
  private readonly providers = new Providers();

  constructor(private readonly now: () => TimeUs) {}

  /** What a token says that its bearer has brought along. @throws ProviderFault */
  async claimsOfJwt(token: string, config: MethodConfig): Promise<Claims> {
    const claims = await prefixed('unable to verify signature of JWT token: ', async () =>
      verifiedClaims(token, await this.keysOf(config), config, this.now()),
    );
    const issuer = ownProperty(claims, 'iss');
    const bound = config.boundIssuer ?? [];
    if (bound.length > 0 && !bound.includes(String(issuer)))
      throw new ProviderFault(`invalid JWT issuer: ${typeof issuer === 'string' ? issuer : ''}`, 'token');
    return claims;
  }

  /** Where a person is sent to say who that is. @throws ProviderFault */
  async authorizationUrl(config: MethodConfig, request: AuthorizationRequest): Promise<string> {
    const provider = await this.provider(config);
    const url = URL.parse(provider.authorizationEndpoint);
    if (url === null) throw new ProviderFault('the provider names no authorization_endpoint', 'provider');
    const scopes = [...new Set(['openid', ...(config.oidcScopes ?? [])])];
    const parameters = {
      response_type: 'code',
      client_id: config.oidcClientId,
      redirect_uri: request.redirectUri,
      scope: scopes.join(' '),
      state: request.state,
      nonce: request.nonce,
      ...(config.oidcEnablePkce && {
        code_challenge: createHash('sha256').update(request.codeVerifier).digest('base64url'),
        code_challenge_method: 'S256',
      }),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }

  /** Makes sure that the provider of a method can be asked. @throws ProviderFault */
  async reach(config: MethodConfig): Promise<void> {
    await this.provider(config);
  }

  /** What the provider says of the person that it has sent back with a code. @throws ProviderFault */
  async claimsOfCode(config: MethodConfig, secrets: ProviderSecrets, exchange: CodeExchange): Promise<Claims> {
    const provider = await this.provider(config);
    if (exchange.issuer !== '' && exchange.issuer !== provider.issuer)
      throw new ProviderFault(`the answer is of another issuer: ${exchange.issuer}`, 'token');
    const tokens = await this.exchanged(provider, config, secrets, exchange);
    const audiences = config.boundAudiences?.length ? config.boundAudiences : [config.oidcClientId];
    const claims = await prefixed('failed to verify the ID token: ', () =>
      verifiedClaims(tokens.idToken, provider.keys, { ...config, boundAudiences: audiences }, this.now()),
    );
    const of = (why: string): ProviderFault => new ProviderFault(`failed to verify the ID token: ${why}`, 'token');
    if (ownProperty(claims, 'iss') !== provider.issuer) throw of('it is of another issuer');
    if (ownProperty(claims, 'nonce') !== exchange.nonce) throw of('invalid nonce');
    if (config.oidcDisableUserInfo || provider.userInfoEndpoint === '') return claims;
    return { ...claims, ...(await userInfo(provider, tokens.accessToken, ownProperty(claims, 'sub'))) };
  }

  /** Ends connections. */
  close(): void {
    this.providers.close();
  }

  private async keysOf(config: MethodConfig): Promise<Keys> {
    if (config.jwtValidationPubKeys?.length) return pemKeys(config.jwtValidationPubKeys);
    if (config.jwksUrl !== '')
      return this.providers.keys(config.jwksUrl, config.jwksCaCert === '' ? [] : [config.jwksCaCert]);
    return (await this.providers.discovered(config.oidcDiscoveryUrl, config.discoveryCaPem ?? [])).keys;
  }

  private provider(config: MethodConfig): Promise<Provider> {
    return prefixed('failed to generate OIDC provider: NewProvider: ', () =>
      this.providers.discovered(config.oidcDiscoveryUrl, config.discoveryCaPem ?? []),
    );
  }

  private async exchanged(
    provider: Provider,
    config: MethodConfig,
    secrets: ProviderSecrets,
    { code, redirectUri, codeVerifier }: CodeExchange,
  ): Promise<{ readonly idToken: string; readonly accessToken: string }> {
    const fault = (why: string, of: 'token' | 'provider'): ProviderFault =>
      new ProviderFault(`failed to exchange token with provider: ${why}`, of);
    const { fields, headers } = await clientAuthentication(provider, config, secrets, this.now());
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      ...(config.oidcEnablePkce && { code_verifier: codeVerifier }),
      ...fields,
    });
    const answer = await provider.http
      .json(provider.tokenEndpoint, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      })
      .catch((error: unknown) => {
        throw fault((error as Error).message, 'provider');
      });
    const body = answer.body as Record<string, unknown>;
    if (answer.status !== 200) throw fault(JSON.stringify(ownProperty(body, 'error') ?? answer.status), 'token');
    const [idToken, accessToken] = [ownProperty(body, 'id_token'), ownProperty(body, 'access_token')];
    if (typeof idToken !== 'string') throw fault('it gives no ID token', 'provider');
    return { idToken, accessToken: typeof accessToken === 'string' ? accessToken : '' };
  }
}

async function userInfo(provider: Provider, accessToken: string, subject: unknown): Promise<Claims> {
  const fault = (why: string): ProviderFault =>
    new ProviderFault(`failed to retrieve the user info claims: ${why}`, 'provider');
  const { status, body } = await provider.http
    .json(provider.userInfoEndpoint, { headers: { Authorization: `Bearer ${accessToken}` } })
    .catch((error: unknown) => {
      throw fault((error as Error).message);
    });
  if (status !== 200) throw fault(`it answers ${status}`);
  // Another's claims are worse than none.
  if (ownProperty(body as Claims, 'sub') !== subject) throw fault('they are of another subject');
  return body as Claims;
}

/** Faults with a beginning that says what was tried. */
async function prefixed<T>(beginning: string, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof ProviderFault) throw new ProviderFault(beginning + error.message, error.of);
    throw error;
  }
}
