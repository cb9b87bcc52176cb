import {
  REDACTED,
  type AuthMethodSecrets,
  type DefineAclAuthMethod,
  type Pairs,
  type UncheckedAssertion,
  type UncheckedConfig,
} from '@app/domain';
import { definitionHash } from '../edge/named.js';
import {
  compareBytes,
  NomadError,
  type AclAuthMethodRequest,
  type AuthMethodConfigRequest,
  type ClientAssertionRequest,
} from '../http/index.js';
import { durationOf } from './token-requests.js';

/** Encrypts a secret of a method, by whose name it is opened again. */
export type Seal = (name: keyof AuthMethodSecrets, secret: string) => string;

/** The command that a body asks for. @throws NomadError (400) for times that are none, and for files of keys */
export function authMethodCommand(body: AclAuthMethodRequest, seal: Seal): DefineAclAuthMethod {
  const config = body.Config;
  const sealed = (name: keyof AuthMethodSecrets, secret: string | undefined): string | undefined => {
    if (secret === REDACTED) return undefined;
    return secret === undefined || secret === '' ? '' : seal(name, secret);
  };
  return {
    name: body.Name ?? '',
    type: body.Type ?? '',
    tokenLocality: body.TokenLocality ?? '',
    tokenNameFormat: body.TokenNameFormat ?? '',
    maxTokenTtl: durationOf(body.MaxTokenTTL),
    isDefault: body.Default ?? false,
    config: config ? configOf(config) : null,
    secrets: {
      clientSecret: sealed('clientSecret', config?.OIDCClientSecret),
      assertionSecret: sealed('assertionSecret', config?.OIDCClientAssertion?.ClientSecret),
      privateKey: sealed('privateKey', config?.OIDCClientAssertion?.PrivateKey?.PemKey),
    },
    hashOf: definitionHash,
  };
}

const pairs = (map: Record<string, string> | undefined): Pairs | null =>
  map === undefined ? null : Object.entries(map).sort(([a], [b]) => compareBytes(a, b));

function configOf(given: AuthMethodConfigRequest): UncheckedConfig {
  return {
    jwtValidationPubKeys: given.JWTValidationPubKeys ?? null,
    jwksUrl: given.JWKSURL ?? '',
    jwksCaCert: given.JWKSCACert ?? '',
    oidcDiscoveryUrl: given.OIDCDiscoveryURL ?? '',
    oidcClientId: given.OIDCClientID ?? '',
    oidcClientAssertion: given.OIDCClientAssertion ? assertionOf(given.OIDCClientAssertion, given) : null,
    oidcEnablePkce: given.OIDCEnablePKCE ?? false,
    oidcDisableUserInfo: given.OIDCDisableUserInfo ?? false,
    oidcScopes: given.OIDCScopes ?? null,
    boundAudiences: given.BoundAudiences ?? null,
    boundIssuer: given.BoundIssuer ?? null,
    allowedRedirectUris: given.AllowedRedirectURIs ?? null,
    discoveryCaPem: given.DiscoveryCaPem ?? null,
    signingAlgs: given.SigningAlgs ?? null,
    expirationLeeway: durationOf(given.ExpirationLeeway),
    notBeforeLeeway: durationOf(given.NotBeforeLeeway),
    clockSkewLeeway: durationOf(given.ClockSkewLeeway),
    claimMappings: pairs(given.ClaimMappings),
    listClaimMappings: pairs(given.ListClaimMappings),
    verboseLogging: given.VerboseLogging ?? false,
  };
}

function assertionOf(given: ClientAssertionRequest, { OIDCDiscoveryURL }: AuthMethodConfigRequest): UncheckedAssertion {
  const key = given.PrivateKey;
  // A file is of one server, and methods are of all of them.
  if (key?.PemKeyFile || key?.PemCertFile)
    throw new NomadError('PemKeyFile and PemCertFile are not served: give the key and the certificate themselves', 400);
  const keySource = given.KeySource ?? '';
  return {
    keySource,
    audience: given.Audience?.length ? given.Audience : [OIDCDiscoveryURL ?? ''],
    privateKey: key
      ? { keyIdHeader: key.KeyIDHeader || 'kid', pemCert: key.PemCert ?? '', keyId: key.KeyID ?? '' }
      : null,
    extraHeaders: pairs(given.ExtraHeaders),
    keyAlgorithm: given.KeyAlgorithm || (keySource === 'client_secret' ? 'HS256' : 'RS256'),
  };
}
