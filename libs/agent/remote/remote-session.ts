import { request, type ClientRequest } from 'node:http';
import { request as requestTls } from 'node:https';
import type { Duplex } from 'node:stream';
import { serveSession, YamuxSession, type Methods } from '@app/nomad-rpc';
import { RETRY_FIRST_MS, RETRY_MAX_MS } from '../limits.js';
import { textOf, type AgentLog } from '../log.js';
import type { ServerTls } from '../server-client.js';
import { backOff, type Timers } from '../timers.js';

const PROTOCOL = 'rollbook-session';
const CONNECT_MS = 10_000;

export interface RemoteSessionOptions {
  readonly serverAddress: string;
  readonly nodeId: string;
  readonly secret: string;
  readonly methods: Methods<undefined>;
  readonly timers: Timers;
  readonly random: () => number;
  readonly log: AgentLog;
  /** Certificates for an address that begins with https. */
  readonly tls?: ServerTls | undefined;
}

/**
 * Keeps a connection open on which servers can call the agent: for logs, files, exec and statistics. The agent dials it, through whatever
 * stands before the servers; when it breaks, it is dialled again.
 */
export class RemoteSession {
  private session: YamuxSession | undefined;
  private stopped = false;

  constructor(private readonly options: RemoteSessionOptions) {}

  /** Runs until it is stopped. Never rejects. */
  async run(): Promise<void> {
    for (let attempt = 0; !this.stopped;) {
      try {
        const socket = await this.dial();
        attempt = 0;
        await this.serve(socket);
      } catch (error) {
        if (this.stopped) return;
        this.options.log.warn({ error: textOf(error) }, 'servers cannot call this agent, trying again');
      }
      if (!this.stopped)
        await this.options.timers.atMost(backOff(attempt++, RETRY_FIRST_MS, RETRY_MAX_MS, this.options.random));
    }
  }

  stop(): void {
    this.stopped = true;
    this.session?.close();
  }

  private serve(socket: Duplex): Promise<void> {
    return new Promise((resolve) => {
      this.session = new YamuxSession(socket, {
        role: 'dialler',
        onStream: (stream) =>
          void serveSession(stream, this.options.methods, undefined, (error) =>
            this.options.log.warn({ error: textOf(error) }, 'a call of a server ended badly'),
          ),
        onClose: () => resolve(),
      });
      if (this.stopped) this.session.close();
    });
  }

  private dial(): Promise<Duplex> {
    const { serverAddress, nodeId, secret, tls } = this.options;
    const url = new URL(`/agent/v1/node/${nodeId}/session`, serverAddress);
    const headers = { Authorization: `Bearer ${secret}`, Connection: 'Upgrade', Upgrade: PROTOCOL };
    return new Promise((resolve, reject) => {
      const asked: ClientRequest =
        url.protocol === 'https:'
          ? requestTls(url, { headers, timeout: CONNECT_MS, ...tls })
          : request(url, { headers, timeout: CONNECT_MS });
      asked.once('upgrade', (_response, socket, head) => {
        socket.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      asked.once('response', (response) => {
        response.resume();
        reject(new Error(`the server answered with ${response.statusCode}`));
      });
      asked.once('timeout', () => asked.destroy(new Error('the server does not answer')));
      asked.once('error', reject);
      asked.end();
    });
  }
}
