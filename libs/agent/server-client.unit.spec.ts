import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TEMPLATE_CONNECTIONS } from './limits.js';
import { RequestRefused, ServerClient } from './server-client.js';

let server: Server;
let client: ServerClient;
const waits: number[] = [];
const { signal } = new AbortController();

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://server');
    if (url.pathname === '/none')
      return void response.writeHead(404, { 'x-nomad-index': '7' }).end('variable not found');
    if (url.pathname === '/refused') return void response.writeHead(403).end('Permission denied');
    if (url.searchParams.get('index') === '0')
      return void response
        .writeHead(200, { 'x-nomad-index': '5' })
        .end(JSON.stringify(request.headers['x-nomad-token']));
    // The others wait for ever.
    waits.push(Number.parseInt(url.searchParams.get('wait') ?? '', 10));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new ServerClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'secret');
});
afterAll(async () => {
  await client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const read = (path: string, index: number) => client.read(path, 'token', index, 60_000, signal);

describe('reads of templates', () => {
  test('are made in the name of their task; what is not there has an index, too', async () => {
    expect(await read('/v1/var/a?namespace=default', 0)).toEqual({ index: 5, text: '"token"' });
    expect(await read('/none?', 0)).toEqual({ index: 7, text: '' });
    await expect(read('/refused?', 0)).rejects.toThrow(RequestRefused);
  });

  test('that are the first of a task do not stand behind those that wait, and many wait less each', async () => {
    const many = Array.from({ length: 2 * TEMPLATE_CONNECTIONS }, () => read('/v1/var/a?', 5).catch(() => undefined));
    expect(await read('/v1/var/b?', 0)).toMatchObject({ index: 5 });
    const end = Date.now() + 5_000;
    while (waits.length < TEMPLATE_CONNECTIONS && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(waits).toHaveLength(TEMPLATE_CONNECTIONS);
    expect(Math.max(...waits)).toBe(60_000);
    await client.close();
    await Promise.all(many);
  });
});
