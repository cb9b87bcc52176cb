import { createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls';
import type { Duplex } from 'node:stream';
import { HANDSHAKE_MS, MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS } from '../limits.js';
import { YamuxSession } from '../yamux/index.js';
import { serveNetRpc, serveStreaming, type Methods } from './serve.js';
import { serveTunnel } from './tunnel.js';
import { ValueStream } from './value-stream.js';
import { MODE_MULTIPLEX, MODE_NET_RPC, MODE_STREAMING, MODE_TLS, MODE_TUNNEL } from './wire.js';

/** What methods know of the connection that a call came on. */
export interface Connection {
  readonly remoteAddress: string;
  /** Undefined for a connection that carries one call only. */
  readonly session: YamuxSession | undefined;
}

export interface RpcListenerOptions {
  readonly methods: Methods<Connection>;
  /** PEM; with `requireTls` what comes without TLS is refused. */
  readonly tls?: SecureContextOptions & { readonly verifyClient: boolean };
  readonly requireTls?: boolean;
  /** TCP connections of one address at the same time; 0: any number. */
  readonly maxConnectionsPerAddress?: number;
  /** The stream to a node, for another server that knows the secret. @throws RpcError */
  readonly tunnelTo?: (secret: string, nodeId: string) => Duplex;
  readonly onSessionClosed: (session: YamuxSession, error: Error | undefined) => void;
  /** A connection or a stream that ended badly: one line in the log. */
  readonly onBadPeer: (error: unknown, remoteAddress: string) => void;
}

/**
 * Accepts the connections of client agents: the first byte tells what they carry (spec/rpc §2). A fault of one connection ends that one.
 *
 *   accept ──(5 s)──▶ mode ──0x06──▶ session: each stream again begins with its mode
 *                      │──0x01──▶ calls, one after another       │──0x05──▶ one streaming call
 *                      └──0x04──▶ TLS ──(5 s)──▶ mode (not 0x04 again)
 */
export class RpcListener {
  private readonly server: Server;
  private tls: TlsServer | undefined;
  private readonly sockets = new Set<Duplex>();
  private readonly perAddress = new Map<string, number>();
  private readonly sessions = new Set<YamuxSession>();

  constructor(private readonly options: RpcListenerOptions) {
    this.server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.accept(socket));
    this.server.maxConnections = MAX_CONNECTIONS;
    if (options.tls !== undefined) this.useCertificates(options.tls);
  }

  /** Later connections are answered with these. @throws Error for a key or certificate that does not work */
  useCertificates({ verifyClient, ...context }: NonNullable<RpcListenerOptions['tls']>): void {
    // Never listens: it is handed sockets. Unlike a TLSSocket made by hand it really refuses foreign certificates.
    const tls = createTlsServer(
      {
        ...context,
        minVersion: 'TLSv1.2',
        requestCert: verifyClient,
        rejectUnauthorized: verifyClient,
        handshakeTimeout: HANDSHAKE_MS,
      },
      (secure) => void this.begin(secure, secure.remoteAddress ?? '', true),
    );
    tls.on('tlsClientError', (error, socket: TLSSocket) => {
      this.options.onBadPeer(error, socket.remoteAddress ?? '');
      socket.destroy();
    });
    this.tls = tls;
  }

  /** Port 0 takes any. Resolves with the port. */
  listen(port: number, address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, address, () => {
        this.server.off('error', reject);
        this.server.on('error', (error) => this.options.onBadPeer(error, ''));
        resolve((this.server.address() as { port: number }).port);
      });
    });
  }

  /** Ends all sessions: clients go to another server at once. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const session of [...this.sessions]) session.close();
    for (const socket of [...this.sockets]) socket.destroy();
    await closed;
  }

  private accept(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const count = (this.perAddress.get(address) ?? 0) + 1;
    const most = this.options.maxConnectionsPerAddress ?? MAX_CONNECTIONS_PER_ADDRESS;
    if (most > 0 && count > most) {
      this.options.onBadPeer(new Error('too many connections'), address);
      return void socket.destroy();
    }
    this.perAddress.set(address, count);
    this.track(socket);
    socket.once('close', () => {
      const left = (this.perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.perAddress.delete(address);
      else this.perAddress.set(address, left);
    });
    void this.begin(socket, address, false);
  }

  private track(socket: Duplex): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
  }

  private async begin(socket: Socket, remoteAddress: string, secure: boolean): Promise<void> {
    if (secure) this.track(socket);
    try {
      const mode = await firstByte(socket);
      if (mode === undefined) return void socket.destroy();
      if (mode === MODE_TLS && !secure && this.tls !== undefined) return void this.tls.emit('connection', socket);
      if (!secure && this.options.requireTls === true) throw new Error('a connection without TLS');
      switch (mode) {
        case MODE_MULTIPLEX:
          this.multiplex(socket, remoteAddress);
          return;
        case MODE_NET_RPC:
        case MODE_STREAMING:
          return await this.serve(socket, mode, new ValueStream(socket), { remoteAddress, session: undefined });
      }
      throw new Error(`a connection that begins with byte ${mode}`);
    } catch (error) {
      socket.destroy();
      this.options.onBadPeer(error, remoteAddress);
    }
  }

  /** Serves a session over a connection that came by another way; it has been told who is there. */
  adopt(socket: Duplex, remoteAddress: string): YamuxSession {
    this.track(socket);
    return this.multiplex(socket, remoteAddress);
  }

  private multiplex(socket: Duplex, remoteAddress: string): YamuxSession {
    const session: YamuxSession = new YamuxSession(socket, {
      role: 'acceptor',
      onStream: (stream) => {
        const values = new ValueStream(stream);
        values
          .byte()
          .then((mode) =>
            mode === undefined ? void stream.end() : this.serve(stream, mode, values, { remoteAddress, session }),
          )
          .catch((error: unknown) => {
            stream.destroy();
            if (!session.isClosed) this.options.onBadPeer(error, remoteAddress);
          });
      },
      onClose: (error) => {
        this.sessions.delete(session);
        this.options.onSessionClosed(session, error);
      },
    });
    this.sessions.add(session);
    return session;
  }

  private serve(stream: Duplex, mode: number, values: ValueStream, connection: Connection): Promise<void> {
    if (mode === MODE_NET_RPC) return serveNetRpc(stream, values, this.options.methods, connection);
    if (mode === MODE_STREAMING) return serveStreaming(stream, values, this.options.methods, connection);
    const { tunnelTo } = this.options;
    if (mode === MODE_TUNNEL && tunnelTo !== undefined) return serveTunnel(stream, values, tunnelTo);
    throw new Error(`a stream that begins with byte ${mode}`);
  }
}

/** Takes one byte off a socket and leaves the rest unread; undefined when there is none in time. */
function firstByte(socket: Socket): Promise<number | undefined> {
  return new Promise((resolve) => {
    const settle = (byte: number | undefined): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onEnd).off('end', onEnd);
      resolve(byte);
    };
    const onEnd = (): void => settle(undefined);
    const onData = (chunk: Buffer): void => {
      socket.pause();
      if (chunk.length > 1) socket.unshift(chunk.subarray(1));
      settle(chunk[0]);
    };
    const timer = setTimeout(onEnd, HANDSHAKE_MS);
    socket.on('data', onData).once('close', onEnd).once('end', onEnd);
  });
}
