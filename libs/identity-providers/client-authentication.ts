import { createPrivateKey, randomUUID, X509Certificate, createHash } from 'node:crypto';
import { US_PER_S, type TimeUs } from '@app/kernel';
import { SignJWT, type JWTHeaderParameters } from 'jose';
import type { Provider } from './discovery.js';
import type { MethodConfig, ProviderSecrets } from './method-config.js';
import { ProviderFault } from './provider-fault.js';

const TTL_S = 300;
const BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** How a client says to the token endpoint who it is: fields of the form, and a header. */
export interface ClientAuthentication {
  readonly fields: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** By an assertion (RFC 7523) if the method has one, else by the client's secret, else by nothing but its id. */
export async function clientAuthentication(
  provider: Provider,
  config: MethodConfig,
  secrets: ProviderSecrets,
  now: TimeUs,
): Promise<ClientAuthentication> {
  const id = config.oidcClientId;
  if (config.oidcClientAssertion !== null) {
    const assertion = await signed(config, secrets, now);
    return { fields: { client_id: id, client_assertion_type: BEARER, client_assertion: assertion }, headers: {} };
  }
  const secret = secrets.clientSecret();
  if (secret === '') return { fields: { client_id: id }, headers: {} };
  if (!provider.takesBasic) return { fields: { client_id: id, client_secret: secret }, headers: {} };
  const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return { fields: {}, headers: { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

async function signed(config: MethodConfig, secrets: ProviderSecrets, now: TimeUs): Promise<string> {
  const { keySource, audience, privateKey, extraHeaders, keyAlgorithm } = config.oidcClientAssertion!;
  const issuedAt = Math.floor(now / US_PER_S);
  const jwt = (header: Partial<JWTHeaderParameters>): SignJWT =>
    new SignJWT({})
      .setProtectedHeader({
        ...Object.fromEntries(extraHeaders ?? []),
        typ: 'JWT',
        alg: keyAlgorithm,
        ...header,
      })
      .setIssuer(config.oidcClientId)
      .setSubject(config.oidcClientId)
      .setAudience([...audience])
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(issuedAt + TTL_S)
      .setJti(randomUUID());
  try {
    if (keySource === 'client_secret')
      return await jwt({}).sign(new TextEncoder().encode(secrets.assertionSecret() || secrets.clientSecret()));
    if (keySource === 'nomad') {
      const { id, signingKey } = await secrets.serverKey();
      return await jwt({ kid: id }).sign(signingKey);
    }
    return await jwt(keyHeader(privateKey!)).sign(createPrivateKey(secrets.privateKey()));
  } catch (error) {
    throw new ProviderFault(`failed to sign the client assertion: ${(error as Error).message}`, 'provider');
  }
}

/** How the provider is told which key has signed: by its id, or by the thumbprint of its certificate. */
function keyHeader({ keyIdHeader, keyId, pemCert }: { keyIdHeader: string; keyId: string; pemCert: string }): object {
  if (pemCert === '') return { [keyIdHeader]: keyId };
  const { raw } = new X509Certificate(pemCert);
  const isSha1 = keyIdHeader === 'x5t';
  const thumbprint = createHash(isSha1 ? 'sha1' : 'sha256')
    .update(raw)
    .digest('base64url');
  return { [isSha1 ? 'x5t' : 'x5t#S256']: thumbprint };
}
