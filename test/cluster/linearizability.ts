import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { repository } from '../support/server-process.js';
import type { Observation } from './client.js';
import type { LogFacts } from './log-facts.js';

const REFUSED_AS_ENDED = /terminal deployment/;

/** Checks with porcupine (Go) that what clients were told of each deployment agrees with the log's order and with real time. */
export async function checkLinearizability(
  observations: readonly Observation[],
  facts: LogFacts,
  /** Where the histories are kept, to be looked at by `go run . < FILE`. */
  file: string,
): Promise<
  | { readonly skipped: string }
  | { readonly histories: number; readonly operations: number; readonly violations: readonly string[] }
> {
  if (spawnSync('go', ['version']).status !== 0) return { skipped: 'there is no Go to run porcupine with' };
  const opsOf = new Map<string, object[]>();
  let operations = 0;
  for (const observation of observations) {
    const op = observation.deployment === undefined ? undefined : operationOf(observation, facts);
    if (op === undefined) continue;
    const ops = opsOf.get(observation.deployment!) ?? [];
    ops.push(op);
    opsOf.set(observation.deployment!, ops);
    operations++;
  }
  const histories = [...opsOf].map(([id, ops]) => ({ id, versions: facts.versionsOf(id), ops }));
  const child = spawn('go', ['run', '.'], {
    cwd: join(repository(), 'test/cluster/porcupine'),
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const text = JSON.stringify(histories);
  writeFileSync(file, text);
  child.stdin.end(text);
  const [code] = (await once(child, 'close')) as [number | null];
  const violations = output.split('\n').filter(Boolean);
  if (code !== 0 && violations.length === 0)
    return { skipped: `porcupine cannot be built (go run ended with ${code})` };
  return { histories: histories.length, operations, violations: violations.map((line) => `not linearizable: ${line}`) };
}

/** The model's view of an observation; undefined: it says nothing about the deployment. */
function operationOf(
  { client, kind, requestId, call, done, outcome }: Observation,
  facts: LogFacts,
): object | undefined {
  const times = { client, call: Math.floor(call), done: done === undefined ? 0 : Math.ceil(done) };
  if (kind === 'read')
    return outcome.kind === 'seen'
      ? { ...times, kind: 'read', index: outcome.index, status: outcome.status }
      : undefined;
  switch (outcome.kind) {
    case 'accepted':
      return outcome.index === 0 ? undefined : { ...times, kind: 'write', index: outcome.index, status: '' };
    case 'refused':
      return REFUSED_AS_ENDED.test(outcome.text) ? { ...times, kind: 'ended', index: 0, status: '' } : undefined;
    case 'unknown': {
      const index = facts.indexesOf(requestId)[0];
      return index === undefined ? undefined : { ...times, kind: 'write', index, status: '' };
    }
    case 'seen':
      return undefined;
  }
}
