import { goDuration, isoFromUs, type DurationNs } from '@app/kernel';
import type { AclAuthMethodState, AuthMethodSecrets, ClientAssertion, Pairs } from './state.js';

/** What is shown instead of a secret; whoever sends it back keeps the secret that there is. */
export const REDACTED = 'redacted';

const shown = (secret: string): string => (secret === '' ? '' : REDACTED);
const leeway = (ns: DurationNs): string => (ns === 0 ? '' : goDuration(ns));
const mapOf = (pairs: Pairs | null): object | null => pairs && Object.fromEntries(pairs);

/** Nomad: ACLAuthMethodStub. */
export const renderAclAuthMethodStub = (state: AclAuthMethodState): object => ({
  Name: state.name,
  Type: state.type,
  Default: state.isDefault,
  Hash: state.hash,
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});

/** Nomad: ACLAuthMethod; nothing secret is in it. */
export const renderAclAuthMethod = (state: AclAuthMethodState): object => ({
  Name: state.name,
  Type: state.type,
  TokenLocality: state.tokenLocality,
  TokenNameFormat: state.tokenNameFormat,
  MaxTokenTTL: goDuration(state.maxTokenTtl),
  Default: state.isDefault,
  Config: renderConfig(state),
  Hash: state.hash,
  CreateTime: isoFromUs(state.createTime),
  ModifyTime: isoFromUs(state.modifyTime),
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
});

const renderConfig = ({ config, secrets }: AclAuthMethodState): object => ({
  JWTValidationPubKeys: config.jwtValidationPubKeys,
  JWKSURL: config.jwksUrl,
  JWKSCACert: config.jwksCaCert,
  OIDCDiscoveryURL: config.oidcDiscoveryUrl,
  OIDCClientID: config.oidcClientId,
  OIDCClientSecret: shown(secrets.clientSecret),
  OIDCClientAssertion: config.oidcClientAssertion && renderAssertion(config.oidcClientAssertion, secrets),
  OIDCEnablePKCE: config.oidcEnablePkce,
  OIDCDisableUserInfo: config.oidcDisableUserInfo,
  OIDCScopes: config.oidcScopes,
  BoundAudiences: config.boundAudiences,
  BoundIssuer: config.boundIssuer,
  AllowedRedirectURIs: config.allowedRedirectUris,
  DiscoveryCaPem: config.discoveryCaPem,
  SigningAlgs: config.signingAlgs,
  ExpirationLeeway: leeway(config.expirationLeeway),
  NotBeforeLeeway: leeway(config.notBeforeLeeway),
  ClockSkewLeeway: leeway(config.clockSkewLeeway),
  ClaimMappings: mapOf(config.claimMappings),
  ListClaimMappings: mapOf(config.listClaimMappings),
  VerboseLogging: config.verboseLogging,
});

const renderAssertion = (assertion: ClientAssertion, secrets: AuthMethodSecrets): object => ({
  KeySource: assertion.keySource,
  Audience: assertion.audience,
  PrivateKey: assertion.privateKey && {
    PemKey: shown(secrets.privateKey),
    PemKeyFile: '',
    KeyIDHeader: assertion.privateKey.keyIdHeader,
    PemCert: assertion.privateKey.pemCert,
    PemCertFile: '',
    KeyID: assertion.privateKey.keyId,
  },
  ExtraHeaders: mapOf(assertion.extraHeaders),
  KeyAlgorithm: assertion.keyAlgorithm,
  ClientSecret: shown(secrets.assertionSecret),
});
