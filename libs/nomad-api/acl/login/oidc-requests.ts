import type { Keyring } from '@app/keyring';

/** For how long a person may take to log in with a provider. */
const VALID_MS = 10 * 60_000;

/** What is sent to a provider and comes back, and what is shown to it later. */
export interface OidcRequest {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** Where a request came from and goes back to. */
export interface OidcOrigin {
  readonly method: string;
  /** Known to nobody but the client that has begun. */
  readonly clientNonce: string;
  readonly redirectUri: string;
}

/**
 * Requests that wait for an answer of a provider. They are remembered nowhere: all of one follows, by the servers' own key, from where it came from and
 * when. So any server takes the answer, and nobody can fill a memory with beginnings.
 */
export class OidcRequests {
  constructor(
    private readonly keyring: Pick<Keyring, 'digest'>,
    private readonly nowMs: () => number,
  ) {}

  begin(origin: OidcOrigin): OidcRequest {
    return this.made(origin, this.nowMs().toString(36));
  }

  /** The request that came back with this state; undefined: there was none, or it is too long ago. */
  find(origin: OidcOrigin, state: string): OidcRequest | undefined {
    const began = state.slice(0, state.indexOf('.'));
    const ageMs = this.nowMs() - parseInt(began, 36);
    if (!/^[0-9a-z]{1,10}$/.test(began) || ageMs < 0 || ageMs > VALID_MS) return undefined;
    const request = this.made(origin, began);
    return request.state === state ? request : undefined;
  }

  private made({ method, clientNonce, redirectUri }: OidcOrigin, began: string): OidcRequest {
    const of = (part: string): string =>
      this.keyring.digest(Buffer.from(JSON.stringify(['oidc request', part, began, method, clientNonce, redirectUri])));
    return { state: `${began}.${of('state')}`, nonce: of('nonce'), codeVerifier: of('code verifier') };
  }
}
