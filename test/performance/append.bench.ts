import {
  CommandHandler,
  eventStoreMigrations,
  migrate,
  PostgresEventStore,
  type Aggregates,
  type Command,
  type EventStore,
  type RowWrite,
} from '@app/event-store';
import { accept, type DomainEvent, type Fact, type StreamName } from '@app/kernel';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { withBenchDatabase } from './bench-database.js';

const CALLERS = 256;
const ROUNDS = 5;
const ROUND_MS = 2_000;
const WARM_UP_MS = 1_500;
const PADDING = 'x'.repeat(420);

/** A status report of about 600 bytes of JSON, and the state that keeps the latest one. */
interface Report {
  readonly number: number;
  readonly id: string;
  readonly clientStatus: string;
  readonly description: string;
  readonly taskStates: object;
}
interface Reported {
  readonly reports: number;
  readonly latest: Report;
  readonly createIndex: number;
  readonly modifyIndex: number;
}

const reports: Aggregates = {
  evolve(_stream, state, event, fact: Fact): Reported {
    const before = state as Reported | undefined;
    return {
      reports: (before?.reports ?? 0) + 1,
      latest: event.data as Report,
      createIndex: before?.createIndex ?? fact.index,
      modifyIndex: fact.index,
    };
  },
  project(stream, _before, after): RowWrite[] {
    const { reports, latest, modifyIndex } = after as Reported;
    const columns = { reports, status: latest.clientStatus, modify_index: modifyIndex };
    return [{ table: 'report', key: stream, columns, document: JSON.stringify(after) }];
  },
  schemaOf: () => 1,
};

function reportOf(number: number, id: string): DomainEvent & { readonly data: Report } {
  return {
    type: 'Reported',
    data: {
      number,
      id,
      clientStatus: number % 2 === 0 ? 'running' : 'pending',
      description: PADDING,
      taskStates: { web: { state: 'running', failed: false, restarts: 0, startedAt: '2026-01-01T00:00:00.123456Z' } },
    },
  };
}

function report(stream: StreamName): Command<number> {
  return {
    name: 'Report',
    meta: { actor: 'bench', requestId: 'f3c1c6fe-0e5b-4f43-b4a5-1df3b1d1a2b0' },
    decide(view) {
      const number = (view.read<Reported>(stream)?.reports ?? 0) + 1;
      return accept([{ stream, event: reportOf(number, stream) }], number);
    },
  };
}

class ReportTable1760000000001 implements MigrationInterface {
  readonly name = 'ReportTable1760000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE report (
        key text COLLATE "C" PRIMARY KEY, reports integer NOT NULL, status text NOT NULL, modify_index bigint NOT NULL, document text NOT NULL
      ) WITH (fillfactor = 70);
      CREATE FUNCTION project_report(keys text[], columns jsonb[], documents text[]) RETURNS void LANGUAGE sql AS $$
        INSERT INTO report (key, reports, status, modify_index, document)
        SELECT r.key, (r.columns->>'reports')::int, r.columns->>'status', (r.columns->>'modify_index')::bigint, r.document
        FROM unnest(keys, columns, documents) AS r (key, columns, document)
        ON CONFLICT (key) DO UPDATE SET
          reports = excluded.reports, status = excluded.status, modify_index = excluded.modify_index, document = excluded.document
      $$;
    `);
  }

  async down(): Promise<void> {
    throw new Error('migrations go forward only');
  }
}

/** What the handler and the store did with their time, per batch. */
interface Tally {
  batches: number;
  events: number;
  flushMs: number;
}

/** Our side: callers that wait for their answer and ask again. Gives a function that runs them for a while. */
function callersOn(store: EventStore, tally: Tally): (ms: number) => Promise<number> {
  const handler = new CommandHandler({
    store,
    aggregates: reports,
    clock: () => Date.now() * 1000,
    metrics: {
      batchFlushed(commands, flushMs) {
        tally.batches++;
        tally.events += commands;
        tally.flushMs += flushMs;
      },
      conflict: () => undefined,
      overloaded: () => undefined,
      queueLength: () => undefined,
      waited: () => undefined,
    },
  });
  const streams = Array.from({ length: CALLERS }, (): StreamName => `allocation/${randomUUID()}`);
  return async (ms) => {
    const end = performance.now() + ms;
    const counts = await Promise.all(
      streams.map(async (stream) => {
        const command = report(stream);
        let done = 0;
        for (; performance.now() < end; done++) await handler.execute(command);
        return done;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  };
}

const BARE = `
  WITH e AS (
    INSERT INTO event (index, seq, stream, version, type, schema, data, meta, recorded_at)
    SELECT v.index, 0, v.stream, v.version, 'Reported', 1, v.data::json, v.meta::json, now()
    FROM unnest($1::bigint[], $2::text[], $3::int[], $4::text[], $5::text[]) AS v (index, stream, version, data, meta)
  ), s AS (
    INSERT INTO stream (stream, version, last_index, state)
    SELECT v.stream, v.version, v.index, v.state
    FROM unnest($1::bigint[], $2::text[], $3::int[], $6::text[]) AS v (index, stream, version, state)
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version, last_index = excluded.last_index, state = excluded.state
  )
  INSERT INTO report (key, reports, status, modify_index, document)
  SELECT v.stream, v.version, v.status, v.index, v.document
  FROM unnest($1::bigint[], $2::text[], $3::int[], $7::text[], $6::text[]) AS v (index, stream, version, status, document)
  ON CONFLICT (key) DO UPDATE SET
    reports = excluded.reports, status = excluded.status, modify_index = excluded.modify_index, document = excluded.document`;

/** The limit: nothing but the same rows, in one prepared statement a batch. It decides nothing, checks nothing, remembers nothing. */
function bareLoopOn(client: Client): (ms: number) => Promise<number> {
  const streams = Array.from({ length: CALLERS }, (): StreamName => `allocation/${randomUUID()}`);
  const meta = JSON.stringify(report('allocation/0').meta);
  let index = 0;
  let version = 0;
  return async (ms) => {
    const end = performance.now() + ms;
    let done = 0;
    while (performance.now() < end) {
      version++;
      const indexes = streams.map(() => ++index);
      const events = streams.map((stream) => reportOf(version, stream).data);
      const states = events.map((latest, i) =>
        JSON.stringify({ reports: version, latest, createIndex: 1, modifyIndex: indexes[i] }),
      );
      const values = [
        indexes,
        streams,
        streams.map(() => version),
        events.map((event) => JSON.stringify(event)),
        streams.map(() => meta),
        states,
        events.map(({ clientStatus }) => clientStatus),
      ];
      await client.query({ name: 'bare', text: BARE, values });
      done += streams.length;
    }
    return done;
  };
}

const migrations = [...eventStoreMigrations, ReportTable1760000000001];
const perSecond = (events: number, ms: number): number => (events / ms) * 1000;
const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
const figure = (value: number): string => Math.round(value).toLocaleString('en');

/** Makes Postgres count the time that its functions take. */
async function countFunctionTime(url: string): Promise<void> {
  await query(
    url,
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_functions = pl', current_database()); END $$`,
  );
}

/** Milliseconds spent in `append_events` so far. */
async function functionTime(url: string): Promise<number> {
  const rows = await query(url, `SELECT total_time FROM pg_stat_user_functions WHERE funcname = 'append_events'`);
  return Number(rows[0]?.['total_time'] ?? 0);
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Events per second through the command handler and the Postgres store, beside the same rows by a bare loop, in turns. */
export async function run(): Promise<void> {
  await withBenchDatabase(async (ours) =>
    withBenchDatabase(async (bare) => {
      await migrate(ours, migrations);
      await migrate(bare, migrations);
      await countFunctionTime(ours);
      const store = new PostgresEventStore({ url: ours });
      const client = new Client({ connectionString: bare });
      await client.connect();
      const tally: Tally = { batches: 0, events: 0, flushMs: 0 };
      const callers = callersOn(store, tally);
      const bareLoop = bareLoopOn(client);
      await callers(WARM_UP_MS);
      await bareLoop(WARM_UP_MS);
      Object.assign(tally, { batches: 0, events: 0, flushMs: 0 });

      const functionMs = await functionTime(ours);
      const figures: { ours: number; bare: number }[] = [];
      let oursMs = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const started = performance.now();
        const written = await callers(ROUND_MS);
        const between = performance.now();
        const inserted = await bareLoop(ROUND_MS);
        oursMs += between - started;
        figures.push({
          ours: perSecond(written, between - started),
          bare: perSecond(inserted, performance.now() - between),
        });
        print(
          `round ${round + 1}: ${figure(figures[round]?.ours ?? 0)} events/s, bare loop ${figure(figures[round]?.bare ?? 0)}`,
        );
      }
      await client.end();
      await store.close();

      const oursPerSecond = middle(figures.map((each) => each.ours));
      const barePerSecond = middle(figures.map((each) => each.bare));
      const ratio = middle(figures.map((each) => each.ours / each.bare));
      const size = tally.events / tally.batches;
      print(`append: ${figure(oursPerSecond)} events/s with ${CALLERS} callers, batches of ${size.toFixed(0)}`);
      print(`limit:  ${figure(barePerSecond)} events/s by a bare pg loop, batches of ${CALLERS}`);
      print(`ratio:  ${(100 * ratio).toFixed(0)} % (wanted: 60 %)`);
      const batchMs = oursMs / tally.batches;
      const flushMs = tally.flushMs / tally.batches;
      const serverMs = ((await functionTime(ours)) - functionMs) / tally.batches;
      const shareOf = (ms: number): string => `${ms.toFixed(2)} ms (${((100 * ms) / batchMs).toFixed(0)} %)`;
      print(
        `a batch takes ${batchMs.toFixed(2)} ms; the bare loop's ${((1000 * CALLERS) / barePerSecond).toFixed(2)} ms`,
      );
      print(`  ${shareOf(batchMs - flushMs)} deciding, folding twice, answering`);
      print(`  ${shareOf(serverMs)} append_events in Postgres: lock, checks, rows, projection`);
      print(`  ${shareOf(flushMs - serverMs)} encoding, the way there and back, commit with fsync`);
    }),
  );
}
