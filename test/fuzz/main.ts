import { spawn } from 'node:child_process';
import { Agent, request as send } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeDescription } from '@app/testing';
import { Random } from '../cluster/random.js';
import { repository, startServerProcess, type ServerProcess } from '../support/server-process.js';
import { requestOf, type FuzzNode, type FuzzRequest, type Known } from './requests.js';

const JOIN_TOKEN = 'the join token of the fuzzer';
const JOIN_HEADER = JOIN_TOKEN.replaceAll(' ', '-');
const NODES = 3;
/** Longer than anything may take; waiting queries ask for less. */
const HANG_MS = 15_000;
const ENDLESS = /^\/v1\/(?:event\/stream|agent\/monitor|client\/fs\/(?:logs|stream))/;
/** A stream that says nothing for so long has begun, and has nothing to say. */
const STREAM_MS = 500;
/** A body that is longer may still be on its way when its request has been refused and cut off. */
const UNREAD_BYTES = 65_536;
const REFRESH_EVERY = 40;
const MAX_FAULTS = 20;

interface Answer {
  readonly status: number;
  readonly text: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/** @throws Error when there is no answer in time, or the connection breaks. */
function ask(port: number, { method, path, headers, body }: FuzzRequest): Promise<Answer> {
  const isEndless = ENDLESS.test(path);
  return new Promise((resolve, reject) => {
    const outgoing = send(
      { agent, port, host: '127.0.0.1', method, path, headers, timeout: isEndless ? STREAM_MS : HANG_MS },
      (incoming) => {
        const chunks: Buffer[] = [];
        // Streams have no end of their own: that they begin is their answer.
        if (isEndless && incoming.statusCode === 200) {
          resolve({ status: 200, text: '' });
          return void incoming.on('error', () => undefined).destroy();
        }
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      },
    );
    outgoing.on('timeout', () => {
      if (isEndless) resolve({ status: 200, text: '' });
      outgoing.destroy(new Error(`no answer within ${HANG_MS} ms`));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/**
 * A server that refuses a request before its body has come closes the connection; that may reach this end only with the next request. A request that
 * ends a server fails again on a connection of its own.
 */
const askTwice = (port: number, request: FuzzRequest): Promise<Answer> =>
  ask(port, request).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
    return ask(port, { ...request, headers: { ...request.headers, connection: 'close' } });
  });

/** What the specification has no answer for: an error that nobody foresaw, and every 5xx but Nomad's own 500s and what is not served. */
function faultOf({ status, text }: Answer, method: string): string | undefined {
  if (status < 500 || status === 501) return undefined;
  // Without a body nobody sees which 500 it was; what was unforeseen is in the log.
  if (status === 500 && method === 'HEAD') return undefined;
  if (status === 500 && text !== '' && !text.startsWith('internal error')) return undefined;
  return `${status} ${text.slice(0, 200)}`;
}

class Fuzzer {
  readonly faults: string[] = [];
  private readonly statuses = new Map<number, number>();
  private readonly known: Known = { jobs: [], deployments: [], allocations: [], evaluations: [], nodes: [] };

  constructor(
    private readonly server: ServerProcess,
    private readonly random: Random,
  ) {}

  async run(requests: number): Promise<void> {
    await this.registerNodes();
    for (let n = 0; n < requests && this.faults.length < MAX_FAULTS; n++) {
      if (n % REFRESH_EVERY === 0) await this.refresh();
      const request = requestOf(this.random, this.known, JOIN_HEADER);
      try {
        const answer = await askTwice(this.server.port, request);
        this.statuses.set(answer.status, (this.statuses.get(answer.status) ?? 0) + 1);
        const fault = faultOf(answer, request.method);
        if (fault !== undefined) this.note(n, request, fault);
      } catch (error) {
        if (!isOddHttp(error, request.body)) this.note(n, request, (error as Error).message);
      }
      if (this.server.process.exitCode !== null) return this.note(n, request, 'the server has ended');
    }
    const ready = await askTwice(this.server.port, { method: 'GET', path: '/readyz', headers: {}, body: undefined });
    if (ready.status !== 200) this.faults.push(`after all it is not ready: ${ready.status} ${ready.text}`);
  }

  describe(): string {
    return [...this.statuses]
      .toSorted(([a], [b]) => a - b)
      .map(([status, count]) => `${count} × ${status}`)
      .join(', ');
  }

  private note(n: number, { method, path, headers, body }: FuzzRequest, fault: string): void {
    const shown = JSON.stringify({ headers, body: body?.toString('utf8').slice(0, 3_000) });
    this.faults.push(`request ${n}: ${fault}\n    ${method} ${path.slice(0, 500)}\n    ${shown}`);
  }

  private async registerNodes(): Promise<void> {
    for (let n = 0; n < NODES; n++) {
      const node: FuzzNode = { id: this.random.uuid(), secret: `${this.random.uuid()}`, allocations: [] };
      this.known.nodes.push(node);
      const body = Buffer.from(JSON.stringify({ Node: nodeDescription(node.id), SecretID: node.secret }));
      const headers = { 'x-rollbook-join-token': JOIN_HEADER, authorization: `Bearer ${node.secret}` };
      await askTwice(this.server.port, { method: 'PUT', path: '/agent/v1/node', headers, body });
    }
  }

  /** Looks at what there is by now, and keeps the nodes alive. */
  private async refresh(): Promise<void> {
    const { known } = this;
    for (const node of known.nodes) {
      const headers = { authorization: `Bearer ${node.secret}` };
      const path = `/agent/v1/node/${node.id}/heartbeat`;
      await askTwice(this.server.port, { method: 'PUT', path, headers, body: Buffer.from('{"Status":"ready"}') });
    }
    known.jobs.splice(0, Infinity, ...(await this.ids('/v1/jobs?namespace=*&per_page=50')));
    known.deployments.splice(0, Infinity, ...(await this.ids('/v1/deployments?namespace=*&per_page=20&reverse=true')));
    known.evaluations.splice(0, Infinity, ...(await this.ids('/v1/evaluations?namespace=*&per_page=20&reverse=true')));
    const allocations = await this.list('/v1/allocations?namespace=*&per_page=50&reverse=true');
    known.allocations.splice(0, Infinity, ...allocations.map(({ ID }) => ID));
    for (const node of known.nodes)
      node.allocations.splice(
        0,
        Infinity,
        ...allocations.filter(({ NodeID }) => NodeID === node.id).map(({ ID }) => ID),
      );
  }

  private async list(path: string): Promise<{ readonly ID: string; readonly NodeID?: string }[]> {
    const answer = await askTwice(this.server.port, { method: 'GET', path, headers: {}, body: undefined });
    if (answer.status === 200) return JSON.parse(answer.text) as { ID: string }[];
    this.faults.push(`${path} is answered ${answer.status} ${answer.text.slice(0, 200)}`);
    return [];
  }

  private readonly ids = async (path: string): Promise<string[]> => (await this.list(path)).map(({ ID }) => ID);
}

/** Node's client refuses some of what is drawn before it is sent, and a server may cut off a body that it will not read. */
function isOddHttp(error: unknown, body: Buffer | undefined): boolean {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET') return (body?.length ?? 0) > UNREAD_BYTES;
  return /^(HPE_|ERR_INVALID_CHAR|ERR_UNESCAPED_CHARACTERS|EPIPE)/.test(code);
}

/** `ops verify` on the running server's log. */
function verify({ dataDir }: ServerProcess): Promise<{ readonly isGood: boolean; readonly text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(repository(), 'dist/apps/ops/main.js'), 'verify'], {
      env: { ...process.env, ROLLBOOK_DATA_DIR: dataDir },
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
    child.on('close', (code) => resolve({ isGood: code === 0, text: text.trim() }));
  });
}

/** `npm run test:fuzz -- --requests 2000 --seed 7`: mutated requests to every route of a server of its own. The exit code tells whether all was well. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { requests: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
  });
  const [requests, seed] = [Number(values.requests), Number(values.seed)];
  if (!Number.isSafeInteger(requests) || requests < 1 || !Number.isSafeInteger(seed))
    throw new Error('--requests and --seed must be whole numbers');
  const said = (text: string): boolean => process.stdout.write(`${text}\n`);
  let log = '';
  const server = await startServerProcess({
    env: { ROLLBOOK_JOIN_TOKEN: JOIN_HEADER, ROLLBOOK_LOG_LEVEL: 'error' },
    onLog: (text) => (log += text),
  });
  const begin = performance.now();
  try {
    const fuzzer = new Fuzzer(server, new Random(seed));
    await fuzzer.run(requests);
    const { isGood, text } = await verify(server);
    const faults = [...fuzzer.faults];
    if (!isGood) faults.push(`the log and what is made of it differ: ${text}`);
    for (const line of log.split('\n').filter((one) => /a fault that nobody caught|a request failed/.test(one)))
      faults.push(line);
    for (const fault of faults) said(fault);
    if (faults.length > 0) said(log.slice(-20_000));
    said(
      `${requests} requests, seed ${seed}, ${((performance.now() - begin) / 1000).toFixed(1)} s: ${fuzzer.describe()}`,
    );
    said(`${text.split('\n').at(-1)}; ${faults.length} faults`);
    process.exitCode = faults.length > 0 ? 1 : 0;
  } finally {
    agent.destroy();
    await server.stop();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
