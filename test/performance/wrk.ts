import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reapedMs } from '../support/server-process.js';
import { runLoad, textOf, type Load, type LoadRequest, type LoadResult } from './load.js';

/** A load that all connections send together, one list over and over: who is free takes the next request. */
export interface SharedLoad extends Omit<Load, 'requests'> {
  readonly requests: readonly LoadRequest[];
}

/** Whether wrk is there. */
export const hasWrk = (): boolean => spawnSync('wrk', ['-v'], { stdio: 'ignore' }).error === undefined;

/** By wrk, which takes a fraction of what a generator in Node does; by that one where wrk is not installed. */
export async function runSharedLoad(load: SharedLoad): Promise<LoadResult> {
  if (!hasWrk()) {
    const { connections, requests } = load;
    const shares = Array.from({ length: connections }, (_, i) =>
      requests.filter((_request, n) => n % connections === i),
    );
    return runLoad({ ...load, requests: shares });
  }
  if (load.warmUpMs > 0) await runWrk(load, load.warmUpMs);
  return runWrk(load, load.durationMs);
}

async function runWrk(load: SharedLoad, durationMs: number): Promise<LoadResult> {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-wrk-'));
  try {
    const script = join(directory, 'load.lua');
    writeFileSync(script, scriptOf(load.requests));
    const seconds = Math.max(1, Math.round(durationMs / 1000));
    const arguments_ = ['-t1', `-c${load.connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script];
    const before = reapedMs(process.pid);
    const text = await outputOf('wrk', [...arguments_, `http://127.0.0.1:${load.port}`]);
    const found = /^wrk: (.*)$/m.exec(text);
    if (found === null) throw new Error(`wrk gave no result: ${text}`);
    const [requests, micros, errors, p50, p99] = found[1]!.split(' ').map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      perSecond: requests / (micros / 1e6),
      requests,
      errors,
      p50: p50 / 1000,
      p99: p99 / 1000,
      generatorCpu: (reapedMs(process.pid) - before) / (micros / 1000),
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Lua writes the bytes of a string by their decimal digits. */
function scriptOf(requests: readonly LoadRequest[]): string {
  const escaped = (byte: number): string => `\\${String(byte).padStart(3, '0')}`;
  const texts = requests.map((request) => `"${Array.from(textOf(request), escaped).join('')}"`);
  return `
local requests = {${texts.join(',')}}
local at = 0
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local e = summary.errors
  print(string.format("wrk: %d %d %d %d %d", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
`;
}

function outputOf(command: string, arguments_: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${command} ended with ${code}: ${text}`)),
    );
  });
}
