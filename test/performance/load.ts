import { fork } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { readAnswers } from './answers.js';

/*
 * A closed-loop HTTP/1.1 load generator that costs as little as it can: prepared requests over raw sockets, one outstanding on each connection.
 * It runs in a process of its own, so that only the machine's cores are shared with the server.
 */

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** Each connection sends its own list, over and over. */
  readonly requests: readonly (readonly LoadRequest[])[];
}
export interface LoadRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  /** Secret of a token. */
  readonly token?: string;
}
export interface LoadResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Share of one core that the generator itself used. */
  readonly generatorCpu: number;
}

/** Runs a load in a child process. */
export function runLoad(load: Load): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    child.once('message', (result) => resolve(result as LoadResult));
    child.once('error', reject);
    child.once('exit', (code) => code !== 0 && reject(new Error(`the load generator ended with ${code}`)));
    child.send(load);
  });
}

/** A request as it goes over the wire. */
export const textOf = ({ method, path, body, token }: LoadRequest): Buffer => {
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...(token === undefined ? [] : [`X-Nomad-Token: ${token}`]),
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`);
};

async function generate(load: Load): Promise<LoadResult> {
  const started = performance.now();
  const from = started + load.warmUpMs;
  const until = from + load.durationMs;
  const latencies: number[] = [];
  let errors = 0;
  const cpu = process.cpuUsage();
  const note = (sentAt: number, ok: boolean): void => {
    if (sentAt < from) return;
    latencies.push(performance.now() - sentAt);
    if (!ok) errors++;
  };
  await Promise.all(
    Array.from({ length: load.connections }, (_, i) =>
      drive(connect(load.port, '127.0.0.1'), load.requests[i % load.requests.length]!.map(textOf), until, note),
    ),
  );
  const used = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
  return {
    perSecond: (latencies.length / load.durationMs) * 1000,
    requests: latencies.length,
    errors,
    p50: at(0.5),
    p99: at(0.99),
    generatorCpu: (used.user + used.system) / 1000 / (performance.now() - started),
  };
}

/** Sends one request after the other on a connection; an answer ends where its Content-Length says. */
function drive(
  socket: Socket,
  requests: readonly Buffer[],
  until: number,
  note: (sentAt: number, ok: boolean) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let sentAt = 0;
    const send = (): void => {
      sentAt = performance.now();
      if (sentAt >= until) {
        socket.end();
        return resolve();
      }
      socket.write(requests[next++ % requests.length]!);
    };
    socket.setNoDelay(true);
    socket.on('connect', send);
    const answered = (head: string): void => {
      note(sentAt, head.startsWith('HTTP/1.1 200'));
      send();
    };
    readAnswers(socket, answered, reject);
  });
}

if (process.argv[1] === __filename) {
  process.once('message', (load) => {
    void generate(load as Load).then((result) => {
      process.send!(result, () => process.exit(0));
    });
  });
}
