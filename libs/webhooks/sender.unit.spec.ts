import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { allowing } from './addresses.js';
import { Sender } from './sender.js';

const TIMEOUT_MS = 300;
const forever = new AbortController().signal;

describe('A message to a receiver', () => {
  let server: Server;
  let port: number;
  let answer: (response: ServerResponse) => void;
  let requests: number;
  const senders: Sender[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests++;
      request.resume();
      answer(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    requests = 0;
    answer = (response) => response.writeHead(204).end();
  });
  afterEach(() => senders.splice(0).forEach((sender) => sender.close()));

  const send = (isAllowed = true, url = `http://127.0.0.1:${port}/in`) => {
    const sender = new Sender(
      allowing(() => isAllowed),
      TIMEOUT_MS,
    );
    senders.push(sender);
    return sender.send({ url, headers: {}, body: '{}' }, forever);
  };

  test('is taken if the answer is a good one', async () => {
    expect(await send()).toEqual({ status: 204, error: '', retryAfterMs: 0 });
  });

  test('is not taken by any other answer, and a redirect is not followed', async () => {
    answer = (response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/other` }).end();
    expect(await send()).toMatchObject({ status: 302, error: 'answered 302' });
    expect(requests).toBe(1);
    answer = (response) => response.writeHead(503, { 'retry-after': '7' }).end('later');
    expect(await send()).toEqual({ status: 503, error: 'answered 503', retryAfterMs: 7_000 });
    answer = (response) => response.writeHead(429, { 'retry-after': '999999999' }).end();
    expect((await send()).retryAfterMs).toBe(3_600_000);
  });

  test('is given up when the receiver is slow, and when nobody is there', async () => {
    answer = () => undefined;
    expect(await send()).toEqual({ status: 0, error: 'nothing was answered within 0.3 s', retryAfterMs: 0 });
    expect(await send(true, 'http://127.0.0.1:1/')).toMatchObject({ status: 0 });
  });

  test('is not held up by an answer without an end, nor by one that is too large', async () => {
    answer = (response) => void response.writeHead(200).write('a beginning');
    const began = performance.now();
    expect(await send()).toMatchObject({ status: 200, error: '' });
    answer = (response) => response.writeHead(200).end(Buffer.alloc(5_000_000));
    expect(await send()).toMatchObject({ status: 200, error: '' });
    expect(performance.now() - began).toBeLessThan(10 * TIMEOUT_MS);
  });

  test('does not leave for an address that is not public, by number or by name', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433'])
      expect((await send(false, `http://${host}:${port}/`)).error).toContain('is no public address');
    expect(requests).toBe(0);
  });
});
