import { goDuration, quoted, type DurationNs } from '@app/kernel';
import { ACL_NAME } from '../acl/names.js';
import { multiError } from '../job/spec/multi-error.js';
import type { AuthMethodConfig, AuthMethodSecrets } from './state.js';

const MIN_TTL: DurationNs = 60e9;
const MAX_TTL: DurationNs = 24 * 3600e9;

/** What a method is to be, before anything of it was checked. */
export interface UncheckedAuthMethod {
  readonly name: string;
  readonly type: string;
  readonly tokenLocality: string;
  readonly maxTokenTtl: DurationNs;
  readonly config: UncheckedConfig | null;
  readonly secrets: AuthMethodSecrets;
}

export type UncheckedConfig = Omit<AuthMethodConfig, 'oidcClientAssertion'> & {
  readonly oidcClientAssertion: UncheckedAssertion | null;
};

export type UncheckedAssertion = Omit<NonNullable<AuthMethodConfig['oidcClientAssertion']>, 'keySource'> & {
  readonly keySource: string;
};

/** What is wrong with a method, as Nomad says it and in its order; spec/http-api-more §9. */
export function faultsOfAuthMethod(method: UncheckedAuthMethod): string[] {
  const { name, type, tokenLocality, maxTokenTtl } = method;
  const problems: string[] = [];
  if (!ACL_NAME.test(name)) problems.push(`invalid name '${name}'`);
  if (tokenLocality !== 'local' && tokenLocality !== 'global')
    problems.push(`invalid token locality '${tokenLocality}'`);
  if (type !== 'JWT' && type !== 'OIDC') problems.push(`invalid token type '${type}'`);
  const config = faultOfConfig(method);
  if (config !== undefined) problems.push(`invalid config: ${config}`);
  if (maxTokenTtl < MIN_TTL || maxTokenTtl > MAX_TTL)
    problems.push(
      `invalid MaxTokenTTL value '${goDuration(maxTokenTtl)}' (should be between ${goDuration(MIN_TTL)} and ${goDuration(MAX_TTL)})`,
    );
  return problems;
}

function faultOfConfig({ type, config, secrets }: UncheckedAuthMethod): string | undefined {
  if (config === null) return 'missing auth method Config';
  if (type === 'JWT') {
    const hasKeys = (config.jwtValidationPubKeys ?? []).length > 0;
    return hasKeys || config.jwksUrl !== '' || config.oidcDiscoveryUrl !== ''
      ? undefined
      : 'JWT auth method requires either OIDCDiscoveryURL, or JWKS URL, or JWTValidationPubKeys set';
  }
  if (type !== 'OIDC') return undefined;
  const problems: string[] = [];
  if (config.oidcDiscoveryUrl === '') problems.push('missing OIDCDiscoveryURL');
  if (config.oidcClientId === '') problems.push('missing OIDCClientID');
  const assertion = config.oidcClientAssertion && faultOfAssertion(config.oidcClientAssertion, secrets);
  if (assertion) problems.push(`invalid client assertion config: ${assertion}`);
  return problems.length > 1 ? multiError(problems) : problems[0];
}

function faultOfAssertion({ keySource, privateKey }: UncheckedAssertion, secrets: AuthMethodSecrets): string | null {
  switch (keySource) {
    case 'nomad':
      return null;
    case 'client_secret':
      return secrets.clientSecret || secrets.assertionSecret
        ? null
        : 'OIDCClientSecret is required for `client_secret` KeySource';
    case 'private_key':
      if (privateKey === null) return 'PrivateKey is required for `private_key` KeySource';
      if (secrets.privateKey === '') return 'PrivateKey needs a PemKey';
      return privateKey.keyId || privateKey.pemCert ? null : 'PrivateKey needs a KeyID or a PemCert';
    default:
      return `invalid KeySource ${quoted(keySource)}`;
  }
}
