import type { DocumentRow, ListQuery, ReadModels } from '@app/read-models';
import type { KeptLists, Moment } from '@app/streaming';
import { deploymentType, jobType, parseQuery, readOptions } from '../http/index.js';
import { orThrow } from './exchange.js';
import type { JobEndpoint, KeptEndpoint } from './list-endpoint.js';
import { Lists } from './lists.js';
import { Objects } from './objects.js';

const ROWS = 20_000;
/** Rows that a look may hold. */
const BOUND = 1_024;
const MOMENT: Moment = { tableIndex: () => 7 } as unknown as Moment;

describe('A list of many rows', () => {
  let looks: number[];
  /** Every hundredth is of version 7. */
  const rowOf = (n: number, key: string): DocumentRow => ({
    key,
    create_index: String(n),
    document: JSON.stringify({ ID: key, JobVersion: n % 100 === 99 ? 7 : 1, Namespace: 'default' }),
  });
  const name = (n: number): string => String(n).padStart(8, '0');
  const deployments = Array.from({ length: ROWS }, (_, n) => rowOf(n, name(n)));
  const jobs = Array.from({ length: ROWS }, (_, n) => rowOf(n, `default/${name(n)}`));

  const list = (query: ListQuery): Promise<DocumentRow[]> => {
    const all = query.table === 'job' ? jobs : deployments;
    const from = query.from as { createIndex?: number; key: string } | undefined;
    const begin = from === undefined ? 0 : (from.createIndex ?? Number(from.key));
    const rows = all.slice(begin, begin + (query.limit ?? Infinity));
    looks.push(rows.length);
    return Promise.resolve(rows);
  };
  const kept = { read: () => Promise.reject(new Error('was read as a whole')) } as unknown as KeptLists;
  const readModels = { list } as unknown as ReadModels;
  const lists = new Lists(readModels, new Objects(readModels, { load: () => Promise.resolve(new Map()) }, kept), kept);

  const DEPLOYMENTS: KeptEndpoint = {
    ...{ table: 'deployment', tables: ['deployment'], where: {}, filterColumns: {} },
    filterType: deploymentType,
  };
  const textsOf = (rows: readonly DocumentRow[]): Promise<Map<string, string>> =>
    Promise.resolve(new Map(rows.map(({ key, document }) => [key, document])));
  const JOBS: JobEndpoint = {
    ...{ table: 'job', tables: ['job'], where: {}, filterColumns: {}, filterType: jobType, texts: textsOf },
    objects: (rows) =>
      Promise.resolve(
        new Map(
          rows.map(({ key, document }) => [
            key,
            { ...(JSON.parse(document) as object), Priority: Number(key.slice(-2)) },
          ]),
        ),
      ),
  };
  const ask = async (
    endpoint: KeptEndpoint | JobEndpoint,
    query: string,
  ): Promise<{ readonly ids: readonly string[]; readonly next: string | undefined }> => {
    looks = [];
    const { load } = lists.query(endpoint, orThrow(readOptions(parseQuery(`/?${query}`))));
    const { body, nextToken } = await load(MOMENT);
    return { ids: (JSON.parse(body.toString()) as { ID: string }[]).map(({ ID }) => ID), next: nextToken };
  };
  const held = (): number => Math.max(...looks);
  const seen = (): number => looks.reduce((sum, rows) => sum + rows, 0);

  test('is looked through from where the page begins until the page is full, some rows at a time', async () => {
    const { ids, next } = await ask(DEPLOYMENTS, 'per_page=10&next_token=5000.x&filter=JobVersion==7');
    expect(ids).toEqual(Array.from({ length: 10 }, (_, n) => name(5099 + 100 * n)));
    expect(next).toBe(`6099.${name(6099)}`);
    expect(held()).toBeLessThanOrEqual(BOUND);
    expect(seen()).toBeLessThan(3_000);
  });

  test('gives in pages, one after the other, what matches: each once', async () => {
    const found: string[] = [];
    let token: string | undefined = '';
    while (token !== undefined) {
      const page = await ask(DEPLOYMENTS, `per_page=37&next_token=${token}&filter=JobVersion==7`);
      found.push(...page.ids);
      token = page.next;
    }
    expect(found).toEqual(deployments.filter((_, n) => n % 100 === 99).map(({ key }) => key));
  });

  test('is never held as a whole, not even where nothing matches', async () => {
    expect(await ask(DEPLOYMENTS, 'per_page=10&filter=JobVersion==9')).toEqual({ ids: [], next: undefined });
    expect(held()).toBeLessThanOrEqual(BOUND);
    expect((await ask(JOBS, 'filter=Priority==99')).ids).toHaveLength(ROWS / 100);
    expect(held()).toBeLessThanOrEqual(BOUND);
    expect((await ask(JOBS, '')).ids).toHaveLength(ROWS);
    expect(held()).toBeLessThanOrEqual(BOUND);
    expect((await ask(DEPLOYMENTS, 'per_page=5000')).ids).toHaveLength(5_000);
    expect(held()).toBeLessThanOrEqual(BOUND);
  });

  test('looks at a page and one row more where nothing is left out', async () => {
    const { ids, next } = await ask(JOBS, 'per_page=20');
    expect([ids.length, next, looks]).toEqual([20, `default.${name(20)}`, [21]]);
    expect(await ask(JOBS, 'per_page=-1')).toMatchObject({ ids: [], next: `default.${name(0)}` });
  });
});
