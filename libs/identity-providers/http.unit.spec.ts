import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ProviderHttp } from './http.js';

describe('A call of a provider', () => {
  let server: Server;
  let url: string;
  const http = new ProviderHttp([]);
  const asked: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url!);
      if (request.url === '/elsewhere') response.writeHead(302, { Location: '/object' }).end();
      else if (request.url === '/large') response.end(`{"a":"${'x'.repeat(2 * 1024 * 1024)}"}`);
      else if (request.url === '/list') response.end('[]');
      else response.end('{"a":1}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    http.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test('reads an object', async () => {
    expect(await http.json(`${url}/object`)).toEqual({ status: 200, body: { a: 1 } });
  });

  test('takes nothing else, and no more than a megabyte', async () => {
    await expect(http.json(`${url}/list`)).rejects.toThrow('answers 200, and no JSON object');
    await expect(http.json(`${url}/large`)).rejects.toThrow(/Get "http.*\/large": /);
  });

  test('goes nowhere else, whatever it is told', async () => {
    expect(await http.text(`${url}/elsewhere`)).toMatchObject({ status: 302 });
    expect(asked.filter((path) => path === '/object')).toHaveLength(1);
  });

  test('says in words why there is no answer', async () => {
    await expect(http.text('http://127.0.0.1:1/x')).rejects.toThrow(/^Get "http:\/\/127.0.0.1:1\/x": .*ECONNREFUSED/);
    await expect(http.text('no url')).rejects.toThrow('Get "no url": ');
    await expect(http.text('file:///etc/passwd')).rejects.toThrow('Get "file:///etc/passwd": ');
  });
});
