import { createPublicKey, type KeyObject } from 'node:crypto';
import { createRemoteJWKSet, customFetch, errors, type CompactJWSHeaderParameters, type CryptoKey } from 'jose';
import { ProviderFault } from './provider-fault.js';
import type { ProviderHttp } from './http.js';

export type Key = CryptoKey | KeyObject;

/** The keys that may have signed a token, by its header; and what is said if none of them has. */
export interface Keys {
  readonly find: (header: CompactJWSHeaderParameters) => Promise<readonly Key[]>;
  readonly none: string;
}

/** @throws ProviderFault if one of them is no public key in PEM */
export function pemKeys(pems: readonly string[]): Keys {
  const keys = pems.map((pem) => {
    try {
      // Of a private key Node would make the public one: nobody is to leave one here.
      if (/PRIVATE KEY/.test(pem)) throw new Error('it is a private key');
      return createPublicKey(pem);
    } catch (error) {
      throw new ProviderFault(`unable to parse public key for JWT auth: ${(error as Error).message}`, 'token');
    }
  });
  return { find: () => Promise.resolve(keys), none: 'no known key successfully validated the token signature' };
}

const TIMEOUT_MS = 10_000;
const NONE = 'failed to verify id token signature';

/** The keys of a JSON Web Key Set (RFC 7517), fetched when it is needed and again when a token names one that is not in it. */
export function remoteKeys(url: string, http: ProviderHttp): Keys {
  const set = createRemoteJWKSet(urlOf(url), {
    timeoutDuration: TIMEOUT_MS,
    [customFetch]: async (at) => {
      const { status, body } = await http.text(at);
      return new Response(body, { status });
    },
  });
  const find: Keys['find'] = async (header) => {
    try {
      return [await set(header)];
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return await allOf(error);
      if (error instanceof errors.JWKSNoMatchingKey) return [];
      throw new ProviderFault(`${NONE}: fetching keys ${(error as Error).message}`, 'provider');
    }
  };
  return { find, none: NONE };
}

async function allOf(keys: AsyncIterable<CryptoKey>): Promise<CryptoKey[]> {
  const all: CryptoKey[] = [];
  for await (const key of keys) all.push(key);
  return all;
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new ProviderFault(`${NONE}: ${JSON.stringify(text)} is no http URL`, 'provider');
  return url;
}
