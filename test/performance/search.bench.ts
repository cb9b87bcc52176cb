import { eventStoreMigrations, migrate, PART, PostgresEventStore, type EventMatch, type Span } from '@app/event-store';
import type { StreamName } from '@app/kernel';
import { Client } from 'pg';
import { withBenchDatabase } from './bench-database.js';
import { median } from './contenders.js';

/** Two to a commit. */
const EVENTS = Number(process.env['BENCH_EVENTS'] ?? 1_000_000);
const COMMITS = EVENTS / 2;
const AT_ONCE = 250_000;
const STREAMS = 100_000;
const TIMES = 5;
const BUCKETS = 120;

/** Pages and counts of a log that is written by hand, with what is found often, seldom and never. */
export const run = (): Promise<void> =>
  withBenchDatabase(async (url) => {
    await migrate(url, eventStoreMigrations);
    const client = new Client({ connectionString: url });
    await client.connect();
    await fill(client);
    const store = new PostgresEventStore({ url });
    const began = performance.now();
    await store.tally();
    print(
      `search: ${EVENTS.toLocaleString('en')} events, tallied in ${((performance.now() - began) / 1000).toFixed(0)} s`,
    );
    await client.query('ANALYZE');
    const { rows } = await client.query<Record<string, string>>(
      `SELECT pg_size_pretty(sum(pg_total_relation_size(inhrelid))) AS log, pg_size_pretty(pg_total_relation_size('log_tally')) AS tally,
         pg_size_pretty(pg_total_relation_size('log_reason')) AS reasons FROM pg_inherits WHERE inhparent = 'event'::regclass`,
    );
    print(`  ${JSON.stringify(rows[0])}`);
    await client.end();
    try {
      for (const [name, match] of MATCHES) await measure(`a page of ${name}`, () => page(store, match));
      for (const [name, match] of MATCHES.slice(0, COUNTED))
        await measure(`counts of ${name}`, async () => {
          const { tallies } = await store.count(match, EDGES, false);
          return tallies.reduce((sum, { events }) => sum + events, 0);
        });
    } finally {
      await store.close();
    }
  });

const streams = (count: number): StreamName[] => Array.from({ length: count }, (_, n): StreamName => `allocation/${n}`);
const MATCHES: readonly (readonly [string, EventMatch])[] = [
  ['everything', {}],
  ['a common type', { types: ['AllocationReported'] }],
  ['a type of which there are hardly any', { types: ['JobPurged'] }],
  ['one person', { actor: 'token 7' }],
  ['a common word', { reason: 'tax' }],
  ['a rare word', { reason: 'release 500' }],
  ["one node's own", { actor: 'node n77' }],
  ['one object', { streams: streams(1) }],
  ['5,000 objects', { streams: streams(5_000) }],
];
/** How many of them are counted, too: each in its own way. */
const COUNTED = 7;
const EDGES = Array.from({ length: BUCKETS + 1 }, (_, n) => {
  const edge = Math.floor((COMMITS * n) / BUCKETS);
  return n === 0 || n === BUCKETS ? edge : edge - (edge % PART) - 1;
});

async function page(store: PostgresEventStore, match: EventMatch): Promise<string> {
  const span: Span = { low: 1, high: COMMITS, descending: true };
  const { events, reached } = await store.search(match, span, 100);
  return `${events.length}${reached === undefined ? ', all' : ''}`;
}

async function measure(name: string, work: () => Promise<string | number>): Promise<void> {
  const times: number[] = [];
  let found: string | number = '';
  for (let n = 0; n < TIMES; n++) {
    const began = performance.now();
    found = await work();
    times.push(performance.now() - began);
  }
  print(`  ${name}: ${median(times).toFixed(0)} ms, first ${times[0]!.toFixed(0)} ms (${found})`);
}

/** Not by appends, which would take hours: what is measured does not ask how the log was written. */
async function fill(client: Client): Promise<void> {
  await client.query('SET synchronous_commit = off');
  await client.query(
    `INSERT INTO stream SELECT kind || '/' || CASE kind WHEN 'job' THEN 'default/' ELSE '' END || n, 20, 1,
       '{"namespace":"' || CASE WHEN n % 10 = 0 THEN 'shop' ELSE 'default' END || '","rest":"' || repeat('x', 500) || '"}'
     FROM unnest(ARRAY['allocation', 'evaluation', 'deployment', 'job']) AS kind, generate_series(0, ${STREAMS - 1}) AS n`,
  );
  for (let at = 0; at < COMMITS; at += AT_ONCE)
    await client.query(
      `INSERT INTO event (index, seq, stream, version, type, schema, data, meta, recorded_at)
       SELECT i, s,
         CASE WHEN i % 97 = 0 THEN 'job/default/' || i / 97 % ${STREAMS} WHEN i % 11 = 0 THEN 'deployment/' || i / 11 % ${STREAMS}
           WHEN s = 0 THEN 'allocation/' || i % ${STREAMS} ELSE 'evaluation/' || (i + 7) % ${STREAMS} END,
         1 + i / ${STREAMS},
         CASE WHEN i % 100003 = 0 THEN 'JobPurged' WHEN i % 97 = 0 THEN 'JobRegistered' WHEN i % 11 = 0 THEN 'DeploymentPaused'
           WHEN s = 0 THEN 'AllocationReported' ELSE 'EvaluationCompleted' END,
         1, ('{"clientStatus":"running","rest":"' || repeat('y', 150) || '"}')::json,
         (CASE WHEN i % 97 = 0 THEN '{"actor":"token ' || i % 50 || '","reason":"release ' || i % 1000 || ' of the tax rules"}'
           WHEN s = 0 THEN '{"actor":"node n' || i % 5000 || '","remoteAddress":"10.0.0.1","requestId":"1f0c22b7-2d4e"}'
           ELSE '{"actor":"scheduler a","causation":"1f0c22b7"}' END)::json,
         timestamptz '2026-01-01' + i * interval '1 second'
       FROM generate_series($1::bigint, $2::bigint) AS i, generate_series(0, 1) AS s`,
      [at + 1, Math.min(COMMITS, at + AT_ONCE)],
    );
  await client.query('UPDATE log_head SET index = $1', [COMMITS]);
}

const print = (text: string): boolean => process.stdout.write(`${text}\n`);
