import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Api } from './api.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const ok: Answer = (_request, response) => void response.setHeader('X-Nomad-Index', '7').end('{"fine":true}');
const dies: Answer = (request) => void request.socket.destroy();
const away: Answer = (_request, response) => void response.writeHead(503, { 'Retry-After': '1' }).end('no database');

describe('The API as the commands ask it', () => {
  let server: Server;
  let address: string;
  let answers: Answer[];
  let keys: unknown[];

  beforeEach(async () => {
    answers = [];
    keys = [];
    server = createServer((request, response) => {
      keys.push(request.headers['idempotency-key']);
      (answers.shift() ?? dies)(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => void server.close());

  test('a read goes on when an instance dies behind the balancer, or has lost its database', async () => {
    const api = new Api(address);
    answers = [ok, dies, away, ok];
    await api.get('/v1/jobs');
    expect(await api.get('/v1/jobs')).toEqual({ fine: true });
    expect(keys).toHaveLength(4);
  });

  test('a write is sent again under the key that makes it happen once', async () => {
    const api = new Api(address);
    answers = [ok, dies, ok];
    await api.get('/v1/jobs');
    await api.put('/v1/jobs', {});
    const [, first, second] = keys;
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).toBe(first);
  });

  test('where nobody has answered yet nothing is tried again, and what to do is said', async () => {
    answers = [dies, ok];
    await expect(new Api(address).get('/v1/jobs')).rejects.toThrow(
      /^no server answers at .*; start one with `npm start`/,
    );
  });

  test('it gives up after a while, and a refusal is no reason to ask again', async () => {
    const api = new Api(address, undefined, 300);
    answers = [ok, (_request, response) => void response.writeHead(400).end('invalid')];
    await api.get('/v1/jobs');
    await expect(api.get('/v1/jobs')).rejects.toThrow('GET /v1/jobs was refused: 400 invalid');
    await expect(api.get('/v1/jobs')).rejects.toThrow(/it did before/);
  });
});
