import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  call,
  dial,
  emptyReply,
  method,
  openStream,
  pingRequest,
  RpcListener,
  type Connection,
  type Methods,
} from '../index.js';

/** A certificate authority of its own, and certificates by it; openssl comes with every platform that we run on. */
const directory = mkdtempSync(join(tmpdir(), 'rollbook-tls-'));
const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
const authority = (name: string): void =>
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
  );
const certificate = (name: string, by: string, dnsName: string): void => {
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${dnsName}`,
    '-addext',
    `subjectAltName=DNS:${dnsName}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
  );
  openssl(
    'x509',
    '-req',
    '-days',
    '1',
    '-in',
    `${name}.csr`,
    '-CA',
    `${by}.pem`,
    '-CAkey',
    `${by}.key`,
    '-CAcreateserial',
    '-copy_extensions',
    'copy',
    '-out',
    `${name}.pem`,
  );
};
const read = (file: string): Buffer => readFileSync(join(directory, file));

const methods: Methods<Connection> = {
  plain: new Map([
    [
      'Status.Ping',
      method<Connection, unknown, object>('Status.Ping', pingRequest as never, emptyReply as never, () => ({})),
    ],
  ]),
  streaming: new Map(),
  onFault: () => undefined,
};
const ping = { method: 'Status.Ping', arguments: pingRequest, reply: emptyReply };
const never = new AbortController().signal;
let listener: RpcListener;
let port: number;

beforeAll(async () => {
  authority('ca');
  authority('foreign');
  certificate('server', 'ca', 'server.global.nomad');
  certificate('client', 'ca', 'client.global.nomad');
  certificate('stranger', 'foreign', 'client.global.nomad');
  listener = new RpcListener({
    methods,
    tls: { ca: read('ca.pem'), cert: read('server.pem'), key: read('server.key'), verifyClient: true },
    requireTls: true,
    onSessionClosed: () => undefined,
    onBadPeer: () => undefined,
  });
  port = await listener.listen(0, '127.0.0.1');
}, 30_000);
afterAll(async () => {
  await listener.close();
  rmSync(directory, { recursive: true });
});

const callWith = async (tls?: object): Promise<object> => {
  const session = await dial({
    host: '127.0.0.1',
    port,
    signal: never,
    onStream: () => undefined,
    onClose: () => undefined,
    ...(tls && { tls }),
  });
  try {
    return await call(openStream(session), ping, pingRequest.zero(), never);
  } finally {
    session.close();
  }
};
const certified = (name: string) => ({
  ca: read('ca.pem'),
  cert: read(`${name}.pem`),
  key: read(`${name}.key`),
  servername: 'server.global.nomad',
});

it('a client with a certificate of the authority is served', async () => {
  expect({ ...(await callWith(certified('client'))) }).toEqual({});
});

it('a client with a certificate of another authority is refused', async () => {
  await expect(callWith(certified('stranger'))).rejects.toThrow();
});

it('a client without a certificate is refused', async () => {
  await expect(callWith({ ca: read('ca.pem'), servername: 'server.global.nomad' })).rejects.toThrow();
});

it('a client without TLS is refused', async () => {
  await expect(callWith()).rejects.toThrow();
});

it('a client that expects another name of the server does not talk to it', async () => {
  await expect(callWith({ ...certified('client'), servername: 'server.other.nomad' })).rejects.toThrow(
    'does not match',
  );
});

it('a handshake that never comes is ended, and harms nobody', async () => {
  const silent = connect(port, '127.0.0.1', () => silent.write(Buffer.from([0x04, 0x16, 0x03])));
  silent.on('error', () => undefined);
  expect({ ...(await callWith(certified('client'))) }).toEqual({});
  silent.destroy();
});
