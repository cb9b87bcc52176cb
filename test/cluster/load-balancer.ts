import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

const LOOK_MS = 500;
/** Longer than an instance takes to find out that Postgres is away. */
const LOOK_BOUND_MS = 3_000;
const CONNECT_BOUND_MS = 1_000;

interface Backend {
  readonly port: number;
  readonly sockets: Set<Socket>;
  isReady: boolean;
}

/**
 * Spreads connections over servers in turn, and over those only that say they are ready: what deploy/haproxy.cfg does, where there is no haproxy.
 * It knows nothing of HTTP but `/readyz`: streams and blocking queries last as long as they last.
 */
export class LoadBalancer {
  private readonly backends: readonly Backend[];
  private readonly listener: Server;
  private readonly timer: NodeJS.Timeout;
  private turn = 0;

  private constructor(ports: readonly number[]) {
    this.backends = ports.map((port) => ({ port, sockets: new Set(), isReady: true }));
    this.listener = createServer((client) => this.pass(client, this.backends.length));
    this.timer = setInterval(() => void this.look(), LOOK_MS);
  }

  static async start(port: number, backends: readonly number[]): Promise<LoadBalancer> {
    const balancer = new LoadBalancer(backends);
    balancer.listener.listen(port, '127.0.0.1');
    await once(balancer.listener, 'listening');
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    for (const backend of this.backends) for (const socket of backend.sockets) socket.destroy();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private pass(client: Socket, attempts: number): void {
    if (attempts === 0) return void client.destroy();
    const backend = this.next();
    const upstream = connect(backend.port, '127.0.0.1');
    const another = (): void => {
      upstream.destroy();
      this.pass(client, attempts - 1);
    };
    upstream.setTimeout(CONNECT_BOUND_MS, another);
    upstream.once('error', another);
    upstream.once('connect', () => {
      upstream.setTimeout(0);
      upstream.off('error', another);
      const cut = (): void => {
        client.destroy();
        upstream.destroy();
        backend.sockets.delete(upstream);
      };
      backend.sockets.add(upstream);
      for (const socket of [client, upstream]) socket.setNoDelay(true).on('error', cut).on('close', cut);
      client.pipe(upstream).pipe(client);
    });
  }

  /** When none is ready they answer for themselves. */
  private next(): Backend {
    const ready = this.backends.filter((backend) => backend.isReady);
    const candidates = ready.length > 0 ? ready : this.backends;
    return candidates[this.turn++ % candidates.length]!;
  }

  /** Who answers that it is not ready ends what it has; who does not answer at all is cut off. */
  private async look(): Promise<void> {
    await Promise.all(
      this.backends.map(async (backend) => {
        const answer = await fetch(`http://127.0.0.1:${backend.port}/readyz`, {
          signal: AbortSignal.timeout(LOOK_BOUND_MS),
        }).catch(() => undefined);
        backend.isReady = answer?.ok === true;
        if (answer === undefined) for (const socket of backend.sockets) socket.destroy();
      }),
    );
  }
}
