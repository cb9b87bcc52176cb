import { MemoryEventStore } from '@app/event-store';
import type { EventsSeen } from '../acl/events-seen.js';
import { pageQuery } from './events-query.js';
import { Ledger } from './ledger.js';
import { parseQuery } from '../http/index.js';

const EVENTS = 1_500;

describe('A page of the log', () => {
  const store = new MemoryEventStore();
  const searches = jest.spyOn(store, 'search');

  beforeAll(async () => {
    for (let version = 0; version < EVENTS; version++)
      await store.appendBatch([
        {
          expect: new Map([['node/a', version]]),
          events: [{ stream: 'node/a', type: 'NodePurged', schema: 1, data: '{}' }],
          snapshots: [{ stream: 'node/a', state: '{}' }],
          rows: [],
          meta: { actor: 'test' },
          time: 1_760_000_000_000_000,
        },
      ]);
  });
  beforeEach(() => searches.mockClear());

  const lines = async (query: string, sees: boolean): Promise<Record<string, unknown>[]> => {
    const seen: EventsSeen = { isEverything: sees, sees: () => sees, mayAsk: () => sees };
    const ledger = new Ledger(store, { streamsRelatedTo: () => Promise.resolve([]) });
    let text = '';
    for await (const part of ledger.page(pageQuery(parseQuery(query)), seen)) text += part.toString();
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  test('has as many events as were asked for where there are as many', async () => {
    const told = await lines('?limit=1000', true);
    expect(told.slice(0, -1).map(({ Index }) => Index)).toEqual(Array.from({ length: 1_000 }, (_, at) => at + 1));
    expect(told.at(-1)).toMatchObject({ Next: '1000.0' });
  });

  test('ends where the log was asked four times for what may not be seen', async () => {
    expect(await lines('?limit=1000', false)).toEqual([{ Next: '400.0', Hidden: 399, Index: EVENTS }]);
    expect(searches).toHaveBeenCalledTimes(4);
  });
});
