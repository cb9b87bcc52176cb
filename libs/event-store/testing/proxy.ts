import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a client and Postgres and can break what they say. */
export interface Proxy {
  readonly url: string;
  /**
   * From now on nothing that the server says is passed on; at the next thing it says the connection is cut. Resolves when that has
   * happened, and later connections work again.
   */
  swallowNextAnswer(): Promise<void>;
  /** As `swallowNextAnswer`, but it is the client that is no longer heard: the statement never arrives. */
  swallowNextQuestion(): Promise<void>;
  /** Cuts all connections and refuses new ones, or takes them again. */
  setReachable(reachable: boolean): void;
  /** Passes nothing on any more, in either direction, without closing anything. */
  freeze(): void;
  close(): Promise<void>;
}

/** A TCP proxy in front of the server of a `postgres://` URL. */
export async function proxyTo(databaseUrl: string): Promise<Proxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let trap: { from: 'server' | 'client'; sprung: () => void } | undefined;
  let isReachable = true;
  let isFrozen = false;

  const server = createServer((client) => {
    if (!isReachable) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    const pass = (from: 'server' | 'client', to: Socket) => (chunk: Buffer) => {
      if (isFrozen) return;
      if (trap?.from !== from) {
        to.write(chunk);
        return;
      }
      const { sprung } = trap;
      trap = undefined;
      cut();
      sprung();
    };
    client.on('data', pass('client', upstream));
    upstream.on('data', pass('server', client));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', cut);
      socket.on('error', cut);
      socket.on('close', () => sockets.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const spring = (from: 'server' | 'client'): Promise<void> =>
    new Promise((sprung) => {
      trap = { from, sprung };
    });
  return {
    url: url.href,
    swallowNextAnswer: () => spring('server'),
    swallowNextQuestion: () => spring('client'),
    setReachable(reachable) {
      isReachable = reachable;
      if (!reachable) for (const socket of sockets) socket.destroy();
    },
    freeze() {
      isFrozen = true;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
