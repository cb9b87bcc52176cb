import { connect, type AddressInfo, type Socket } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { open } from '../acl/check.js';
import { sendError } from '../edge/nomad-error.filter.js';
import { fastifyOptions, prepareFastify } from '../fastify.js';
import { BodiesInFlight } from './bodies.js';

const LIMIT = 100_000;
const SMALL = 1_000;
const LARGE = 40_000;
const ARRIVAL_MS = 300;
const BOUND_MS = 10_000;

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + BOUND_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('Bodies in flight', () => {
  let fastify: FastifyInstance;
  let bodies: BodiesInFlight;
  let release: () => void;
  let port: number;
  let sockets: Socket[];

  const start = async (requestTimeout: number): Promise<void> => {
    sockets = [];
    bodies = new BodiesInFlight(LIMIT, SMALL);
    fastify = Fastify({
      ...fastifyOptions,
      requestTimeout,
      http: { connectionsCheckingInterval: 20, headersTimeout: requestTimeout },
    });
    fastify.setErrorHandler((error, _request, reply) => {
      sendError(reply, error, (fault) => {
        throw fault;
      });
    });
    const { complete } = prepareFastify(fastify, { bodies });
    const route = { config: { access: open } };
    const held = new Promise<void>((resolve) => (release = resolve));
    fastify.put('/v1/held', route, async ({ body }, reply) =>
      held.then(() => reply.send(String((body as Buffer).length))),
    );
    fastify.put('/v1/length', route, ({ body }, reply) => reply.send(String((body as Buffer).length)));
    fastify.put('/v1/echo', route, ({ body }, reply) => reply.send(body));
    fastify.get('/v1/read', route, (_request, reply) => reply.send('read'));
    complete();
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    port = (fastify.server.address() as AddressInfo).port;
  };
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    release();
    await fastify.close();
  });

  /** Sends a request as it is written, and collects what comes back; it never closes its own half. */
  const send = (path: string, declared: number | 'chunked', body: string) => {
    const length = declared === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${declared}`;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    const seen = { socket, text: '', isOver: false };
    socket.on('data', (bytes) => (seen.text += bytes.toString()));
    socket.on('end', () => (seen.isOver = true));
    socket.on('error', () => (seen.isOver = true));
    socket.write(`PUT ${path} HTTP/1.1\r\nHost: a\r\n${length}\r\n\r\n${body}`);
    return seen;
  };
  const put = async (path: string, bytes: number): Promise<{ status: number; text: string; retry: string | null }> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'PUT', body: 'x'.repeat(bytes) });
    return { status: answer.status, text: await answer.text(), retry: answer.headers.get('retry-after') };
  };

  test('are ended in bounded time when they trickle', async () => {
    await start(ARRIVAL_MS);
    const slow = send('/v1/length', 10_000, 'x');
    const trickle = setInterval(() => slow.socket.writable && slow.socket.write('x'), 10);
    try {
      await until(() => bodies.bytes > 0);
      await until(() => slow.isOver);
    } finally {
      clearInterval(trickle);
    }
    expect(slow.text === '' || slow.text.startsWith('HTTP/1.1 408 ')).toBe(true);
    await until(() => bodies.bytes === 0);
  });

  test.each([LARGE, 'chunked'] as const)(
    'are given back when half of one was sent and no more comes: %s',
    async (declared) => {
      await start(ARRIVAL_MS);
      const half = 'x'.repeat(LARGE / 2);
      const stopped = send(
        '/v1/length',
        declared,
        declared === 'chunked' ? `${half.length.toString(16)}\r\n${half}` : half,
      );
      await until(() => bodies.bytes === half.length);
      await until(() => stopped.isOver);
      expect(stopped.text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
      await until(() => bodies.bytes === 0);
    },
  );

  test('are given back when a client goes away in the middle of one', async () => {
    await start(60_000);
    const gone = send('/v1/length', LARGE, 'x'.repeat(100));
    await until(() => bodies.bytes === 100);
    gone.socket.destroy();
    await until(() => bodies.bytes === 0);
  });

  test('are refused when they are large and too many, while the server answers everyone else', async () => {
    await start(60_000);
    const held = [put('/v1/held', LARGE), put('/v1/held', LARGE)];
    await until(() => bodies.bytes === 2 * LARGE);
    const refusals = await Promise.all(Array.from({ length: 10 }, () => put('/v1/length', LARGE)));
    for (const refusal of refusals)
      expect(refusal).toEqual({ status: 429, text: 'too many large request bodies at once; try again', retry: '1' });
    expect(bodies.refused).toBe(10);
    expect(bodies.bytes).toBe(2 * LARGE);
    expect(await (await fetch(`http://127.0.0.1:${port}/v1/read`)).text()).toBe('read');
    release();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    await until(() => bodies.bytes === 0);
    expect(await put('/v1/length', LARGE)).toMatchObject({ status: 200, text: String(LARGE) });
    await until(() => bodies.bytes === 0);
  });

  test('are refused where they pass the bound, when their length was not told', async () => {
    await start(60_000);
    const held = [put('/v1/held', LARGE), put('/v1/held', LARGE)];
    await until(() => bodies.bytes === 2 * LARGE);
    const chunked = send('/v1/length', 'chunked', `${LARGE.toString(16)}\r\n${'x'.repeat(LARGE)}\r\n`);
    await until(() => chunked.text.includes('too many large request bodies at once; try again'));
    expect(chunked.text).toMatch(/^HTTP\/1\.1 429 /);
    await until(() => bodies.bytes === 2 * LARGE);
    release();
    await Promise.all(held);
    await until(() => bodies.bytes === 0);
  });

  test('get through when they are small, however many bytes are in flight', async () => {
    await start(60_000);
    const held = [put('/v1/held', LARGE), put('/v1/held', LARGE), put('/v1/held', LIMIT - 2 * LARGE)];
    await until(() => bodies.bytes === LIMIT);
    const small = await Promise.all(Array.from({ length: 20 }, () => put('/v1/length', SMALL)));
    expect(small.map(({ text }) => text)).toEqual(small.map(() => String(SMALL)));
    expect((await put('/v1/length', SMALL + 1)).status).toBe(429);
    release();
    await Promise.all(held);
    await until(() => bodies.bytes === 0);
  });

  test('reach handlers byte for byte, in however many pieces they came', async () => {
    await start(60_000);
    const pieces = Array.from({ length: 500 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(1 + (i % 7)));
    const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
    const echo = send('/v1/echo', 'chunked', `${chunks}0\r\n\r\n`);
    await until(() => echo.text.endsWith(pieces.join('')));
    await until(() => bodies.bytes === 0);
  });
});
