import { MemoryEventStore } from '@app/event-store';
import { jobStream } from '@app/kernel';
import { jobSpec, registered, startInstance, type TestInstance } from '@app/testing';
import type { Answer, Query } from './answer-cache.js';

describe('The answer cache', () => {
  let instance: TestInstance;
  let loads = 0;
  const answer = (change: Partial<Answer> = {}): Answer => ({
    status: 200,
    index: instance.tail.applied,
    body: Buffer.from(`answer ${++loads}`),
    ...change,
  });
  const query = (change: Partial<Query> = {}): Query => ({
    key: 'web',
    topics: [jobStream('default', 'web')],
    load: () => Promise.resolve(answer()),
    ...change,
  });
  const read = async (one: Query = query()): Promise<string> => (await instance.cache.read(one)).body.toString();
  const move = (id = 'web', tag = '') => instance.execute(registered(jobSpec({ id, tag })));

  beforeEach(async () => {
    loads = 0;
    instance = await startInstance(new MemoryEventStore());
  });
  afterEach(() => instance.close());

  test('keeps an answer until a stream that it depends on moves', async () => {
    expect([await read(), await read()]).toEqual(['answer 1', 'answer 1']);
    await move('another');
    expect(await read()).toBe('answer 1');
    await move();
    expect(await read()).toBe('answer 2');
    expect([instance.cache.hits, instance.cache.misses]).toEqual([2, 2]);
  });

  test('or a table', async () => {
    const list = query({ key: 'jobs', topics: ['table:job'] });
    expect(await read(list)).toBe('answer 1');
    await move('another');
    expect(await read(list)).toBe('answer 2');
  });

  test('loads once for all who ask the same at once', async () => {
    expect(await Promise.all([read(), read(), read()])).toEqual(['answer 1', 'answer 1', 'answer 1']);
  });

  test('gives an answer that was overtaken while it was loaded only to those who had asked before', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = query({ load: () => promise.then(() => answer()) });
    const before = read(slow);
    await move();
    const after = read();
    expect(await after).toBe('answer 1');
    resolve();
    expect(await before).toBe('answer 2');
    expect(await read()).toBe('answer 1');
  });

  test('does not keep failures, nor what was not found', async () => {
    await expect(read(query({ load: () => Promise.reject(new Error('no')) }))).rejects.toThrow('no');
    expect(await read(query({ load: () => Promise.resolve(answer({ status: 404 })) }))).toBe('answer 1');
    expect(await read()).toBe('answer 2');
  });

  test('does not keep what is larger than itself, nor any memory of it', async () => {
    const large = query({ load: () => Promise.resolve(answer({ body: Buffer.alloc(2_000_000) })) });
    await read(large);
    expect((await instance.cache.read(large)).body).toHaveLength(2_000_000);
    expect(instance.cache.misses).toBe(2);
    expect((instance.cache as unknown as { topicsOf: Map<string, unknown> }).topicsOf.size).toBe(0);
  });

  test('forgets what depended on answers that it dropped', async () => {
    await read();
    await move();
    const { topicsOf, dependents } = instance.cache as unknown as Record<
      'topicsOf' | 'dependents',
      Map<string, unknown>
    >;
    expect([topicsOf.size, dependents.size]).toEqual([0, 0]);
  });
});
