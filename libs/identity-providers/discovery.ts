import { ownProperty } from '@app/kernel';
import { LRUCache } from 'lru-cache';
import { ProviderFault } from './provider-fault.js';
import { ProviderHttp } from './http.js';
import { remoteKeys, type Keys } from './keys.js';

const MAX_PROVIDERS = 100;
const KEPT_MS = 10 * 60_000;

/** A provider as it describes itself (OpenID Connect Discovery 1.0). */
export interface Provider {
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly userInfoEndpoint: string;
  /** Whether it takes a client's secret in the header of a request to the token endpoint. */
  readonly takesBasic: boolean;
  readonly keys: Keys;
  readonly http: ProviderHttp;
}

/** The providers that methods name, each asked once in ten minutes for what it says of itself. */
export class Providers {
  private readonly providers = new LRUCache<string, Promise<Provider>>({ max: MAX_PROVIDERS, ttl: KEPT_MS });
  private readonly keySets = new LRUCache<string, Keys>({ max: MAX_PROVIDERS, ttl: KEPT_MS });
  /** One that is pushed out is not closed: a provider that is remembered may need it. Its idle connections end by themselves. */
  private readonly clients = new LRUCache<string, ProviderHttp>({ max: MAX_PROVIDERS });

  /** @throws ProviderFault */
  discovered(url: string, ca: readonly string[]): Promise<Provider> {
    const key = JSON.stringify([url, ca]);
    const kept = this.providers.get(key);
    if (kept !== undefined) return kept;
    const asked = discover(url, this.client(ca));
    this.providers.set(key, asked);
    asked.catch(() => {
      if (this.providers.peek(key) === asked) this.providers.delete(key);
    });
    return asked;
  }

  /** The keys that are published at a URL. @throws ProviderFault */
  keys(url: string, ca: readonly string[]): Keys {
    const key = JSON.stringify([url, ca]);
    const kept = this.keySets.get(key);
    if (kept !== undefined) return kept;
    const keys = remoteKeys(url, this.client(ca));
    this.keySets.set(key, keys);
    return keys;
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  private client(ca: readonly string[]): ProviderHttp {
    const key = JSON.stringify(ca);
    const kept = this.clients.get(key);
    if (kept !== undefined) return kept;
    const made = new ProviderHttp(ca);
    this.clients.set(key, made);
    return made;
  }
}

async function discover(url: string, http: ProviderHttp): Promise<Provider> {
  const fault = (why: string): ProviderFault => new ProviderFault(`unable to create provider: ${why}`, 'provider');
  const at = `${url.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const { status, body } = await http.json(at).catch((error: unknown) => {
    throw fault((error as Error).message);
  });
  if (status !== 200) throw fault(`${at} answers ${status}`);
  const text = (name: string): string => {
    const value = ownProperty(body as Record<string, unknown>, name);
    return typeof value === 'string' ? value : '';
  };
  const issuer = text('issuer');
  if (issuer !== url)
    throw fault(`oidc: issuer did not match the issuer returned by provider, expected "${url}" got "${issuer}"`);
  if (text('jwks_uri') === '') throw fault(`${at} names no jwks_uri`);
  const methods = ownProperty(body as Record<string, unknown>, 'token_endpoint_auth_methods_supported');
  return {
    issuer,
    authorizationEndpoint: text('authorization_endpoint'),
    tokenEndpoint: text('token_endpoint'),
    userInfoEndpoint: text('userinfo_endpoint'),
    takesBasic: !Array.isArray(methods) || methods.includes('client_secret_basic'),
    keys: remoteKeys(text('jwks_uri'), http),
    http,
  };
}
