import { parseExact } from '@app/kernel';
import { bindingsOf, selectorOf, tokenNameOf } from './bindings.js';
import { mapClaims } from './claims.js';
import { interpolate } from './interpolate.js';
import { mayRedirectTo } from './redirect-uris.js';
import { OidcRequests } from './oidc-requests.js';

describe('Claims', () => {
  const mapped = (claims: object, claimMappings: [string, string][], listClaimMappings: [string, string][] = []) =>
    mapClaims(claims, { claimMappings, listClaimMappings });

  test('become texts, by a name or a pointer; what is missing is left out', () => {
    const claims = { team: 'a', admin: true, 'https://ci/info': { project: 'p' }, none: null };
    const result = mapped(claims, [
      ['team', 'team'],
      ['admin', 'admin'],
      ['/https:~1~1ci~1info/project', 'project'],
      ['none', 'none'],
      ['/team/deeper', 'deeper'],
      ['constructor', 'inherited'],
    ]);
    expect(result).toMatchObject({
      ok: true,
      value: {
        value: new Map([
          ['team', 'a'],
          ['admin', 'true'],
          ['project', 'p'],
        ]),
      },
    });
  });

  test('keep the digits of large numbers', () => {
    const claims = parseExact('{"id":9007199254740993,"n":42}') as object;
    expect(
      mapped(claims, [
        ['id', 'id'],
        ['n', 'n'],
      ]),
    ).toMatchObject({
      value: {
        value: new Map([
          ['id', '9007199254740993'],
          ['n', '42'],
        ]),
      },
    });
  });

  test('of lists may be a single one', () => {
    expect(
      mapped(
        { groups: ['dev', 1], one: 'x' },
        [],
        [
          ['groups', 'g'],
          ['one', 'o'],
        ],
      ),
    ).toMatchObject({
      value: {
        list: new Map([
          ['g', ['dev', '1']],
          ['o', ['x']],
        ]),
      },
    });
  });

  test('that are objects are no texts', () => {
    const error = "error converting claim 'run' to string from unknown type map[string]interface {}";
    expect(mapped({ run: {} }, [['run', 'run']])).toEqual({ ok: false, error });
    expect(mapped({ run: [{}] }, [], [['run', 'run']])).toEqual({ ok: false, error });
  });

  test('of any name are names like others', () => {
    const result = mapped(JSON.parse('{"__proto__":"a"}') as object, [['__proto__', '__proto__']]);
    expect(result).toMatchObject({ ok: true });
    const rule = { selector: 'value["__proto__"] == "a"', bindType: 'policy', bindName: 'x' };
    const bindings = bindingsOf([rule as never], (result as Extract<typeof result, { ok: true }>).value);
    expect(bindings).toEqual({ ok: true, value: [{ type: 'policy', name: 'x' }] });
  });
});

describe('Rules', () => {
  const claims = { value: new Map([['team', 'a']]), list: new Map([['groups', ['dev', 'ops']]]) };
  const binds = (...rules: { selector?: string; bindType?: string; bindName?: string }[]) =>
    bindingsOf(rules.map((one) => ({ selector: '', bindType: 'policy', bindName: 'x', ...one })) as never, claims);

  test.each([
    ['', true],
    ['value.team == "a"', true],
    ['value.team == "b"', false],
    ['"ops" in list.groups', true],
    ['list.groups contains "nope"', false],
    ['list.nobody is empty', true],
    ['value.nope == ""', false],
    ['nothing.there == "a"', false],
    ['value.team matches "("', false],
  ])('select by %j: %j', (selector, isSelected) => {
    expect(binds({ selector })).toEqual({ ok: true, value: isSelected ? [{ type: 'policy', name: 'x' }] : [] });
  });

  test('of management decide at once', () => {
    expect(binds({ bindType: 'management', bindName: '' }, { bindName: '${value.nope}' })).toEqual({
      ok: true,
      value: [{ type: 'management', name: '' }],
    });
  });

  test('name what claims say, if that is a name', () => {
    expect(binds({ bindType: 'role', bindName: 'team-${value.team}' })).toEqual({
      ok: true,
      value: [{ type: 'role', name: 'team-a' }],
    });
    expect(binds({ bindName: '${value.team}/' })).toEqual({
      ok: false,
      error: 'computed "policy" bind name for bind target is invalid: "a/"',
    });
    expect(binds({ bindName: 'x${value.nope}' })).toEqual({
      ok: false,
      error: 'cannot compute "policy" bind name for bind target: 1:4: unknown variable accessed: value.nope',
    });
  });

  test('with a selector that cannot be parsed say where', () => {
    expect(selectorOf('value.team ==')).toMatchObject({ ok: false, error: expect.stringMatching(/^1:14 \(13\): /) });
  });

  test('names of tokens know the method', () => {
    const method = {
      type: 'JWT',
      name: 'ci',
      tokenNameFormat: '${auth_method_type}-${auth_method_name}-${value.team}',
    };
    expect(tokenNameOf(method as never, claims)).toEqual({ ok: true, value: 'JWT-ci-a' });
  });
});

test('A template puts variables in, once, and says what it cannot read', () => {
  const variables = new Map([
    ['a', '${b}'],
    ['b', 'x'],
  ]);
  expect(interpolate('1 ${ a } $${a} $', variables)).toEqual({ ok: true, value: '1 ${b} ${a} $' });
  expect(interpolate('x\n${nope}', variables)).toEqual({ ok: false, error: '2:3: unknown variable accessed: nope' });
  for (const bad of ['${', '${}', '${a', '${a b}', '${"a"}'])
    expect(interpolate(bad, variables)).toEqual({ ok: false, error: expect.stringContaining('expected a variable') });
  expect(interpolate('${a}'.repeat(5000), variables)).toMatchObject({ ok: false });
});

test('People are sent back only where a method allows, on any port of a loopback address', () => {
  const allowed = ['http://127.0.0.1/cb', 'https://nomad.example/ui'];
  expect(mayRedirectTo('http://127.0.0.1:4649/cb', allowed)).toBe(true);
  expect(mayRedirectTo('https://nomad.example/ui', allowed)).toBe(true);
  for (const uri of [
    'http://127.0.0.1:4649/other',
    'http://localhost/cb',
    'https://nomad.example:1/ui',
    'https://evil.example/ui',
    'https://nomad.example/ui?x',
    'no uri',
  ])
    expect([uri, mayRedirectTo(uri, allowed)]).toEqual([uri, false]);
});

test('A request to a provider is found by its state for ten minutes, by whoever began it', () => {
  let now = 1_767_225_600_000;
  const requests = () => new OidcRequests({ digest: (data) => `digest of ${data.toString()}` }, () => now);
  const origin = { method: 'm', clientNonce: 'n', redirectUri: 'u' };
  const begun = requests().begin(origin);
  // Another server, with the same key.
  expect(requests().find(origin, begun.state)).toEqual(begun);
  expect(requests().find({ ...origin, clientNonce: 'other' }, begun.state)).toBeUndefined();
  expect(requests().find(origin, begun.nonce)).toBeUndefined();
  expect(requests().find(origin, '')).toBeUndefined();
  now += 10 * 60_000 + 1;
  expect(requests().find(origin, begun.state)).toBeUndefined();
});
