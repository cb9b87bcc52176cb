import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { aclAuthMethodStream, aclTokenStream } from '@app/kernel';
import { SignJWT, type JWTPayload } from 'jose';
import { isSignedBy, startTestProvider, type TestProvider } from '../../testing/identity-provider.js';
import { startEdge, type TestEdge } from '../../testing/edge.module.js';

jest.setTimeout(60_000);

const NONCE = 'a nonce of the client';
const CALLBACK = 'http://127.0.0.1:4649/oidc/callback';
const SECRET = 'the secret of the client';

interface TopicEvent {
  readonly Topic: string;
  readonly Type: string;
}

describe('Logging in', () => {
  let edge: TestEdge;
  let address: string;
  let provider: TestProvider;
  let management: Record<string, string>;
  beforeAll(async () => {
    edge = await startEdge({ acl: true });
    address = await edge.listen();
    await edge.initialiseKeyring();
    provider = await startTestProvider({ team: 'of user info' });
    const bootstrap = (await edge.request('PUT', '/v1/acl/bootstrap')).json<{ SecretID: string }>();
    management = { 'X-Nomad-Token': bootstrap.SecretID };
    for (const name of ['reads', 'writes']) await define('policy', { Name: name, Rules: 'node { policy = "read" }' });
  });
  afterAll(async () => {
    await edge?.close();
    await provider?.close();
  });
  afterEach(() => {
    if (edge.faults.length > 0) throw new AggregateError(edge.faults.splice(0), 'unplanned');
  });

  const define = async (kind: string, body: Record<string, unknown>) => {
    const path = kind === 'policy' ? `/v1/acl/policy/${String(body['Name'])}` : `/v1/acl/${kind}`;
    const answer = await edge.request('PUT', path, body, management);
    if (answer.statusCode !== 200) throw new Error(answer.body);
  };
  const method = async (type: string, config: object): Promise<string> => {
    const Name = `m-${randomUUID()}`;
    await define('auth-method', { Name, Type: type, TokenLocality: 'local', MaxTokenTTL: '10m', Config: config });
    await define('binding-rule', { AuthMethod: Name, BindType: 'policy', BindName: 'reads' });
    return Name;
  };
  const login = async (name: string, token: string) => {
    const { statusCode, body } = await edge.request('PUT', '/v1/acl/login', {
      AuthMethodName: name,
      LoginToken: token,
    });
    return { status: statusCode, body };
  };
  const claims = (more: object = {}): JWTPayload => ({ iss: provider.url, aud: 'nomad', sub: 'somebody', ...more });

  describe('with hostile input', () => {
    const NUL = '\u0000';
    test.each([
      ['a zero byte in a name', 'login', { AuthMethodName: NUL, LoginToken: 'a.b.c' }],
      ['a name like a path', 'login', { AuthMethodName: '../../acl-token/x', LoginToken: 'a.b.c' }],
      ['a token of a megabyte', 'login', { AuthMethodName: 'JWT', LoginToken: 'a'.repeat(1_000_000) }],
      ['a header that is none', 'login', { AuthMethodName: 'JWT', LoginToken: 'e30.e30.e30' }],
      ['three dots', 'login', { AuthMethodName: 'JWT', LoginToken: '..' }],
      ['a number for a name', 'login', { AuthMethodName: 1, LoginToken: 'x' }],
      ['a state without end', 'oidc/complete-auth', { State: '9'.repeat(100_000) + '.x', Code: 'c' }],
      ['a code with a zero byte', 'oidc/complete-auth', { State: `zzzz.${NUL}`, Code: NUL }],
      ['a redirect that is no URI', 'oidc/auth-url', { RedirectURI: 'http://[' }],
      ['a redirect of another scheme', 'oidc/auth-url', { RedirectURI: 'javascript:alert(1)' }],
    ])('%s is refused', async (_what, path, body) => {
      const of = path === 'login' ? await method('JWT', { JWTValidationPubKeys: [provider.publicKeyPem] }) : undefined;
      const oidc = { OIDCDiscoveryURL: provider.url, OIDCClientID: 'me', AllowedRedirectURIs: [CALLBACK] };
      const name = of ?? (await method('OIDC', oidc));
      const whole = { AuthMethodName: name, RedirectURI: CALLBACK, ClientNonce: NONCE, ...body };
      const given = JSON.parse(JSON.stringify(whole).replace('"JWT"', `"${name}"`)) as object;
      const { statusCode, body: text } = await edge.request('PUT', `/v1/acl/${path}`, given);
      expect([statusCode, text]).toEqual([expect.any(Number), expect.not.stringContaining('internal error')]);
      expect(statusCode).toBeGreaterThanOrEqual(400);
    });

    test('claims and mappings of any name are names like others', async () => {
      const mapping = JSON.parse('{"__proto__":"__proto__","constructor":"team"}') as object;
      const name = await method('JWT', { JWTValidationPubKeys: [provider.publicKeyPem], ClaimMappings: mapping });
      const shown = await edge.request('GET', `/v1/acl/auth-method/${name}`, undefined, management);
      expect(shown.body).toContain('"ClaimMappings":{"__proto__":"__proto__","constructor":"team"}');
      const rule = { AuthMethod: name, BindType: 'policy', BindName: '${value.team}' };
      await define('binding-rule', { ...rule, Selector: 'value["__proto__"] == "a"' });
      const claimed = JSON.parse('{"__proto__":"a","constructor":"writes"}') as object;
      const token = await provider.sign(claims(claimed));
      expect(JSON.parse((await login(name, token)).body)).toMatchObject({ Type: 'client' });
    });

    test('what a method or a rule may not say is refused when it is written', async () => {
      for (const [path, body] of [
        ['auth-method', { Name: `a${NUL}`, Type: 'JWT' }],
        ['auth-method', { Name: 'x', MaxTokenTTL: 1e300 }],
        ['auth-method', { Name: 'x', MaxTokenTTL: [] }],
        ['auth-method', { Name: 'x', Config: { ClockSkewLeeway: {} } }],
        ['auth-method', { Name: 'x', Config: { ClaimMappings: [] } }],
        ['binding-rule', { ID: NUL }],
        ['binding-rule', { AuthMethod: 'x', BindType: 'policy', BindName: 'a', Selector: '('.repeat(100_000) }],
      ] as const) {
        const { statusCode, body: text } = await edge.request('PUT', `/v1/acl/${path}`, body, management);
        expect([statusCode >= 400 && statusCode < 500, text]).toEqual([true, expect.any(String)]);
      }
    });
  });

  describe('by a JWT', () => {
    test.each([
      ['keys of its own', () => ({ JWTValidationPubKeys: [provider.publicKeyPem] })],
      ['a JWKS URL', () => ({ JWKSURL: `${provider.url}/keys` })],
      ['a discovery URL', () => ({ OIDCDiscoveryURL: provider.url })],
    ])('is possible with a method with %s', async (_what, config) => {
      const answer = await login(await method('JWT', config()), await provider.sign(claims()));
      expect(answer.status).toBe(200);
      const token = JSON.parse(answer.body) as { SecretID: string; AccessorID: string };
      expect(token).toMatchObject({ Type: 'client', Policies: ['reads'], ExpirationTTL: '10m0s' });
      const nodes = await edge.request('GET', '/v1/nodes', undefined, { 'X-Nomad-Token': token.SecretID });
      expect(nodes.statusCode).toBe(200);
      const [created] = await edge.store.readStream(aclTokenStream(token.AccessorID), 1);
      expect(created).toMatchObject({
        type: 'AclTokenCreated',
        meta: { actor: expect.stringMatching(/^auth method m-/) },
      });
    });

    const second = (): number => Math.floor(Date.now() / 1000);
    const past = { iat: 1_700_000_000, nbf: undefined, exp: undefined };
    test.each([
      ['an algorithm that is not bound', {}, { SigningAlgs: ['ES256'] }, 'unexpected algorithm "RS256"'],
      ['an audience that is not bound', {}, { BoundAudiences: ['x'] }, 'does not match any expected audience'],
      ['an issuer that is not bound', {}, { BoundIssuer: ['x'] }, `invalid JWT issuer: http://127.0.0.1`],
      ['no times', { iat: undefined, exp: undefined }, {}, 'no issued at (iat), not before (nbf), or expiration time'],
      ['a beginning long ago and no end', past, {}, 'token is expired'],
      ['an end a minute ago', { exp: second() - 61 }, {}, 'token is expired'],
      ['times that are none', { exp: 'soon' as never }, {}, 'invalid exp claim'],
    ])('with %s is refused', async (_what, more, config, text) => {
      const name = await method('JWT', { JWTValidationPubKeys: [provider.publicKeyPem], ...config });
      const answer = await login(name, await provider.sign(claims(more)));
      expect(answer).toEqual({ status: 401, body: expect.stringContaining(text) });
    });

    test.each([
      ['an audience in a list', { aud: ['other', 'nomad'] }, { BoundAudiences: ['nomad', 'x'] }],
      ['a beginning and no end', { exp: undefined }, {}],
      ['an end that the skew of clocks allows', { exp: second() - 100 }, { ClockSkewLeeway: '5m' }],
      ['a beginning long ago, and as much leeway', past, { ExpirationLeeway: '200000h' }],
      ['one of several issuers', {}, { BoundIssuer: ['x', 'PROVIDER'] }],
    ])('with %s is taken', async (_what, more, config) => {
      const bound = JSON.parse(JSON.stringify(config).replace('PROVIDER', provider.url)) as object;
      const name = await method('JWT', { JWTValidationPubKeys: [provider.publicKeyPem], ...bound });
      const answer = await login(name, await provider.sign(claims(more)));
      expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
    });

    test('takes a public key for no shared secret', async () => {
      const forged = await new SignJWT({ ...claims(), iat: second() })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(provider.publicKeyPem));
      const config = { JWTValidationPubKeys: [provider.publicKeyPem], SigningAlgs: ['HS256', 'RS256'] };
      expect(await login(await method('JWT', config), forged)).toMatchObject({ status: 401 });
      const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${forged.split('.')[1]}.`;
      expect(await login(await method('JWT', config), unsigned)).toMatchObject({ status: 401 });
    });

    test('says that a key of the method is none only when somebody logs in', async () => {
      const name = await method('JWT', { JWTValidationPubKeys: ['no key'] });
      expect(await login(name, await provider.sign(claims()))).toEqual({
        status: 401,
        body: expect.stringContaining('unable to parse public key for JWT auth'),
      });
    });

    test('finds the key that a token names among several, of several kinds', async () => {
      const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
        type: 'spki',
        format: 'pem',
      });
      const name = await method('JWT', { JWTValidationPubKeys: [other, provider.publicKeyPem] });
      expect(await login(name, await provider.sign(claims()))).toMatchObject({ status: 200 });
    });

    test('asks for keys once, however many tokens name others', async () => {
      const name = await method('JWT', { JWKSURL: `${provider.url}/keys?once` });
      const forged = await startTestProvider();
      for (let n = 0; n < 3; n++) {
        forged.rotate();
        expect(await login(name, await forged.sign(claims()))).toMatchObject({ status: 401 });
      }
      expect(provider.requests.filter((url) => url === '/keys?once')).toHaveLength(1);
      await forged.close();
    });

    test('says what it cannot reach', async () => {
      const name = await method('JWT', { JWKSURL: 'http://127.0.0.1:1/keys' });
      expect(await login(name, await provider.sign(claims()))).toEqual({
        status: 401,
        body: expect.stringMatching(/fetching keys Get "http:\/\/127.0.0.1:1\/keys": .*ECONNREFUSED/),
      });
    });
  });

  describe('by OIDC', () => {
    const config = () => ({
      OIDCDiscoveryURL: provider.url,
      OIDCClientID: 'rollbook',
      OIDCClientSecret: SECRET,
      OIDCEnablePKCE: true,
      OIDCScopes: ['groups'],
      AllowedRedirectURIs: ['http://127.0.0.1/oidc/callback'],
      ClaimMappings: { team: 'team' },
      ListClaimMappings: { groups: 'groups' },
    });
    const begin = async (name: string, more: object = {}) => {
      const body = { AuthMethodName: name, RedirectURI: CALLBACK, ClientNonce: NONCE, ...more };
      const answer = await edge.request('PUT', '/v1/acl/oidc/auth-url', body);
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${answer.body}`);
      return answer.json<{ AuthURL: string }>().AuthURL;
    };
    const complete = async (name: string, back: { code: string; state: string }, more: object = {}) => {
      const { statusCode, body } = await edge.request('PUT', '/v1/acl/oidc/complete-auth', {
        AuthMethodName: name,
        RedirectURI: CALLBACK,
        ClientNonce: NONCE,
        Code: back.code,
        State: back.state,
        ...more,
      });
      return { status: statusCode, body };
    };
    const person = { sub: 'somebody', groups: ['ops'] };

    test('sends a person to the provider, and makes the token when they come back', async () => {
      const name = await method('OIDC', config());
      const rule = { AuthMethod: name, BindType: 'policy', BindName: 'writes' };
      await define('binding-rule', { ...rule, Selector: '"ops" in list.groups and value.team == "of user info"' });
      const url = await begin(name);
      const parameters = Object.fromEntries(new URL(url).searchParams);
      expect(parameters).toMatchObject({
        tenant: '1',
        response_type: 'code',
        client_id: 'rollbook',
        redirect_uri: CALLBACK,
        scope: 'openid groups',
        code_challenge_method: 'S256',
      });
      const answer = await complete(name, provider.agree(url, person));
      expect([answer.status, answer.body]).toEqual([200, expect.anything()]);
      const token = JSON.parse(answer.body) as { Policies: string[]; SecretID: string };
      expect(token.Policies.toSorted()).toEqual(['reads', 'writes']);
      const basic = Buffer.from(`rollbook:${encodeURIComponent(SECRET)}`).toString('base64');
      expect(provider.authorizations.at(-1)).toBe(`Basic ${basic}`);
    });

    test('keeps the secret of the client to itself', async () => {
      const name = await method('OIDC', config());
      const shown = await edge.request('GET', `/v1/acl/auth-method/${name}`, undefined, management);
      const logged = JSON.stringify(await edge.store.readStream(aclAuthMethodStream(name), 1));
      const stream = await edge.store.readAfter(0, 10_000);
      for (const told of [shown.body, logged, JSON.stringify(stream)]) {
        expect(told).toContain(name);
        expect(told).not.toContain(SECRET);
      }
    });

    test('is told of in the stream of events, without its secret', async () => {
      const name = await method('OIDC', config());
      await edge.request('DELETE', `/v1/acl/auth-method/${name}`, undefined, management);
      const query = `topic=ACLAuthMethod:${name}&topic=ACLBindingRule:${name}&index=1&to=${edge.tail.applied}`;
      const answer = await fetch(`${address}/v1/event/stream?${query}`, { headers: management });
      const lines = (await answer.text()).split('\n').filter((line) => line.includes('"Events"'));
      const events = lines.flatMap((line) => (JSON.parse(line) as { Events: TopicEvent[] }).Events);
      expect(events.map(({ Topic, Type }) => `${Topic} ${Type}`)).toEqual([
        'ACLAuthMethod ACLAuthMethodUpserted',
        'ACLBindingRule ACLBindingRuleUpserted',
        'ACLAuthMethod ACLAuthMethodDeleted',
      ]);
      expect(events[0]).toMatchObject({
        Key: name,
        Payload: { AuthMethod: { Name: name, Config: { OIDCClientSecret: 'redacted' } } },
      });
      expect(events[1]).toMatchObject({ FilterKeys: [name], Payload: { ACLBindingRule: { AuthMethod: name } } });
      expect(lines.join()).not.toContain(SECRET);
      const client = await edge.request('PUT', '/v1/acl/token', { Type: 'client', Policies: ['reads'] }, management);
      const headers = { 'X-Nomad-Token': client.json<{ SecretID: string }>().SecretID };
      const refused = await fetch(`${address}/v1/event/stream?${query}`, { headers });
      expect(await refused.text()).not.toContain(name);
    });

    test.each([
      ['a state of its own', () => ({ State: 'x.y' }), 500, 'no OIDC request found for client nonce'],
      ['the nonce of another client', () => ({ ClientNonce: 'mine' }), 500, 'no OIDC request found for client nonce'],
      [
        'a code that was not given',
        () => ({ Code: 'made up' }),
        401,
        'failed to exchange token with provider: "invalid_grant"',
      ],
      ['another redirect', () => ({ RedirectURI: 'http://evil.example/' }), 400, 'does not allow the redirect URI'],
      ['another issuer', () => ({ Iss: 'http://evil.example/' }), 401, 'of another issuer'],
    ])('refuses whoever comes back with %s', async (_what, more, status, text) => {
      const name = await method('OIDC', config());
      const back = provider.agree(await begin(name), person);
      expect(await complete(name, back, more())).toEqual({ status, body: expect.stringContaining(text) });
    });

    test('refuses whoever comes back after ten minutes', async () => {
      const name = await method('OIDC', config());
      const back = provider.agree(await begin(name), person);
      edge.advance(600_001);
      const late = await complete(name, back);
      edge.advance(-600_001);
      expect(late).toEqual({ status: 500, body: 'no OIDC request found for client nonce' });
      expect(await complete(name, back)).toMatchObject({ status: 200 });
    });

    test('refuses a code that was used', async () => {
      const name = await method('OIDC', { ...config(), OIDCDisableUserInfo: true });
      const back = provider.agree(await begin(name), person);
      expect(await complete(name, back)).toMatchObject({ status: 200 });
      expect(await complete(name, back)).toMatchObject({ status: 401 });
    });

    test('refuses an ID token that was made for another request or another client', async () => {
      const name = await method('OIDC', config());
      for (const [more, text] of [
        [{ nonce: 'another' }, 'invalid nonce'],
        [{ aud: 'another' }, 'does not match any expected audience'],
        [{ iss: 'http://evil.example' }, 'of another issuer'],
      ] as const) {
        const back = provider.agree(await begin(name), { ...person, ...more });
        expect(await complete(name, back)).toEqual({ status: 401, body: expect.stringContaining(text) });
      }
    });

    test('shows a provider an assertion instead of a secret', async () => {
      const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const PemKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
      const name = await method('OIDC', {
        ...config(),
        OIDCClientSecret: '',
        OIDCClientAssertion: { KeySource: 'private_key', PrivateKey: { PemKey, KeyID: 'mine' } },
      });
      expect(await complete(name, provider.agree(await begin(name), person))).toMatchObject({ status: 200 });
      const assertion = provider.exchanges.at(-1)!.get('client_assertion')!;
      expect(isSignedBy(assertion, pair.publicKey)).toBe(true);
      const [header, payload] = assertion.split('.').map((part) => Buffer.from(part, 'base64url').toString());
      expect(JSON.parse(header!)).toMatchObject({ alg: 'RS256', kid: 'mine' });
      expect(JSON.parse(payload!)).toMatchObject({ iss: 'rollbook', sub: 'rollbook', aud: [provider.url] });
      const shown = await edge.request('GET', `/v1/acl/auth-method/${name}`, undefined, management);
      expect(shown.json()).toMatchObject({
        Config: { OIDCClientAssertion: { PrivateKey: { PemKey: 'redacted', KeyID: 'mine' } } },
      });
    });

    test("signs an assertion by the servers' own key", async () => {
      const assertion = { KeySource: 'nomad', Audience: ['them'] };
      const name = await method('OIDC', { ...config(), OIDCClientAssertion: assertion });
      expect(await complete(name, provider.agree(await begin(name), person))).toMatchObject({ status: 200 });
      const jws = provider.exchanges.at(-1)!.get('client_assertion')!;
      const { kid } = JSON.parse(Buffer.from(jws.split('.')[0]!, 'base64url').toString()) as { kid: string };
      const { keys } = (await edge.request('GET', '/.well-known/jwks.json')).json<{ keys: { kid: string }[] }>();
      expect(keys.map((key) => key.kid)).toContain(kid);
    });
  });
});
