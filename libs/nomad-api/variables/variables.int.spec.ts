import { activeKey, type KeyringState } from '@app/domain';
import { KEYRING } from '@app/kernel';
import { startEdge, type TestEdge } from '../testing/edge.module.js';

const SECRET = 'a-secret-that-is-nowhere-else';

let edge: TestEdge;
beforeAll(async () => {
  edge = await startEdge();
  await edge.initialiseKeyring();
}, 60_000);
afterAll(() => edge.close());

const put = (path: string, items: object, query = '', headers: Record<string, string> = {}) =>
  edge.request('PUT', `/v1/var/${path}${query}`, { Items: items }, headers);
const read = async (path: string) =>
  (await edge.request('GET', `/v1/var/${path}`)).json<{ Items: object; ModifyIndex: number }>();

/** Everything that the database holds, as text. */
async function dump(): Promise<string> {
  const tables: { name: string }[] = await edge.dataSource.query(
    `SELECT quote_ident(relname) AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`,
  );
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const rows: { text: string }[] = await edge.dataSource.query(`SELECT t::text AS text FROM ${name} t`);
      return rows.map(({ text }) => text).join('\n');
    }),
  );
  return texts.join('\n');
}

describe('variables', () => {
  test('items are nowhere in the database, in the clear or as base64, not even in the answer kept for a repeated key', async () => {
    const headers = { 'Idempotency-Key': 'write-a-secret' };
    const first = await put('secret', { password: SECRET }, '', headers);
    expect(first.json()).toMatchObject({ Items: { password: SECRET } });
    const again = await put('secret', { password: SECRET }, '', headers);
    expect(again.json()).toEqual(first.json());
    expect(await read('secret')).toEqual(first.json());
    const text = await dump();
    expect(text).toContain('write-a-secret');
    expect(text).toContain('VariableWritten');
    for (const form of [
      SECRET,
      Buffer.from(SECRET).toString('base64').slice(4, 28),
      Buffer.from(SECRET).toString('hex'),
    ])
      expect(text).not.toContain(form);
    expect(text).not.toContain('PRIVATE KEY');
  });

  test('a repeated key with other items is refused', async () => {
    const headers = { 'Idempotency-Key': 'another' };
    await put('keyed', { a: '1' }, '', headers);
    expect((await put('keyed', { a: '2' }, '', headers)).statusCode).toBe(422);
  });

  test('names of items are texts of anybody’s choice', async () => {
    const body = '{"Items":{"__proto__":"p","constructor":"c","toString":"t","":"empty","2":"two","10":"ten"}}';
    expect((await edge.request('PUT', '/v1/var/names', body)).statusCode).toBe(200);
    const text = (await edge.request('GET', '/v1/var/names')).body;
    expect(text).toContain(
      '"Items":{"":"empty","10":"ten","2":"two","__proto__":"p","constructor":"c","toString":"t"}',
    );
  });

  test('a namespace that could be taken for a part of a path is refused', async () => {
    for (const Namespace of ['a/b', '', 'a b', '*', 'x'.repeat(129)]) {
      const answer = await edge.request('PUT', '/v1/var/b', { Namespace, Items: { a: 'b' } });
      expect([Namespace, answer.statusCode]).toEqual([Namespace, Namespace === '' ? 200 : 400]);
    }
    expect((await edge.request('GET', '/v1/var/b?namespace=a%2Fb')).statusCode).toBe(404);
  });

  test('sizes are bytes of names and values, whatever the script', async () => {
    expect((await put('large', { a: 'é'.repeat(32_767) + 'x' })).statusCode).toBe(200);
    expect((await put('large', { a: 'é'.repeat(32_768) })).body).toBe(
      'RPC Error:: 400,variables are limited to 64KiB in total size',
    );
  });

  test('of writers that race with the same index one wins', async () => {
    const { ModifyIndex } = (await put('race', { a: '0' })).json<{ ModifyIndex: number }>();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => put('race', { a: String(n + 1) }, `?cas=${ModifyIndex}`)),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 409)).toHaveLength(7);
    const winner = answers.find(({ statusCode }) => statusCode === 200)!.json<{ Items: object }>();
    expect((await read('race')).Items).toEqual(winner.Items);
  });

  test('of those that race for a lock one gets it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => put('lock', { owner: String(n) }, '?lock-acquire')),
    );
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1);
  });

  test('a write meets a rotation and succeeds under the new key', async () => {
    const before = await edge.keyring.active();
    const writes = Array.from({ length: 6 }, (_, n) => put(`rotation-${n}`, { n: String(n) }));
    const rotation = edge.request('PUT', '/v1/operator/keyring/rotate');
    expect((await rotation).statusCode).toBe(200);
    expect((await Promise.all(writes)).map(({ statusCode }) => statusCode)).toEqual(Array(6).fill(200));
    expect((await put('rotated', { a: 'b' })).statusCode).toBe(200);
    const stored = (await edge.store.load([KEYRING])).get(KEYRING)!;
    expect(activeKey(JSON.parse(stored.state) as KeyringState)!.id).not.toBe(before.id);
    expect((await edge.request('DELETE', `/v1/operator/keyring/key/${before.id}`)).body).toBe(
      'root key in use, cannot delete',
    );
    expect((await edge.request('DELETE', `/v1/operator/keyring/key/${before.id}?force=true`)).statusCode).toBe(200);
    // What only that key could open is lost, and says so.
    const lost = await edge.request('GET', '/v1/var/keyed');
    expect([lost.statusCode, lost.body]).toEqual([500, `root key ${before.id} is not in the keyring`]);
    expect((await read('rotated')).Items).toEqual({ a: 'b' });
  });

  test('a token of many pages meets every variable once, also in several namespaces', async () => {
    for (const namespace of ['pages', 'pages-2'])
      for (const path of ['b', 'a', 'a/b', 'B']) await put(path, { a: 'b' }, `?namespace=${namespace}`);
    const seen: string[] = [];
    let token = '';
    do {
      const page = await edge.request(
        'GET',
        `/v1/vars?namespace=*&per_page=3&next_token=${encodeURIComponent(token)}&filter=${encodeURIComponent('VariableMetadata.Namespace matches "^pages"')}`,
      );
      seen.push(
        ...page.json<{ Namespace: string; Path: string }[]>().map(({ Namespace, Path }) => `${Namespace} ${Path}`),
      );
      token = String(page.headers['x-nomad-nexttoken'] ?? '');
    } while (token !== '');
    const paths = ['B', 'a', 'a/b', 'b'];
    expect(seen).toEqual([...paths.map((path) => `pages ${path}`), ...paths.map((path) => `pages-2 ${path}`)]);
  });
});

describe('renewals of locks', () => {
  test('hold within two TTLs of the last one, and come too late after that', async () => {
    const { Lock } = (await put('renewed', { a: 'b' }, '?lock-acquire')).json<{ Lock: { ID: string } }>();
    const renew = () => edge.request('PUT', '/v1/var/renewed?lock-renew', { Lock: { ID: Lock.ID } });
    const elapse = (seconds: number) =>
      edge.dataSource.query(
        `UPDATE lock_renewal SET renewed_at = renewed_at - make_interval(secs => $1) WHERE lock_id = $2`,
        [seconds, Lock.ID],
      );
    await elapse(29);
    expect((await renew()).statusCode).toBe(200);
    await elapse(31);
    expect((await renew()).statusCode).toBe(409);
    // Nothing is known of it, as after a crash of the database: it counts from now on.
    await edge.dataSource.query('TRUNCATE lock_renewal');
    expect((await renew()).statusCode).toBe(200);
  });
});

test('nothing of this was an internal error', () => {
  expect(edge.faults).toEqual([]);
});
