import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/server-process.js';
import type { Observation } from './client.js';
import type { LogFacts } from './log-facts.js';

const OUTPUT_BYTES = 64 * 1024 * 1024;
const REFUSED_AS_ENDED = /terminal deployment/;

/** Checks with porcupine (Go) that what clients were told of each deployment agrees with the log's order and with real time. */
export function checkLinearizability(
  observations: readonly Observation[],
  facts: LogFacts,
  /** Where the histories are kept, to be looked at by `go run . < FILE` in test/cluster/porcupine. */
  file: string,
):
  | { readonly skipped: string }
  | { readonly histories: number; readonly operations: number; readonly violations: readonly string[] } {
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
  const text = JSON.stringify(histories);
  writeFileSync(file, text);
  const checker = `${file}.checker`;
  const cwd = join(repository(), 'test/cluster/porcupine');
  const { status: unbuilt, stderr } = spawnSync('go', ['build', '-o', checker, '.'], { cwd, encoding: 'utf8' });
  if (unbuilt !== 0) return { skipped: `porcupine cannot be built: ${stderr.trim()}` };
  const run = spawnSync(checker, { input: text, encoding: 'utf8', maxBuffer: OUTPUT_BYTES });
  const violations = run.stdout.split('\n').filter(Boolean);
  // A checker that fails has shown nothing.
  if (run.status !== 0 && violations.length === 0) violations.push(`porcupine ended with ${run.status}: ${run.stderr}`);
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
      return { ...times, kind: 'write', index: outcome.index, status: '' };
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
