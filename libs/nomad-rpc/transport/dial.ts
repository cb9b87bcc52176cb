import { connect } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import type { Duplex } from 'node:stream';
import { YamuxSession, type SessionOptions } from '../yamux/index.js';
import { MODE_MULTIPLEX, MODE_TLS } from './wire.js';

const DIAL_TIMEOUT_MS = 10_000;

export interface DialOptions extends Omit<SessionOptions, 'role'> {
  readonly host: string;
  readonly port: number;
  readonly tls?: SecureContextOptions & { readonly servername?: string };
  readonly signal: AbortSignal;
}

/** Opens a session with a server. @throws Error when it cannot be reached within 10 s */
export async function dial({ host, port, tls, signal, ...options }: DialOptions): Promise<YamuxSession> {
  const raw = connect({ host, port, noDelay: true, keepAlive: true, signal });
  await opened(raw, 'connect');
  let socket: Duplex = raw;
  if (tls !== undefined) {
    raw.write(Buffer.from([MODE_TLS]));
    const secure = connectTls({ ...tls, socket: raw });
    await opened(secure, 'secureConnect');
    socket = secure;
  }
  socket.write(Buffer.from([MODE_MULTIPLEX]));
  return new YamuxSession(socket, { ...options, role: 'dialler' });
}

function opened(socket: Duplex, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error('dial timeout')), DIAL_TIMEOUT_MS);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve();
    });
  });
}
