import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { repository } from '../support/server-process.js';

/** What somebody outside got to see, and what of it is meant for that one. */
export interface Output {
  readonly name: string;
  readonly bytes: Buffer;
  /** Names of secrets that it is there to tell. */
  readonly due: readonly string[];
}

export interface Asked {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly due?: readonly string[];
}

/** A client that keeps every answer whole: its headers, and its body. */
export class RecordingClient {
  readonly outputs: Output[] = [];

  constructor(private readonly url: string) {}

  async ask(method: string, path: string, { token, body, headers, due = [] }: Asked = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { ...(token !== undefined && { 'X-Nomad-Token': token }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const shown = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
    const name = `the answer (${answer.status}) to ${method} ${path.slice(0, 200)}`;
    this.outputs.push({ name, bytes: Buffer.concat([Buffer.from(`${shown}\n\n`), bytes]), due });
    return { status: answer.status, text: bytes.toString() };
  }

  /** @throws Error unless it is answered with 200 */
  async must<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
    const { status, text } = await this.ask(method, path, asked);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as T;
  }
}

/** Where webhooks are received. */
export const HOOK = '/hook';

/** A collector of traces, and what webhooks are sent to: it keeps whatever comes. */
export async function startCollector(): Promise<{ url: string; told: () => Buffer; close: () => void }> {
  const chunks: Buffer[] = [];
  const server = createServer((request, response) => {
    // Traces come with the collector's own key.
    if (request.url === HOOK) chunks.push(Buffer.from(JSON.stringify(request.headers)));
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.setHeader('Content-Type', 'application/json').end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}`, told: () => Buffer.concat(chunks), close };
}

/** A command of `ops`, to its end. */
export function ops(args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ code: number | null; said: Buffer }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(repository(), 'dist/apps/ops/main.js'), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', (code) => resolve({ code, said: Buffer.concat(chunks) }));
  });
}

const ZSTD = Buffer.from('28b52ffd', 'hex');
const unpacked = (bytes: Buffer): Buffer =>
  bytes.subarray(0, ZSTD.length).equals(ZSTD) ? zstdDecompressSync(bytes) : bytes;

/** Every file below a directory, unpacked, one after the other. */
export const filesBelow = (directory: string): Buffer =>
  Buffer.concat(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => unpacked(readFileSync(join(entry.parentPath, entry.name)))),
  );

/** How processes were started, as everybody on the machine sees it: these, and all that came of them. Linux only. */
export function commandLines(pids: readonly number[]): string {
  const wanted = new Set(pids);
  let lines = '';
  for (const pid of readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b))
    try {
      const parent = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);
      if (!wanted.has(pid) && !wanted.has(parent)) continue;
      wanted.add(pid);
      lines += `${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}\n`;
    } catch {
      // It has ended meanwhile.
    }
  return lines;
}
