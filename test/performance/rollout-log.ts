import { evaluationStream, type RecordedEvent } from '@app/kernel';
import {
  idOf,
  jobSpec,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  World,
} from '@app/testing';
import { Client } from 'pg';

const ALLOCATIONS = 10;
const INSERT_ROWS = 5_000;

/** Rollouts of many jobs as the server would have logged them: registered, planned, and every allocation reported as it starts and gets healthy. */
export function rolloutLog(jobs: number): RecordedEvent[] {
  const world = new World();
  world.run(nodeRegistered());
  world.run(nodeIsReady());
  for (let job = 0; job < jobs; job++) {
    const jobId = `job-${job}`;
    world.run(registered(jobSpec({ id: jobId, count: ALLOCATIONS })));
    const evaluation = world.log
      .findLast(({ type }) => type === 'EvaluationCreated')!
      .stream.slice(evaluationStream('').length);
    const ids = Array.from({ length: ALLOCATIONS }, (_, n) => idOf(1_000_000 + job * ALLOCATIONS + n));
    const deployment = { id: idOf(900_000 + job), groups: { app: { desiredTotal: ALLOCATIONS } } };
    world.run(planned({ evaluation, jobId, deployment, place: ids.map((id) => ({ id })) }));
    for (const [clientDescription, health] of [
      ['starting', null],
      ['running', null],
      ['', { healthy: true, timestamp: world.now }],
    ] as const) {
      for (const id of ids)
        world.run(reported([report(id, { clientStatus: 'running', clientDescription, health })], NODE));
    }
  }
  return world.log;
}

/** Puts a log into a database, without what the append makes of it besides: the relay reads nothing else. */
export async function fillLog(url: string, log: readonly RecordedEvent[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  for (let from = 0; from < log.length; from += INSERT_ROWS) {
    const rows = log.slice(from, from + INSERT_ROWS);
    await client.query(
      `INSERT INTO event (index, seq, stream, version, type, schema, data, meta, recorded_at)
       SELECT v.index, v.seq, v.stream, v.version, v.type, 1, v.data::json, v.meta::json, to_timestamp(v.time / 1000000.0)
       FROM unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::bigint[])
         AS v (index, seq, stream, version, type, data, meta, time)`,
      [
        rows.map(({ index }) => index),
        rows.map(({ seq }) => seq),
        rows.map(({ stream }) => stream),
        rows.map(({ version }) => version),
        rows.map(({ type }) => type),
        rows.map(({ data }) => JSON.stringify(data)),
        rows.map(({ meta }) => JSON.stringify(meta)),
        rows.map(({ time }) => time),
      ],
    );
  }
  await client.query('UPDATE log_head SET index = $1', [log.at(-1)!.index]);
  await client.query('ANALYZE event');
  await client.end();
}
