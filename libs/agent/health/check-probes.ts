import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { MAX_CHECK_OUTPUT_BYTES } from '../limits.js';
import type { CheckStatus } from './health-rules.js';

/* One look at a service, for each kind of check. None of them rejects: what goes wrong is critical. */

export interface Address {
  readonly host: string;
  readonly port: number;
}
export interface HttpProbe extends Address {
  readonly protocol: 'http' | 'https';
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  readonly skipsVerification: boolean;
}
export interface ScriptProbe {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

const dispatchers = new Map<boolean, Dispatcher>();
/** Connections of checks are not kept: a check is to see what a new visitor sees. */
function dispatcherFor(skipsVerification: boolean): Dispatcher {
  let dispatcher = dispatchers.get(skipsVerification);
  if (!dispatcher) {
    dispatcher = new Agent({ pipelining: 0, connect: { rejectUnauthorized: !skipsVerification } });
    dispatchers.set(skipsVerification, dispatcher);
  }
  return dispatcher;
}

/** Any 2xx answer passes. */
export async function probeHttp(probe: HttpProbe, timeoutMs: number): Promise<CheckStatus> {
  try {
    const host = probe.host.includes(':') ? `[${probe.host}]` : probe.host;
    const answer = await request(new URL(probe.path, `${probe.protocol}://${host}:${probe.port}`), {
      method: probe.method,
      headers: Object.fromEntries(Object.entries(probe.headers).map(([name, values]) => [name, [...values]])),
      ...(probe.body && { body: probe.body }),
      dispatcher: dispatcherFor(probe.skipsVerification),
      signal: AbortSignal.timeout(timeoutMs),
    });
    await answer.body.dump();
    return answer.statusCode >= 200 && answer.statusCode < 300 ? 'passing' : 'critical';
  } catch {
    return 'critical';
  }
}

/** A connection that is accepted passes. */
export function probeTcp(address: Address, timeoutMs: number): Promise<CheckStatus> {
  const { promise, resolve } = Promise.withResolvers<CheckStatus>();
  const socket = connect({ host: address.host, port: address.port, timeout: timeoutMs });
  const end = (status: CheckStatus): void => {
    socket.destroy();
    resolve(status);
  };
  socket.once('connect', () => end('passing'));
  socket.once('timeout', () => end('critical'));
  socket.once('error', () => end('critical'));
  return promise;
}

/** Exit code 0 passes, 1 warns, anything else is critical. */
export function probeScript(probe: ScriptProbe, timeoutMs: number): Promise<CheckStatus> {
  const { promise, resolve } = Promise.withResolvers<CheckStatus>();
  const options = {
    cwd: probe.cwd,
    env: { ...probe.env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_CHECK_OUTPUT_BYTES,
  } as const;
  execFile(probe.command, [...probe.args], options, (error) => {
    if (error === null) resolve('passing');
    else resolve(error.code === 1 ? 'warning' : 'critical');
  });
  return promise;
}
