import type { AuthMethodConfig } from '@app/domain';
import type { KeyObject } from 'node:crypto';

export type MethodConfig = AuthMethodConfig;

/** What a client shows to its provider; opened when it is needed. */
export interface ProviderSecrets {
  readonly clientSecret: () => string;
  readonly assertionSecret: () => string;
  readonly privateKey: () => string;
  /** The servers' own signing key, published at /.well-known/jwks.json. */
  readonly serverKey: () => Promise<{ readonly id: string; readonly signingKey: KeyObject }>;
}

/** What ties the answer of a provider to the request that asked for it. */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  /** Sent as its digest if the method has PKCE (RFC 7636), and shown at the exchange. */
  readonly codeVerifier: string;
}

export interface CodeExchange extends Omit<AuthorizationRequest, 'state'> {
  readonly code: string;
  /** The issuer that the answer named (RFC 9207); empty: none. */
  readonly issuer: string;
}
