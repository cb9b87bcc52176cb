import { isExactNumber, ownProperty, parseExact, US_PER_S, type DurationNs, type TimeUs } from '@app/kernel';
import { compactVerify, decodeProtectedHeader, type CompactJWSHeaderParameters } from 'jose';
import type { Key, Keys } from './keys.js';
import type { MethodConfig } from './method-config.js';
import { ProviderFault } from './provider-fault.js';

/** Signatures by secrets that both sides know are none of these: a public key must never be taken for one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'EdDSA'];
const DEFAULT_ALGORITHMS = ['RS256'];
const JWS_PARTS = 3;
const MAX_TOKEN_CHARACTERS = 64 * 1024;
const NS_PER_S = 1e9;
/** What the leeways are where a method does not say; below 0: none. */
const DEFAULT_LEEWAY_S = 150;
const DEFAULT_SKEW_S = 60;

export type Claims = Readonly<Record<string, unknown>>;

export type Expectations = Pick<
  MethodConfig,
  'boundAudiences' | 'signingAlgs' | 'expirationLeeway' | 'notBeforeLeeway' | 'clockSkewLeeway'
>;

const refused = (why: string): ProviderFault => new ProviderFault(why, 'token');

/**
 * The claims of a signed token (RFC 7519); numbers that JavaScript would change are kept as they are written.
 *
 * @throws ProviderFault of the token, in the order and words of Nomad; spec/http-api-more §11
 */
export async function verifiedClaims(token: string, keys: Keys, expected: Expectations, now: TimeUs): Promise<Claims> {
  const { header, claims } = await signedClaims(token, keys);
  const algorithms = expected.signingAlgs?.length ? expected.signingAlgs : DEFAULT_ALGORITHMS;
  if (!algorithms.includes(header.alg))
    throw refused(`invalid algorithm (alg) header parameter: token signed with unexpected algorithm "${header.alg}"`);
  const audiences = [ownProperty(claims, 'aud') ?? []].flat();
  const bound = expected.boundAudiences ?? [];
  const times = validityOf(claims, expected);
  if (bound.length > 0 && !bound.some((audience) => audiences.includes(audience)))
    throw refused('invalid audience (aud) claim: audience claim does not match any expected audience');
  const seconds = now / US_PER_S;
  const skew = leeway(expected.clockSkewLeeway, DEFAULT_SKEW_S);
  if (times.notBefore - skew > seconds) throw refused('invalid not before (nbf) claim: token not yet valid');
  if (times.expiration + skew <= seconds) throw refused('invalid expiration time (exp) claim: token is expired');
  return claims;
}

async function signedClaims(
  token: string,
  keys: Keys,
): Promise<{ readonly header: CompactJWSHeaderParameters; readonly claims: Claims }> {
  const fault = (why: string): ProviderFault => refused(`error verifying token signature: ${why}`);
  if (token.split('.').length !== JWS_PARTS || token.length > MAX_TOKEN_CHARACTERS)
    throw fault('go-jose/go-jose: compact JWS format must have three parts');
  const header = headerOf(token);
  if (header === undefined) throw fault('the header of the token cannot be read');
  if (!ALGORITHMS.includes(header.alg)) throw fault(`unexpected signature algorithm ${JSON.stringify(header.alg)}`);
  let found: readonly Key[];
  try {
    found = await keys.find(header);
  } catch (error) {
    if (error instanceof ProviderFault) throw new ProviderFault(fault(error.message).message, error.of);
    throw error;
  }
  for (const key of found) {
    // A key of another kind than the algorithm's is no reason to stop: the next may fit.
    const verified = await compactVerify(token, key, { algorithms: [header.alg] }).catch(() => undefined);
    if (verified === undefined) continue;
    const claims = claimsIn(verified.payload);
    if (claims === undefined) throw fault('the claims of the token are no JSON object');
    return { header, claims };
  }
  throw fault(keys.none);
}

function headerOf(token: string): CompactJWSHeaderParameters | undefined {
  try {
    const header = decodeProtectedHeader(token);
    return typeof header.alg === 'string' ? (header as CompactJWSHeaderParameters) : undefined;
  } catch {
    return undefined;
  }
}

function claimsIn(payload: Uint8Array): Claims | undefined {
  try {
    const claims = parseExact(new TextDecoder('utf-8', { fatal: true }).decode(payload));
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** From when to when a token is valid, in seconds since 1970: what it does not say follows from what it does. */
function validityOf(
  claims: Claims,
  expected: Expectations,
): { readonly notBefore: number; readonly expiration: number } {
  const time = (name: string): number => {
    const value = ownProperty(claims, name);
    if (value === undefined || value === null) return 0;
    const seconds = isExactNumber(value) ? Number(value.rawJSON) : value;
    if (typeof seconds !== 'number' || !Number.isFinite(seconds)) throw refused(`invalid ${name} claim: it is no time`);
    return seconds;
  };
  const [issuedAt, notBefore, expiration] = [time('iat'), time('nbf'), time('exp')];
  if (issuedAt === 0 && notBefore === 0 && expiration === 0)
    throw refused('no issued at (iat), not before (nbf), or expiration time (exp) claims in token');
  return {
    expiration: expiration || Math.max(issuedAt, notBefore) + leeway(expected.expirationLeeway, DEFAULT_LEEWAY_S),
    notBefore: notBefore || issuedAt || expiration - leeway(expected.notBeforeLeeway, DEFAULT_LEEWAY_S),
  };
}

const leeway = (given: DurationNs, otherwise: number): number =>
  given === 0 ? otherwise : Math.max(0, given / NS_PER_S);
