import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Providers } from './discovery.js';

describe('Providers', () => {
  let server: Server;
  let url: string;
  let asked = 0;
  const providers = new Providers();
  beforeAll(async () => {
    server = createServer((_request, response) => {
      asked++;
      response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    providers.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test('that are remembered can be asked, however many others there are with certificates of their own', async () => {
    const provider = await providers.discovered(url, ['a certificate']);
    for (let n = 0; n < 150; n++) providers.keys(url, [`certificate ${n}`]);
    expect(await providers.discovered(url, ['a certificate'])).toBe(provider);
    expect(asked).toBe(1);
    expect(await provider.http.json(provider.issuer)).toMatchObject({ status: 200 });
  });
});
