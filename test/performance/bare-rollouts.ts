import { migrate } from '@app/event-store';
import { MIGRATIONS } from '@app/read-models';
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Client } from 'pg';

/*
 * The physical limit of commands: raw Fastify, and for each group of requests one prepared statement that writes the rows which pause, resume
 * and the evaluation of a resumed deployment write, of the same sizes, with the same indexes, as durably. It decides nothing, checks nothing
 * (no version, no lease, no key), notifies nobody, schedules nothing, and keeps nothing in memory but versions.
 */

const WRITE = `
  WITH written_events AS (
    INSERT INTO event (index, seq, stream, version, type, schema, data, meta, recorded_at)
    SELECT e.index, e.seq, e.stream, e.version, 'Something', 1, e.data::json, $1::json, now()
    FROM unnest($2::bigint[], $3::int[], $4::text[], $5::int[], $6::text[]) AS e (index, seq, stream, version, data)
  ), written_streams AS (
    INSERT INTO stream (stream, version, last_index, state)
    SELECT s.stream, s.version, s.index, $7
    FROM unnest($2::bigint[], $4::text[], $5::int[]) AS s (index, stream, version)
    ON CONFLICT (stream) DO UPDATE SET version = excluded.version, last_index = excluded.last_index, state = excluded.state
  ), written_deployments AS (
    INSERT INTO deployment (id, namespace, job_id, job_create_index, job_version, status, create_index, modify_index, document)
    SELECT d.id, 'default', d.id, 1, 0, 'running', 1, d.index, $8
    FROM unnest($9::text[], $10::bigint[]) AS d (id, index)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, modify_index = excluded.modify_index, document = excluded.document
  ), written_evaluations AS (
    INSERT INTO evaluation (id, namespace, job_id, status, create_index, modify_index, document)
    SELECT v.id, 'default', v.id, v.status, v.index, v.index, $8
    FROM unnest($11::text[], $12::bigint[], $13::text[]) AS v (id, index, status)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, modify_index = excluded.modify_index, document = excluded.document
  )
  UPDATE log_head SET index = $14`;

/** As long as the real ones, in characters. */
const META = JSON.stringify({ actor: 'a'.repeat(12), remoteAddress: '127.0.0.1', requestId: randomUUID() });
const STATE = 's'.repeat(650);
const DOCUMENT = 'd'.repeat(550);
const DATA = { pause: '{}', create: JSON.stringify('c'.repeat(450)), complete: JSON.stringify('e'.repeat(200)) };

type Work =
  | { readonly kind: 'pause' | 'resume'; readonly id: string; readonly done: (index: number) => void }
  | { readonly kind: 'evaluated'; readonly id: string };

/** Columns of one statement, in the order of its parameters. */
class Rows {
  readonly events = { index: [], seq: [], stream: [], version: [], data: [] } as {
    index: number[];
    seq: number[];
    stream: string[];
    version: number[];
    data: string[];
  };
  readonly deployments = { id: [] as string[], index: [] as number[] };
  readonly evaluations = { id: [] as string[], index: [] as number[], status: [] as string[] };

  event(index: number, seq: number, stream: string, version: number, data: string): void {
    this.events.index.push(index);
    this.events.seq.push(seq);
    this.events.stream.push(stream);
    this.events.version.push(version);
    this.events.data.push(data);
  }

  evaluation(id: string, index: number, status: string): void {
    this.evaluations.id.push(id);
    this.evaluations.index.push(index);
    this.evaluations.status.push(status);
  }

  values(head: number): unknown[] {
    const { events, deployments, evaluations } = this;
    return [
      ...[META, events.index, events.seq, events.stream, events.version, events.data, STATE, DOCUMENT],
      ...[deployments.id, deployments.index, evaluations.id, evaluations.index, evaluations.status, head],
    ];
  }
}

async function serve(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const versions = new Map<string, number>();
  let queue: Work[] = [];
  let isWriting = false;
  let head = 0;
  const next = (stream: string): number => {
    const version = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, version);
    return version;
  };

  async function write(): Promise<void> {
    if (isWriting || queue.length === 0) return;
    isWriting = true;
    // A statement writes a row once.
    const taken = new Set<string>();
    const batch = queue.filter(({ id }) => !taken.has(id) && taken.add(id));
    queue = batch.length === queue.length ? [] : queue.filter((work) => !batch.includes(work));
    const rows = new Rows();
    const first = head + 1;
    for (const work of batch) {
      head++;
      if (work.kind === 'evaluated') {
        rows.event(head, 0, `evaluation/${work.id}`, 2, DATA.complete);
        rows.evaluation(work.id, head, 'complete');
        continue;
      }
      rows.event(head, 0, `deployment/${work.id}`, next(work.id), DATA.pause);
      rows.deployments.id.push(work.id);
      rows.deployments.index.push(head);
      if (work.kind === 'pause') continue;
      const id = randomUUID();
      rows.event(head, 1, `evaluation/${id}`, 1, DATA.create);
      rows.evaluation(id, head, 'pending');
      queue.push({ kind: 'evaluated', id });
    }
    await client.query({ name: 'write', text: WRITE, values: rows.values(head) });
    isWriting = false;
    setImmediate(() => void write());
    for (const [position, work] of batch.entries()) if (work.kind !== 'evaluated') work.done(first + position);
  }

  const { fastify } = await import('fastify');
  const app = fastify();
  app.put<{ Params: { id: string }; Body: { Pause: boolean } }>('/v1/deployment/pause/:id', (request, reply) => {
    const done = (index: number): void =>
      void reply.header('X-Nomad-Index', index).send({ EvalID: '', DeploymentModifyIndex: index, Index: index });
    queue.push({ kind: request.body.Pause ? 'pause' : 'resume', id: request.params.id, done });
    setImmediate(() => void write());
  });
  // The load generator names no content type.
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, JSON.parse(String(body))));
  await app.listen({ host: '127.0.0.1', port: 0 });
  process.send!((app.server.address() as AddressInfo).port);
}

/** Starts it in a process of its own, on an empty database. */
export async function startBareRollouts(url: string): Promise<{ readonly port: number; readonly stop: () => void }> {
  await migrate(url, MIGRATIONS);
  const child = fork(__filename, [url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve(message as number));
    child.once('exit', () => reject(new Error('the bare server did not start')));
  });
  return { port, stop: () => void child.kill() };
}

if (process.argv[1] === __filename) void serve(process.argv[2]!);
