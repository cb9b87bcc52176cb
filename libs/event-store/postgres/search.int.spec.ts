import type { EventMeta, StreamName } from '@app/kernel';
import type { TestDatabase } from '@app/testing';
import fc from 'fast-check';
import { Client, type Pool } from 'pg';
import { matches } from '../memory/search-in-memory.js';
import { MemoryEventStore } from '../memory/memory-event-store.js';
import type { Append } from '../port.js';
import type { EventMatch, Found, FoundEvent, LogSearch, Position } from '../search.js';
import { createToyDatabase } from '../testing/toy-database.js';
import { columnTypes } from './connection.js';
import { count, piecesCount, reasonsCount, streamsCount, tallyCount } from './count.sql.js';
import { partsStatement } from './match.sql.js';
import { PostgresEventStore } from './postgres-event-store.js';
import { reasonsStatement, scanStatement, streamsStatement } from './search.sql.js';

jest.setTimeout(120_000);

const COMMITS = 1_500;
const KINDS = ['job', 'deployment', 'allocation', 'node', 'variable'] as const;
const TYPES = ['Registered', 'Changed', 'Reported', 'Purged'];
/** From often to hardly ever. */
const ACTORS = [
  ...Array<string>(20).fill('scheduler'),
  'node a',
  'node b',
  'node a',
  'allocation c',
  'node ',
  'ana',
  'ben "the\n\\ one"',
  'nobody',
];
const REASONS = [
  'New tax rules',
  'taxes, again',
  'error rate is fine',
  'l\u0000unch\ud800',
  "o'neil says: приём 😀 foo-bar",
  '&|!():* \\',
];

const draw = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
};

/** Commits of one to six events, most by machines and without a reason. */
function commitsOf(seed: number, count: number): Append[] {
  const next = draw(seed);
  const versions = new Map<StreamName, number>();
  return Array.from({ length: count }, (_, at): Append => {
    const number = next(20) === 0 ? 6 : 1 + next(2);
    const expected = new Map<StreamName, number>();
    const written = Array.from({ length: number }, () => {
      const kind = KINDS[Math.min(next(6), next(6), KINDS.length - 1)]!;
      const key =
        kind === 'job' || kind === 'variable' ? `${next(2) ? 'shop' : 'default'}/${next(9)}` : String(next(30));
      const stream: StreamName = `${kind}/${key}`;
      if (!expected.has(stream)) expected.set(stream, versions.get(stream) ?? 0);
      versions.set(stream, (versions.get(stream) ?? 0) + 1);
      return {
        stream,
        type: TYPES[Math.min(next(5), next(5), 3)]!,
        schema: 1,
        data: JSON.stringify({ at, text: 'a\u0000' }),
      };
    });
    const actor = at === 700 ? 'hapax' : ACTORS[next(ACTORS.length)]!;
    const meta: EventMeta = { actor, ...(next(12) === 0 && { reason: REASONS[next(REASONS.length)]! }) };
    const stateOf = (stream: StreamName): string =>
      JSON.stringify({
        text: '\u0000',
        ...(/^(deployment|allocation)/.test(stream) && { namespace: stream.endsWith('3') ? 'shop' : 'default' }),
      });
    return {
      expect: expected,
      events: written,
      snapshots: [...expected.keys()].map((stream) => ({ stream, state: stateOf(stream) })),
      rows: [],
      meta,
      time: 1_760_000_000_000_000 + at * 1_000_000,
    };
  });
}

/** All pages of a search, joined; `limits` in turn. */
async function joined(
  store: LogSearch,
  match: EventMatch,
  span: { low: number; high: number; descending: boolean },
  limit: number,
): Promise<FoundEvent[]> {
  const all: FoundEvent[] = [];
  let from: Position | undefined;
  for (;;) {
    const { events, reached }: Found = await store.search(match, { ...span, from }, limit);
    expect(events.length).toBeLessThanOrEqual(limit);
    all.push(...events);
    if (reached === undefined) return all;
    expect(reached).not.toEqual(from);
    from = reached;
  }
}

const some = <T>(values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
const streamNames = Array.from({ length: 9 }, (_, n): StreamName[] => [
  `job/shop/${n}`,
  `node/${n}`,
  `allocation/${n}`,
]).flat();
const anyMatch: fc.Arbitrary<EventMatch> = fc.record(
  {
    streams: some<StreamName>([...streamNames, 'job/none/1']),
    kinds: some([...KINDS, 'acl-role']),
    types: some([...TYPES, 'Never']),
    actor: fc.constantFrom(...new Set([...ACTORS, 'hapax', 'an', 'ana%', 'node'])),
    reason: fc.constantFrom(
      'tax',
      'TAX rules',
      'taxes',
      'error fine',
      'приё',
      'ПРИЁМ',
      'foo',
      'rate (nonsense',
      'unknown',
      '',
      "'",
      'tax & | !',
    ),
  },
  { requiredKeys: [] },
);

describe('Searching the log', () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  const memory = new MemoryEventStore();
  let all: readonly FoundEvent[];

  beforeAll(async () => {
    database = await createToyDatabase();
    store = new PostgresEventStore({ url: database.url });
    const commits = commitsOf(11, COMMITS);
    // What is tallied, and what comes after it.
    const first = commits.slice(0, 1_200);
    for (const part of [first, commits.slice(1_200)]) {
      for (let at = 0; at < part.length; at += 200) {
        await store.appendBatch(part.slice(at, at + 200));
        await memory.appendBatch(part.slice(at, at + 200));
      }
      if (part === first) await store.tally();
    }
    all = (await memory.search({}, { low: 1, high: COMMITS, descending: false }, 1e6)).events;
  });
  afterAll(async () => {
    await store?.close();
    await database?.drop();
  });

  test('finds what a look at every event finds, in the order of the log or against it, page by page', async () => {
    const edge = fc.integer({ min: 0, max: COMMITS + 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(anyMatch, fc.tuple(edge, edge), fc.boolean(), fc.constantFrom(1, 7, 100, 1000)),
        async ([match, [a, b], descending, limit]) => {
          const span = { low: Math.min(a, b) + 1, high: Math.max(a, b), descending };
          const expected = all.filter(
            (event) => event.index >= span.low && event.index <= span.high && matches(event, match),
          );
          if (limit === 1 && expected.length > 50) return;
          const found = await joined(store, match, span, limit);
          expect(found).toEqual(descending ? [...expected].reverse() : expected);
          expect(await joined(memory, match, span, limit)).toEqual(found);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('counts what it finds, between any edges', async () => {
    const edges = fc.uniqueArray(fc.integer({ min: 0, max: COMMITS }), { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(anyMatch, edges, fc.boolean(), async (match, given, byNamespace) => {
        const sorted = [...given].sort((a, b) => a - b);
        const merged = async (one: LogSearch): Promise<Map<string, number>> => {
          const sums = new Map<string, number>();
          const { tallies, isComplete } = await one.count(match, sorted, byNamespace);
          expect(isComplete).toBe(true);
          for (const { bucket, kind, namespace, events } of tallies) {
            const key = `${bucket} ${kind} ${namespace}`;
            sums.set(key, (sums.get(key) ?? 0) + events);
          }
          return sums;
        };
        expect(await merged(store)).toEqual(await merged(memory));
      }),
      { numRuns: 100 },
    );
  });

  test('gets by with a few statements where hardly anything fits', async () => {
    const { events } = await store.search({ actor: 'hapax' }, { low: 1, high: COMMITS, descending: true }, 10);
    expect(events.map(({ index }) => index)).toContain(701);
    expect(new Set(events.map(({ meta }) => meta.actor))).toEqual(new Set(['hapax']));
  });

  test('finds the same when what it goes by was lost, and when it was made again', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const found = () =>
      joined(store, { actor: 'scheduler', reason: 'tax' }, { low: 1, high: COMMITS, descending: false }, 7);
    const before = await found();
    expect(before.length).toBeGreaterThan(0);
    const rows = async (): Promise<unknown[]> =>
      (await client.query('SELECT * FROM log_tally ORDER BY part, namespace, kind, type, actor')).rows;
    await store.tally();
    const tallied = await rows();
    await client.query('TRUNCATE log_tally, log_reason');
    expect(await found()).toEqual(before);
    // Of several that are at it at once none doubles anything.
    await Promise.all([store.tally(), client.query('SELECT tally_log(2)'), client.query('SELECT tally_log(100)')]);
    await store.tally();
    expect(await rows()).toEqual(tallied);
    expect(await found()).toEqual(before);
    await client.end();
  });

  test('is brought up to date by statements that have the time for a part of very large commits', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('ALTER FUNCTION tally_log RENAME TO tally_log_as_it_is');
    await client.query(
      `CREATE FUNCTION tally_log(p_parts int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 0 FROM pg_sleep(0.6 * p_parts)'`,
    );
    const other = new PostgresEventStore({ url: database.url });
    try {
      await other.tally();
    } finally {
      await other.close();
      await client.query('DROP FUNCTION tally_log');
      await client.query('ALTER FUNCTION tally_log_as_it_is RENAME TO tally_log');
      await client.end();
    }
  });

  test('counts nothing twice that is tallied meanwhile', async () => {
    const client = new Client({ connectionString: database.url, types: columnTypes });
    await client.connect();
    await client.query('TRUNCATE log_tally, log_reason');
    await client.query('SELECT tally_log(2)');
    let isFirst = true;
    const pool = {
      async query(...given: [string]) {
        const answer = await client.query(...given);
        if (isFirst) await client.query('SELECT tally_log(100)');
        isFirst = false;
        return answer;
      },
    };
    const { tallies } = await count(pool as unknown as Pool, {}, [0, COMMITS], false);
    expect(tallies.reduce((sum, { events }) => sum + events, 0)).toBe(all.length);
    await client.end();
  });

  describe('goes by indexes', () => {
    let client: Client;
    beforeAll(async () => {
      client = new Client({ connectionString: database.url, types: columnTypes });
      await client.connect();
      await client.query('ANALYZE');
      // Of a table that fits into a few pages a scan costs less than any index: what is asked here is whether there is one.
      await client.query('SET enable_seqscan = off');
    });
    afterAll(() => client.end());

    const span = { low: 1, high: COMMITS, descending: true };
    const edges = [0, 255, 511, COMMITS];
    const match: EventMatch = { kinds: ['job'], types: ['Purged'], actor: 'ana' };
    const shapes: readonly (readonly [string, { readonly text: string; readonly values: unknown[] }])[] = [
      ['a page of everything', scanStatement({}, span, 100)],
      ['a page of everything, forwards', scanStatement({}, { ...span, descending: false }, 100)],
      ['a page that begins within a commit', scanStatement({}, { ...span, from: { index: 9, seq: 1 } }, 100)],
      ['a part that holds something', scanStatement(match, span, 100)],
      ['commits whose reason fits', scanStatement({ reason: 'tax' }, span, 100, [3, 9, 700])],
      ['parts', partsStatement(match, span, 32)],
      ['reasons', reasonsStatement('tax rules', span, 64)],
      ['some streams', streamsStatement(['job/shop/1', 'node/7'], match, span, 100)],
      ['counts of parts', tallyCount(match, edges, 1_280, true)],
      ['counts of pieces', piecesCount([{ low: 1_400, high: COMMITS }], match, edges, true)],
      ['counts of streams', streamsCount(['job/shop/1'], match, edges, true)],
      ['counts of reasons', reasonsCount({ reason: 'tax' }, 'tax', edges, 1_280, true)],
    ];
    test.each(shapes)('%s', async (_name, { text, values }) => {
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, COSTS off) ${text}`, values);
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).not.toContain('Seq Scan');
      expect(plan).not.toMatch(/Disabled/);
    });
  });
});
