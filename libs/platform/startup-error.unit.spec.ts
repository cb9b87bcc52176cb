import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { explainListenFailure, StartupError } from './startup-error.js';

const settings = { portSetting: 'ROLLBOOK_HTTP_PORT', addressSetting: 'ROLLBOOK_HTTP_ADDR' };
const listen = (host: string, port: number) =>
  new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(port, host, () => resolve(server));
  });

describe('a listener that cannot start', () => {
  test('says that the port is taken', async () => {
    const first = await listen('127.0.0.1', 0);
    const { port } = first.address() as AddressInfo;
    const failure: unknown = await listen('127.0.0.1', port).catch((error: unknown) => error);
    first.close();
    expect(explainListenFailure(failure, { host: '127.0.0.1', port, ...settings })).toEqual(
      new StartupError(
        `port ${port} of 127.0.0.1 is taken by another process; stop it or set ROLLBOOK_HTTP_PORT to a free port.`,
      ),
    );
  });

  test('says that the address is not of this machine', async () => {
    const failure: unknown = await listen('192.0.2.1', 0).catch((error: unknown) => error);
    expect(explainListenFailure(failure, { host: '192.0.2.1', port: 1, ...settings })).toEqual(
      new StartupError('192.0.2.1 is not an address of this machine; set ROLLBOOK_HTTP_ADDR to one that is.'),
    );
  });

  test('keeps an error of another kind', () => {
    const bug = new TypeError('x');
    expect(explainListenFailure(bug, { host: 'h', port: 1, ...settings })).toBe(bug);
  });
});
