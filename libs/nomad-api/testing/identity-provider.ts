import { createHash, createPublicKey, generateKeyPairSync, randomUUID, verify, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, SignJWT, type JWTPayload } from 'jose';

/** An OpenID provider of our own: discovery, keys, codes, tokens, user info. It checks what clients must show. */
export interface TestProvider {
  readonly url: string;
  readonly publicKeyPem: string;
  /** A token of this provider, good for ten minutes unless the claims say otherwise. */
  sign(claims: JWTPayload): Promise<string>;
  /** What a browser would do at an authorization URL: the person agrees, and is sent back with these. */
  agree(authUrl: string, person: JWTPayload): { readonly code: string; readonly state: string };
  /** Signs by a new key from now on, and publishes that instead. */
  rotate(): void;
  /** How the last exchange was authenticated. */
  readonly exchanges: URLSearchParams[];
  readonly authorizations: (string | undefined)[];
  readonly requests: string[];
  close(): Promise<void>;
}

interface Pending {
  readonly parameters: URLSearchParams;
  readonly person: JWTPayload;
}

export async function startTestProvider(userInfo: object = {}): Promise<TestProvider> {
  let pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  let kid = randomUUID();
  const codes = new Map<string, Pending>();
  const people = new Map<string, JWTPayload>();
  const [exchanges, authorizations, requests]: [URLSearchParams[], (string | undefined)[], string[]] = [[], [], []];
  const sign = (claims: JWTPayload): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ iat: now, exp: now + 600, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(pair.privateKey);
  };
  const exchanged = async (form: URLSearchParams): Promise<object | undefined> => {
    exchanges.push(form);
    const pending = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    if (pending === undefined || pending.parameters.get('redirect_uri') !== form.get('redirect_uri')) return undefined;
    const challenge = pending.parameters.get('code_challenge');
    const shown = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== null && challenge !== shown) return undefined;
    const nonce = pending.parameters.get('nonce')!;
    const access = randomUUID();
    people.set(access, pending.person);
    const aud = pending.parameters.get('client_id')!;
    return {
      token_type: 'Bearer',
      access_token: access,
      id_token: await sign({ iss: url, aud, nonce, ...pending.person }),
    };
  };
  const answer = async (request: IncomingMessage): Promise<object | undefined> => {
    requests.push(request.url!);
    switch (request.url) {
      case '/.well-known/openid-configuration':
        return {
          issuer: url,
          jwks_uri: `${url}/keys`,
          authorization_endpoint: `${url}/authorize?tenant=1`,
          token_endpoint: `${url}/token`,
          userinfo_endpoint: `${url}/userinfo`,
        };
      case '/keys':
      case '/keys?once':
        return { keys: [{ ...(await exportJWK(pair.publicKey)), kid, alg: 'RS256', use: 'sig' }] };
      case '/token':
        authorizations.push(request.headers.authorization);
        return exchanged(new URLSearchParams(await textOf(request)));
      case '/userinfo': {
        const person = people.get((request.headers.authorization ?? '').replace('Bearer ', ''));
        return person && { sub: person.sub, ...userInfo };
      }
      default:
        return undefined;
    }
  };
  const server: Server = createServer((request, response) => {
    void answer(request).then((body) => {
      response.writeHead(body === undefined ? 400 : 200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body ?? { error: 'invalid_grant' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    get publicKeyPem() {
      return pair.publicKey.export({ type: 'spki', format: 'pem' }) as string;
    },
    sign,
    agree(authUrl, person) {
      const parameters = new URL(authUrl).searchParams;
      const code = randomUUID();
      codes.set(code, { parameters, person });
      return { code, state: parameters.get('state')! };
    },
    rotate() {
      pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      kid = randomUUID();
    },
    exchanges,
    authorizations,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** Whether a signature of a compact JWS by RS256 is of this key. */
export function isSignedBy(jws: string, key: KeyObject | string): boolean {
  const [header, payload, signature] = jws.split('.');
  const publicKey = typeof key === 'string' ? createPublicKey(key) : key;
  return verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature!, 'base64url'));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
