import fc from 'fast-check';
import { byCreateIndexAndId, byId, byModifyIndex, byNamespaceAndId, compareBytes, paginate } from './pagination.js';

const rows = [
  { createIndex: 9, id: 'b' },
  { createIndex: 10, id: 'a' },
  { createIndex: 10, id: 'c' },
];
const page = (perPage: number, nextToken = '', reverse = false) =>
  paginate(reverse ? rows.toReversed() : rows, { perPage, nextToken, reverse }, byCreateIndexAndId);

it('a page ends with the token of the row after it', () => {
  expect(page(2)).toEqual({ rows: rows.slice(0, 2), nextToken: '10.c' });
  expect(page(2, '10.c')).toEqual({ rows: rows.slice(2), nextToken: '' });
  expect(page(0)).toEqual({ rows, nextToken: '' });
  expect(page(3)).toEqual({ rows, nextToken: '' });
});

it('a page starts at the first row that is not before the token, also when that row is gone', () => {
  expect(page(1, '10.b').rows).toEqual([rows[2]]);
  expect(page(1, '10.b', true).rows).toEqual([rows[1]]);
});

it('a negative page size gives nothing and a token', () => expect(page(-1)).toEqual({ rows: [], nextToken: '9.b' }));

it('indexes are compared as numbers, and a token that is none as a text', () => {
  expect(byCreateIndexAndId.compare({ createIndex: 9, id: 'x' }, '10.a')).toBe(-1);
  expect(byCreateIndexAndId.compare({ createIndex: 9, id: 'x' }, 'zzz')).toBe(-1);
  expect(byCreateIndexAndId.compare({ createIndex: 9, id: 'x' }, '1x.a')).toBe(1);
  expect(byCreateIndexAndId.compare({ createIndex: 9, id: 'x' }, '9.x')).toBe(0);
});

it('jobs are ordered by namespace, then by the bytes of their ids', () => {
  expect(byNamespaceAndId.tokenOf({ namespace: 'default', id: 'a.b' })).toBe('default.a.b');
  expect(byNamespaceAndId.compare({ namespace: 'default', id: 'a.b' }, 'default.a.b')).toBe(0);
  expect(byNamespaceAndId.compare({ namespace: 'a', id: 'z' }, 'b.a')).toBeLessThan(0);
  expect(compareBytes('\uffff', '\u{10000}')).toBeLessThan(0);
});

it('pages put together are the list, whatever their size', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 5 }), fc.boolean(), (ids, perPage, reverse) => {
      const sorted = ids.filter((id) => id !== '').toSorted(compareBytes);
      const list = (reverse ? sorted.toReversed() : sorted).map((id) => ({ id }));
      const collected: { id: string }[] = [];
      let nextToken = '';
      do {
        const answer = paginate(list, { perPage, nextToken, reverse }, byId);
        collected.push(...answer.rows);
        nextToken = answer.nextToken;
      } while (nextToken !== '');
      expect(collected).toEqual(list);
    }),
  );
});

it('jobs by their last change go on page by page, also where one commit changed several', () => {
  const job = (modifyIndex: number, id: string) => ({ modifyIndex, namespace: 'default', id });
  const jobs = [job(12, 'a'), job(10, 'c'), job(10, 'b'), job(10, 'a.b'), job(9, 'x')];
  for (const order of [jobs, jobs.toReversed()]) {
    const reverse = order === jobs;
    const seen = [];
    const tokens = [];
    for (let nextToken = '', pages = 0; pages === 0 || (nextToken !== '' && pages < 10); pages++) {
      const found = paginate(order, { perPage: 1, nextToken, reverse }, byModifyIndex(order));
      seen.push(...found.rows);
      ({ nextToken } = found);
      tokens.push(nextToken);
    }
    expect(seen).toEqual(order);
    const others = reverse ? ['10.default.b', '10.default.a.b', '9'] : ['10.default.b', '10.default.c', '12'];
    expect(tokens).toEqual(['10', ...others, '']);
  }
  const { compare } = byModifyIndex(jobs);
  expect([compare(job(9, 'x'), '10'), compare(job(10, 'c'), '10'), compare(job(9, 'x'), 'zzz')]).toEqual([-1, 0, -1]);
});
