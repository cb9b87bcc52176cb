import {
  boolParam,
  intParam,
  param,
  params,
  parseQuery,
  pretty,
  readOptions,
  uintParam,
  writeOptions,
} from './query.js';

const read = (query: string) => readOptions(parseQuery(`/v1/deployments${query}`));
const options = (query: string) => {
  const result = read(query);
  if (!result.ok) throw new Error(result.error.text);
  return result.value;
};

describe('a query string', () => {
  it('takes the first value of a parameter and reads plus as a space', () => {
    const query = parseQuery('/v1/jobs?a=1&a=2&b=x+y%20z&c');
    expect(param(query, 'a')).toBe('1');
    expect(params(query, 'a')).toEqual(['1', '2']);
    expect(param(query, 'b')).toBe('x y z');
    expect([query.has('c'), param(query, 'c'), query.has('d'), param(query, 'd')]).toEqual([true, '', false, '']);
  });

  it('leaves out pairs with a broken escape or a semicolon', () => {
    const query = parseQuery('/v1/jobs?a=%zz&b=1;c=2&%=3&d=%C3%A9&e=%ff&=x');
    expect([...query.keys()]).toEqual(['d', 'e', '']);
    expect(param(query, 'd')).toBe('é');
    expect(param(query, 'e')).toBe('\ufffd');
  });

  it.each([
    ['', false],
    ['?pretty', true],
    ['?pretty=', true],
    ['?pretty=1', true],
    ['?pretty=false', true],
    ['?pretty=0', false],
  ])('%j asks for indentation: %s', (query, expected) => expect(pretty(parseQuery(query))).toBe(expected));
});

describe('the options of a read', () => {
  it('have defaults', () =>
    expect(options('')).toEqual({
      region: '',
      namespace: 'default',
      stale: false,
      index: 0,
      waitMs: 300_000,
      prefix: '',
      perPage: 0,
      nextToken: '',
      reverse: false,
      filter: '',
      asOf: '',
    }));

  it('are read from the query', () =>
    expect(
      options(
        '?region=r&namespace=*&stale&index=7&wait=1m30s&prefix=ab&per_page=-2&next_token=t&reverse=true&filter=A+%3D%3D+1',
      ),
    ).toEqual({
      region: 'r',
      namespace: '*',
      stale: true,
      index: 7,
      waitMs: 90_000,
      prefix: 'ab',
      perPage: -2,
      nextToken: 't',
      reverse: true,
      filter: 'A == 1',
      asOf: '',
    }));

  it.each([
    ['?stale', true],
    ['?stale=', true],
    ['?stale=true', true],
    ['?stale=1', true],
    ['?stale=false', false],
    ['?reverse=1', false],
  ])('%s means stale: %s', (query, stale) => expect(options(query).stale).toBe(stale));

  it('reverse only for the word true', () => {
    expect(options('?reverse=1').reverse).toBe(false);
    expect(options('?reverse=true').reverse).toBe(true);
  });

  it.each([
    ['?wait=0', 300_000],
    ['?wait=-5s', 300_000],
    ['?wait=1h', 300_000],
    ['?wait=1000ms', 1000],
    ['?wait=1us', 1],
  ])('%s waits %d ms', (query, waitMs) => expect(options(query).waitMs).toBe(waitMs));

  it.each([
    ['?stale=maybe&per_page=x', 'Expect `true` or `false` for `stale` query string parameter'],
    ['?per_page=x&wait=x', 'Expect a number for `per_page` query string parameter'],
    ['?per_page=2147483648', 'Expect a number for `per_page` query string parameter'],
    ['?wait=5&index=x', 'Invalid wait time'],
    ['?index=-1', 'Invalid index'],
    ['?index=x', 'Invalid index'],
  ])('%s is refused', (query, text) => expect(read(query)).toEqual({ ok: false, error: { status: 400, text } }));
});

describe('a typed parameter', () => {
  const query = parseQuery('?resources=maybe&empty=&yes=T&eval_priority=high&diff_version=x&n=-3&q="');
  const refused = (text: string) => ({ ok: false, error: { status: 500, text } });

  it('is a boolean in Go', () => {
    expect(boolParam(query, 'yes')).toEqual({ ok: true, value: true });
    expect(boolParam(query, 'empty', true)).toEqual({ ok: true, value: true });
    expect(boolParam(query, 'absent')).toEqual({ ok: true, value: false });
    expect(boolParam(query, 'resources')).toEqual(
      refused(
        'Failed to parse value of "resources" (maybe) as a bool: strconv.ParseBool: parsing "maybe": invalid syntax',
      ),
    );
    expect(boolParam(query, 'q', false, 'q')).toEqual(
      refused('Failed to parse value of "q"q (") as a bool: strconv.ParseBool: parsing "\\"": invalid syntax'),
    );
  });

  it('is a number', () => {
    expect(intParam(query, 'n')).toEqual({ ok: true, value: -3 });
    expect(intParam(query, 'absent')).toEqual({ ok: true, value: undefined });
    expect(intParam(query, 'eval_priority')).toEqual(
      refused('Failed to parse value of "eval_priority" (high) as a int: strconv.Atoi: parsing "high": invalid syntax'),
    );
    expect(uintParam(query, 'diff_version')).toEqual(
      refused(
        'Failed to parse value of "diff_version" (x) as a uint64: strconv.ParseUint: parsing "x": invalid syntax',
      ),
    );
  });
});

it('a write leaves out what its query does not say', () =>
  expect(writeOptions(parseQuery('?region=&namespace=n&idempotency_token=t'))).toEqual({
    region: undefined,
    namespace: 'n',
    idempotencyToken: 't',
  }));
