import 'reflect-metadata';
import { CommandHandler, MemoryEventStore } from '@app/event-store';
import { nodeStream } from '@app/kernel';
import { aggregates, PastMoments, tablesOf } from '@app/read-models';
import { AnswerCache, LogTail } from '@app/streaming';
import { jobSpec, NODE, nodeIsReady, nodeRegistered, registered, START } from '@app/testing';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { NomadErrorFilter } from '../edge/nomad-error.filter.js';
import { PastReads } from '../edge/past-reads.js';
import { Reads } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { fastifyOptions, prepareFastify } from '../fastify.js';
import { History, HistoryController } from './history.controller.js';

const PATH = '/v1/operator/rollbook/history';

describe('The history of an object', () => {
  const store = new MemoryEventStore();
  let now = START;
  const handler = new CommandHandler({ store, aggregates, clock: () => (now += 1_000_000) });
  const tail = new LogTail({ store, handler, tablesOf, onError: () => undefined });
  let app: NestFastifyApplication;

  beforeAll(async () => {
    await tail.start();
    const cache = new AnswerCache(tail, tablesOf, 1_000_000);
    const server = new ServerIdentity('spec', 'global', 'dc1', '127.0.0.1', 4646, '0', false);
    const reads = new Reads(tail, cache, server, new PastReads(store, new PastMoments(store), tail));
    const module = await Test.createTestingModule({
      controllers: [HistoryController],
      providers: [
        { provide: LogTail, useValue: tail },
        { provide: History, useValue: new History(store) },
        { provide: Reads, useValue: reads },
      ],
    }).compile();
    const adapter = new FastifyAdapter(fastifyOptions);
    const { complete } = prepareFastify(adapter.getInstance());
    app = module.createNestApplication<NestFastifyApplication>(adapter, { bodyParser: false, logger: false });
    app.useGlobalFilters(new NomadErrorFilter(() => undefined));
    await app.init();
    complete();
    const meta = { actor: 'somebody', remoteAddress: '10.0.0.1', reason: 'a test', requestId: 'r1', causation: 'c1' };
    for (const decide of [nodeRegistered(), nodeIsReady()]) await handler.execute({ name: 'spec', decide, meta });
    await handler.execute({ name: 'spec', decide: registered(jobSpec()), meta: { actor: 'somebody' } });
  });

  afterAll(async () => {
    await tail.close();
    await app.close();
    await handler.close();
  });

  test('says what happened, when, by whom and why', async () => {
    const { statusCode, headers, body } = await app.inject(`${PATH}/node/${NODE}`);
    expect(statusCode).toBe(200);
    expect(headers['x-nomad-index']).toBe('2');
    const events = JSON.parse(body) as Record<string, unknown>[];
    expect(events.map(({ Index, Type }) => [Index, Type])).toEqual([
      [1, 'NodeRegistered'],
      [2, 'NodeStatusChanged'],
    ]);
    expect(events[1]).toEqual({
      Index: 2,
      Time: expect.stringMatching(/^2026-01-01T00:00:0\dZ$/) as string,
      Type: 'NodeStatusChanged',
      Actor: 'somebody',
      RemoteAddress: '10.0.0.1',
      Reason: 'a test',
      RequestID: 'r1',
      Causation: 'c1',
      Data: { status: 'ready', note: null, missedHeartbeat: false },
    });
  });

  test('keeps the digest of a node’s secret to itself', async () => {
    expect((await app.inject(`${PATH}/node/${NODE}`)).body).not.toContain('igest');
  });

  test('of a job is found by its namespace', async () => {
    expect((await app.inject(`${PATH}/job/web`)).json()).toMatchObject([{ Type: 'JobRegistered', Reason: '' }]);
    expect((await app.inject(`${PATH}/job/web?namespace=other`)).statusCode).toBe(404);
  });

  test('does not exist of what never was, or of another kind of thing', async () => {
    const missing = await app.inject(`${PATH}/deployment/nothing`);
    expect([missing.statusCode, missing.body]).toEqual([404, 'deployment not found']);
    const unknown = await app.inject(`${PATH}/cat/tom`);
    expect([unknown.statusCode, unknown.body]).toEqual([404, expect.stringMatching(/^no history of cat/)]);
  });

  test('is not guessed at where a later release wrote it', async () => {
    const readStream: MemoryEventStore['readStream'] = async (stream, from) =>
      (await store.readStream(stream, from)).map((event) => ({ ...event, schema: 99 }));
    const history = new History({ readStream }).query(nodeStream(NODE), 'node');
    await expect(history.load(tail.moment())).rejects.toThrow('event NodeRegistered has schema 99');
  });

  test('can be waited for like any other read', async () => {
    const waiting = app.inject(`${PATH}/job/web?index=3&wait=10s`);
    await handler.execute({ name: 'spec', decide: registered(jobSpec({ tag: 'next' })), meta: { actor: 'somebody' } });
    const answer = await waiting;
    expect(answer.headers['x-nomad-index']).toBe('4');
    expect(answer.json()).toHaveLength(2);
  });
});
