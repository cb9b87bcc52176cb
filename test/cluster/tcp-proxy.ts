import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const SETTLE_BOUND_MS = 10_000;

/** Whether what a client sends ends a transaction. */
type Commits = (chunk: Buffer) => boolean;

/** An append as it shows on the wire: the name of its prepared statement. It is a transaction of its own. */
export const isAppend: Commits = (chunk) => chunk.includes('append_events\0');

const REQUEST_HEAD_BYTES = 6;
const END_TXN = 26;
/** Kafka's EndTxn: a request begins with its length and its kind. */
export const isEndTxn: Commits = (chunk) => chunk.length >= REQUEST_HEAD_BYTES && chunk.readInt16BE(4) === END_TXN;

/** Stands between clients and a server, and breaks what they say to each other. The server may move: where it is is asked for with each connection. */
export class TcpProxy {
  private readonly links = new Set<Link>();
  private readonly listener: Server;
  private refuses = false;
  private slowMs = 0;
  private trap: (() => void) | undefined;

  private constructor(
    target: () => { readonly hostname: string; readonly port: number },
    private readonly commits: Commits,
  ) {
    this.listener = createServer((client) => {
      if (this.refuses) return void client.destroy();
      const { hostname, port } = target();
      const link = new Link(
        client,
        connect(port, hostname),
        () => this.slowMs,
        (chunk) => this.springs(chunk),
      );
      this.links.add(link);
      link.onClose(() => this.links.delete(link));
    });
  }

  static async start(
    target: () => { readonly hostname: string; readonly port: number },
    commits: Commits,
  ): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, commits);
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  /** Resets every connection; new ones work. */
  cut(): void {
    for (const link of this.links) link.cut();
  }

  /** Resets every connection and refuses new ones for a while. */
  async refuse(ms: number): Promise<void> {
    this.refuses = true;
    this.cut();
    await delay(ms);
    this.refuses = false;
  }

  /** Connections stay open and nothing passes any more; new ones work. After a while the frozen ones are reset. */
  async halfOpen(ms: number): Promise<void> {
    const frozen = [...this.links];
    for (const link of frozen) link.freeze();
    await delay(ms);
    for (const link of frozen) link.cut();
  }

  /** Everything takes longer for a while. */
  async slow(byMs: number, ms: number): Promise<void> {
    this.slowMs = byMs;
    await delay(ms);
    this.slowMs = 0;
  }

  /** The next commit reaches the server, and its connection is cut before the answer comes back. False: there was none. */
  async cutAfterCommit(): Promise<boolean> {
    const sprung = new Promise<true>((resolve) => (this.trap = () => resolve(true)));
    const ending = new AbortController();
    const tooLate = delay(SETTLE_BOUND_MS, false as const, { signal: ending.signal }).catch(() => false as const);
    const found = await Promise.race([sprung, tooLate]);
    ending.abort();
    this.trap = undefined;
    return found;
  }

  async close(): Promise<void> {
    this.cut();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private springs(chunk: Buffer): boolean {
    if (this.trap === undefined || !this.commits(chunk)) return false;
    this.trap();
    this.trap = undefined;
    return true;
  }
}

/** One connection through the proxy. */
class Link {
  private isFrozen = false;
  private swallowsAnswer = false;

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    slowMs: () => number,
    springs: (chunk: Buffer) => boolean,
  ) {
    const up = inOrder(upstream, slowMs);
    const down = inOrder(client, slowMs);
    client.on('data', (chunk) => {
      if (this.isFrozen) return;
      if (springs(chunk)) this.swallowsAnswer = true;
      up(chunk);
    });
    upstream.on('data', (chunk) => {
      if (this.isFrozen) return;
      if (this.swallowsAnswer) this.cut();
      else down(chunk);
    });
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('close', () => this.cut());
      socket.on('error', () => this.cut());
    }
  }

  freeze(): void {
    this.isFrozen = true;
  }

  cut(): void {
    this.client.destroy();
    this.upstream.destroy();
  }

  onClose(listener: () => void): void {
    this.client.once('close', listener);
  }
}

/** Writes to a socket, late while the connection is slow; nothing overtakes what was sent before it. */
function inOrder(to: Socket, slowMs: () => number): (chunk: Buffer) => void {
  let waiting = 0;
  let before: Promise<unknown> = Promise.resolve();
  return (chunk) => {
    const ms = slowMs();
    if (ms === 0 && waiting === 0) return void to.write(chunk);
    waiting++;
    before = Promise.all([before, delay(ms)]).then(() => {
      waiting--;
      if (to.writable) to.write(chunk);
    });
  };
}
