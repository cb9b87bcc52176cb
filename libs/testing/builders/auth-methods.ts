import type { DefineAclAuthMethod, UncheckedConfig } from '@app/domain';

/** Tokens by one key are believed; everything else is as a request without it would leave it. */
export const METHOD_CONFIG: UncheckedConfig = {
  jwtValidationPubKeys: ['key'],
  jwksUrl: '',
  jwksCaCert: '',
  oidcDiscoveryUrl: '',
  oidcClientId: '',
  oidcClientAssertion: null,
  oidcEnablePkce: false,
  oidcDisableUserInfo: false,
  oidcScopes: null,
  boundAudiences: null,
  boundIssuer: null,
  allowedRedirectUris: null,
  discoveryCaPem: null,
  signingAlgs: null,
  expirationLeeway: 0,
  notBeforeLeeway: 0,
  clockSkewLeeway: 0,
  claimMappings: null,
  listClaimMappings: null,
  verboseLogging: false,
};

/** The auth method `ci`, for JWTs; its tokens are global and good for ten minutes. */
export const AUTH_METHOD: DefineAclAuthMethod = {
  name: 'ci',
  type: 'JWT',
  tokenLocality: 'global',
  tokenNameFormat: '',
  maxTokenTtl: 600e9,
  isDefault: false,
  config: METHOD_CONFIG,
  secrets: { clientSecret: '', assertionSecret: '', privateKey: '' },
  hashOf: (definition) => String(JSON.stringify(definition).length),
};
