import type { DurationNs, Index, TimeUs } from '@app/kernel';

/** How a client proves to its OIDC provider who it is, instead of by its secret. Nomad: OIDCClientAssertion. */
export interface ClientAssertion {
  /** `nomad`: the servers' own signing key. */
  readonly keySource: 'nomad' | 'client_secret' | 'private_key';
  readonly audience: readonly string[];
  /** The key itself is a secret; the certificate is not. */
  readonly privateKey: {
    readonly keyIdHeader: string;
    readonly pemCert: string;
    readonly keyId: string;
  } | null;
  /** Sorted by name. */
  readonly extraHeaders: Pairs | null;
  readonly keyAlgorithm: string;
}

/** A map of texts, whose keys are anybody's: sorted by key. */
export type Pairs = readonly (readonly [key: string, value: string])[];

type Texts = readonly string[] | null;

/** Nomad: ACLAuthMethodConfig without what is secret in it; spec/http-api-more §9. */
export interface AuthMethodConfig {
  readonly jwtValidationPubKeys: Texts;
  readonly jwksUrl: string;
  readonly jwksCaCert: string;
  readonly oidcDiscoveryUrl: string;
  readonly oidcClientId: string;
  readonly oidcClientAssertion: ClientAssertion | null;
  readonly oidcEnablePkce: boolean;
  readonly oidcDisableUserInfo: boolean;
  readonly oidcScopes: Texts;
  readonly boundAudiences: Texts;
  readonly boundIssuer: Texts;
  readonly allowedRedirectUris: Texts;
  readonly discoveryCaPem: Texts;
  readonly signingAlgs: Texts;
  readonly expirationLeeway: DurationNs;
  readonly notBeforeLeeway: DurationNs;
  readonly clockSkewLeeway: DurationNs;
  /** Claim to name. */
  readonly claimMappings: Pairs | null;
  readonly listClaimMappings: Pairs | null;
  readonly verboseLogging: boolean;
}

/** What is secret in the configuration of a method, each encrypted by the servers' own key; empty: there is none. */
export interface AuthMethodSecrets {
  readonly clientSecret: string;
  readonly assertionSecret: string;
  readonly privateKey: string;
}

export const NO_METHOD_SECRETS: AuthMethodSecrets = { clientSecret: '', assertionSecret: '', privateKey: '' };

export type AuthMethodType = 'JWT' | 'OIDC';

/** Nomad: ACLAuthMethod. */
export interface AclAuthMethodDefinition {
  readonly name: string;
  readonly type: AuthMethodType;
  readonly tokenLocality: 'local' | 'global';
  readonly tokenNameFormat: string;
  readonly maxTokenTtl: DurationNs;
  readonly isDefault: boolean;
  readonly config: AuthMethodConfig;
  readonly secrets: AuthMethodSecrets;
  /** Base64: differs when anything above does. */
  readonly hash: string;
}

export interface AclAuthMethodState extends AclAuthMethodDefinition {
  readonly createTime: TimeUs;
  readonly modifyTime: TimeUs;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  /** Deleted; creating it anew continues the stream. */
  readonly purged: boolean;
}
