import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How an append shows on the wire: the name of its prepared statement. */
const APPEND = Buffer.from('append_events\0');
const SETTLE_BOUND_MS = 3_000;

/** Stands between one server and Postgres, and breaks what they say to each other. Its target may move: it is asked for with each connection. */
export class PostgresProxy {
  private readonly links = new Set<Link>();
  private readonly listener: Server;
  private refuses = false;
  private slowMs = 0;
  private commitTrap: (() => void) | undefined;

  private constructor(private readonly target: () => URL) {
    this.listener = createServer((client) => {
      if (this.refuses) return void client.destroy();
      const { hostname, port } = this.target();
      const link = new Link(
        client,
        connect(Number(port), hostname),
        () => this.slowMs,
        (chunk) => this.springs(chunk),
      );
      this.links.add(link);
      link.onClose(() => this.links.delete(link));
    });
  }

  static async start(target: () => URL): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(target);
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    return proxy;
  }

  /** The database's address, through this proxy. */
  get url(): string {
    const url = new URL(this.target().href);
    url.host = `127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
    return url.href;
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

  /** The next append reaches Postgres, and its connection is cut before the answer comes back. False: there was none. */
  async cutAfterCommit(): Promise<boolean> {
    const sprung = new Promise<true>((resolve) => (this.commitTrap = () => resolve(true)));
    const ending = new AbortController();
    const tooLate = delay(SETTLE_BOUND_MS, false as const, { signal: ending.signal }).catch(() => false as const);
    const found = await Promise.race([sprung, tooLate]);
    ending.abort();
    this.commitTrap = undefined;
    return found;
  }

  async close(): Promise<void> {
    this.cut();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private springs(chunk: Buffer): boolean {
    if (this.commitTrap === undefined || !chunk.includes(APPEND)) return false;
    this.commitTrap();
    this.commitTrap = undefined;
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
    const send = (to: Socket, chunk: Buffer): void => {
      const ms = slowMs();
      if (ms === 0) to.write(chunk);
      else setTimeout(() => to.writable && to.write(chunk), ms);
    };
    client.on('data', (chunk) => {
      if (this.isFrozen) return;
      if (springs(chunk)) this.swallowsAnswer = true;
      send(upstream, chunk);
    });
    upstream.on('data', (chunk) => {
      if (this.isFrozen) return;
      if (this.swallowsAnswer) this.cut();
      else send(client, chunk);
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
