import { connect, type AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Chunks } from '@app/streaming';
import { until } from '@app/testing';
import { fastify, type FastifyInstance } from 'fastify';
import { sendCompressed } from './compression.js';
import { sendBytes, sendShortText } from './send-bytes.js';

jest.setTimeout(30_000);

describe('A body in chunks', () => {
  const body = new Chunks(Array.from({ length: 60 }, (_, n) => Buffer.alloc(64 * 1024, `${n} `)));
  let server: FastifyInstance;
  let url: string;
  let closed = 0;

  beforeAll(async () => {
    server = fastify();
    server.get('/plain', (_request, reply) => {
      reply.raw.once('close', () => closed++);
      sendBytes(reply, body);
    });
    server.get('/packed', (_request, reply) => void sendCompressed(reply, body));
    server.get('/empty', (_request, reply) => sendBytes(reply, new Chunks([])));
    url = await server.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => server?.close());

  const get = async (path: string, method = 'GET'): Promise<{ bytes: Buffer; headers: Headers }> => {
    const response = await fetch(url + path, { method });
    return { bytes: Buffer.from(await response.arrayBuffer()), headers: response.headers };
  };

  test('comes whole and with its length, to many readers at once and one after the other', async () => {
    for (let turn = 0; turn < 2; turn++) {
      for (const { bytes, headers } of await Promise.all(Array.from({ length: 3 }, () => get('/plain')))) {
        expect(bytes.equals(body.toBuffer())).toBe(true);
        expect(headers.get('content-length')).toBe(String(body.length));
      }
    }
  });

  test('comes compressed as one member', async () => {
    const response = await new Promise<Buffer>((resolve, reject) => {
      const parts: Buffer[] = [];
      const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
      socket.on('data', (chunk: Buffer) => parts.push(chunk));
      socket.on('end', () => resolve(Buffer.concat(parts)));
      socket.on('error', reject);
      socket.write('GET /packed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    });
    const begin = response.indexOf('\r\n\r\n') + 4;
    expect(response.subarray(0, begin).toString()).toMatch(/content-encoding: gzip/i);
    expect(gunzipSync(response.subarray(begin)).equals(body.toBuffer())).toBe(true);
  });

  test('of nothing is an empty answer, and a question for its head gets none of it', async () => {
    expect((await get('/empty')).bytes).toHaveLength(0);
    const { bytes, headers } = await get('/plain', 'HEAD');
    expect([bytes.length, headers.get('content-length')]).toEqual([0, String(body.length)]);
  });

  test('that nobody reads on is given up with its connection', async () => {
    const before = closed;
    const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('GET /plain HTTP/1.1\r\nHost: x\r\n\r\n');
    await new Promise((resolve) => socket.once('readable', resolve));
    socket.destroy();
    await until('the answer is closed', () => closed > before);
  });
});

test('a short text comes byte for byte, with its length in bytes and a type that names no charset', async () => {
  const text = JSON.stringify({ Reason: 'für später – ☕', Index: 7 });
  const server = fastify();
  server.get('/', (_request, reply) => sendShortText(reply, text));
  const url = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
  try {
    const response = await fetch(url);
    expect(await response.text()).toBe(text);
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
  } finally {
    await server.close();
  }
});
