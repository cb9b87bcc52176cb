import { connect, type AddressInfo } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { open } from '../acl/check.js';
import { fastifyOptions, prepareFastify } from '../fastify.js';
import { ClientLimits, type Limits } from './client-limits.js';
import { limitConnections } from './gate.js';

const NO_LIMITS: Limits = { connections: 0, requests: 0, waiting: 0, streams: 0 };

describe('Limits per client', () => {
  test('hold for each client by itself, and what is given back may be taken again, once', () => {
    const limits = new ClientLimits({ ...NO_LIMITS, waiting: 2 }, () => 0);
    const first = limits.take('waiting', 'a');
    expect(limits.take('waiting', 'a')).toBeDefined();
    expect(limits.take('waiting', 'a')).toBeUndefined();
    expect(limits.take('waiting', 'b')).toBeDefined();
    expect(limits.take('streams', 'a')).toBeDefined();
    first?.();
    first?.();
    expect(limits.take('waiting', 'a')).toBeDefined();
    expect(limits.take('waiting', 'a')).toBeUndefined();
  });

  test('let so many requests pass in a second, and as many at once', () => {
    let now = 0;
    const limits = new ClientLimits({ ...NO_LIMITS, requests: 10 }, () => now);
    const passed = (): number => Array.from({ length: 50 }, () => limits.admits('a')).filter(Boolean).length;
    expect(passed()).toBe(10);
    expect(passed()).toBe(0);
    now = 500;
    expect(passed()).toBe(5);
    now = 60_000;
    expect(passed()).toBe(10);
    expect(limits.admits('b')).toBe(true);
  });

  test('are none where they are 0', () => {
    const limits = new ClientLimits(NO_LIMITS, () => 0);
    for (let i = 0; i < 10_000; i++) expect(limits.admits('a') && limits.take('streams', 'a')).toBeTruthy();
  });
});

describe('The gate', () => {
  let fastify: FastifyInstance;
  let release: () => void;
  const start = (limits: Partial<Limits>): void => {
    fastify = Fastify(fastifyOptions);
    const { complete } = prepareFastify(fastify, {
      gate: {
        sites: { isLoopback: true, allowedOrigins: [], allowedHosts: [] },
        limits: new ClientLimits({ ...NO_LIMITS, ...limits }, () => 0),
      },
    });
    const held = new Promise<void>((resolve) => (release = resolve));
    const route = { config: { access: open } };
    fastify.get('/v1/waits', route, async (_request, reply) => held.then(() => reply.send('at last')));
    fastify.put('/v1/write', route, (_request, reply) => reply.send('written'));
    fastify.get('/readyz', route, (_request, reply) => reply.send('ready'));
    complete();
  };
  afterEach(() => fastify.close());

  test('answers with the id that the request came with, or one of its own', async () => {
    start({});
    const given = await fastify.inject({ url: '/v1/waits2', headers: { 'x-request-id': 'mine-1' } });
    expect(given.headers['x-request-id']).toBe('mine-1');
    for (const id of ['', 'a b', 'x'.repeat(129), 'a\u00ff']) {
      const own = await fastify.inject({ url: '/nowhere', headers: { 'x-request-id': id } });
      expect(own.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('refuses what a page of another site sends, before anything looks at it', async () => {
    start({});
    const headers = { origin: 'http://evil.example', 'content-type': 'text/plain' };
    const refused = await fastify.inject({ method: 'POST', url: '/v1/write', headers, payload: '{}' });
    expect([refused.statusCode, refused.body]).toEqual([403, expect.stringContaining('ROLLBOOK_ALLOWED_ORIGINS')]);
    expect((await fastify.inject({ method: 'POST', url: '/v1/write', payload: '{}' })).body).toBe('written');
  });

  test('tells a client with too many requests or waiting queries to come again', async () => {
    start({ waiting: 1, requests: 3 });
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    const url = `http://127.0.0.1:${(fastify.server.address() as AddressInfo).port}`;
    const waiting = fetch(`${url}/v1/waits?index=7`);
    const inTime = fetch(`${url}/v1/waits?index=0`);
    const second = await fetch(`${url}/v1/waits?wait=1s&index=9`);
    expect([second.status, second.headers.get('retry-after'), await second.text()]).toEqual([
      429,
      '1',
      'too many waiting queries of this client; try again',
    ]);
    const fourth = await fetch(`${url}/v1/waits`);
    expect([fourth.status, await fourth.text()]).toEqual([429, 'too many requests of this client; try again']);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    release();
    expect(await (await waiting).text()).toBe('at last');
    expect(await (await inTime).text()).toBe('at last');
  });

  test('answers a connection too many as Nomad does, and lets the next one in when one has gone', async () => {
    start({});
    const limits = new ClientLimits({ ...NO_LIMITS, connections: 1 }, () => 0);
    limitConnections(fastify.server, limits, { isProxy: () => false, event: 'connection' });
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    const { port } = fastify.server.address() as AddressInfo;
    const first = connect(port, '127.0.0.1');
    await new Promise((resolve) => first.once('connect', resolve));
    const ask = (): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () =>
          socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
        );
        let text = '';
        socket.on('data', (chunk) => (text += String(chunk))).on('error', () => undefined);
        socket.on('close', () => resolve(text));
      });
    const refused = await ask();
    expect(refused).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
    expect(refused).toContain('Retry-After: 1');
    const gone = new Promise<void>((resolve) => {
      const look = (): unknown => {
        const giveBack = limits.take('connections', '127.0.0.1');
        if (giveBack === undefined) return setImmediate(look);
        giveBack();
        return resolve();
      };
      first.once('close', look);
    });
    first.destroy();
    await gone;
    expect(await ask()).toContain('ready');
  });
});
