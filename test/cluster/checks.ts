import { join } from 'node:path';
import { aggregates, verify } from '@app/read-models';
import type { Arena } from './client.js';
import { checkConsumer } from './consumer-check.js';
import { checkKafka } from './kafka-check.js';
import type { LeaseWatch } from './lease-watch.js';
import { checkLinearizability } from './linearizability.js';
import { checkFollower, type StreamFollower } from './stream-follower.js';
import type { ClientFleet } from './client-fleet.js';
import { LogFacts } from './log-facts.js';
import { getJson, until, type Stack } from './stack.js';

const SETTLE_MS = 30_000;
const SHOWN = 20;

/** One thing that must hold after the faults. `problems` empty: it does. */
export interface Verdict {
  readonly name: string;
  readonly detail: string;
  readonly problems: readonly string[];
  readonly skipped?: boolean;
}

/** Judges a run, once everything runs again and nobody writes any more. */
export async function judge(
  stack: Stack,
  arena: Arena,
  leases: LeaseWatch,
  followers: readonly StreamFollower[],
  fleet: ClientFleet,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const add = (name: string, detail: string, problems: readonly string[], skipped = false): void => {
    verdicts.push({ name, detail, problems, ...(skipped && { skipped }) });
  };
  const facts = await LogFacts.read(stack.databaseUrl());
  const writes = arena.observations.filter(({ kind }) => kind === 'write');
  const accepted = writes.flatMap(({ outcome, ...write }) =>
    outcome.kind === 'accepted' ? [{ ...write, index: outcome.index }] : [],
  );

  add('clients saw nothing that must not be', `${arena.observations.length} requests`, arena.violations);
  add(
    'no request hung',
    '',
    arena.latencies.map(({ afterMs, text }) => `${text}: no answer after ${afterMs.toFixed(0)} ms`),
  );
  add('the log has no hole', `${facts.events} events in ${facts.head} commits`, facts.problems);
  add(
    'every acknowledged write is in the log',
    `${accepted.length} writes`,
    accepted
      .filter(({ requestId, index }) => !facts.indexesOf(requestId).includes(index))
      .map(
        ({ name, requestId, index }) =>
          `${name} ${requestId} was answered with index ${index}; the log has ${facts.indexesOf(requestId).join(', ') || 'nothing'}`,
      ),
  );
  const repeated = writes.filter(({ attempts }) => attempts > 1).length;
  add(
    'none took effect twice',
    `${repeated} were repeated with their key`,
    [...facts.requests]
      .filter(([, indexes]) => indexes.length > 1)
      .map(([id, indexes]) => `${id} made the commits ${indexes.join(', ')}`),
  );
  add(
    'no refused write took effect',
    `${writes.filter(({ outcome }) => outcome.kind === 'refused').length} refusals`,
    writes
      .filter(({ outcome, requestId }) => outcome.kind === 'refused' && facts.indexesOf(requestId).length > 0)
      .map(
        ({ name, requestId, outcome }) =>
          `${name} ${requestId} was refused (${'text' in outcome ? outcome.text : ''}), and is in the log`,
      ),
  );
  add('only the holder of the lease wrote as the scheduler', `${leases.epochs} terms`, leases.trespasses(facts));
  const reads = arena.observations.flatMap(({ deployment, outcome }) =>
    deployment !== undefined && outcome.kind === 'seen' ? [{ deployment, ...outcome }] : [],
  );
  add(
    'every read showed a deployment as the log has it at that index',
    `${reads.length} reads`,
    reads
      .filter(({ deployment, index, digest }) => facts.versionAt(deployment, index)?.digest !== digest)
      .map(({ deployment, index, status }) => `deployment ${deployment} was shown as ${status} at index ${index}`),
  );
  const linearizable = checkLinearizability(arena.observations, facts, join(stack.options.directory, 'histories.json'));
  if ('skipped' in linearizable) add('each deployment is linearizable', `SKIPPED: ${linearizable.skipped}`, [], true);
  else
    add(
      'each deployment is linearizable',
      `${linearizable.histories} histories, ${linearizable.operations} operations`,
      linearizable.violations,
    );

  const differences: string[] = [];
  const { streams, rows } = await verify({
    url: stack.databaseUrl(),
    aggregates,
    onDifference: (sentence) => differences.push(sentence),
  });
  add('rows equal the fold of the log', `${streams} streams, ${rows} rows`, differences);
  add('all instances answer alike', `${stack.instances.length} instances`, await instancesDiffer(stack));
  for (const [i, follower] of followers.entries()) {
    const { detail, problems } = await checkFollower(follower, stack.balancer.url, facts);
    add(`follower ${i} of the event stream got every commit once, in order`, detail, problems);
  }
  add('client agents lost nothing, and no server told them wrong', fleet.size, await fleet.suffered(facts));
  if (stack.kafka === undefined) add('Kafka equals the log', 'SKIPPED: there is no Kafka', [], true);
  else {
    const { records, events, objects, latest } = await checkKafka(stack);
    add('Kafka equals the log, in order, without a double', `${records} records`, events);
    add('the latest-state topics end with the last states', `${objects} objects`, latest);
  }
  const file = stack.options.consumerFile;
  if (stack.consumer === undefined || file === undefined)
    add('the consumer’s table equals the API', 'SKIPPED: there is no Kafka to consume from', [], true);
  else {
    const { deployments, events, problems } = await checkConsumer(stack, file);
    add('the consumer’s table equals the API', `${deployments} deployments from ${events} events`, problems);
  }
  return verdicts;
}

/** The same lists and their indexes from all instances; work of the scheduler may still be going on for a while. */
async function instancesDiffer(stack: Stack): Promise<string[]> {
  let differing: string[] = [];
  const paths = ['/v1/deployments', '/v1/allocations', '/v1/jobs', '/v1/evaluations'];
  await until('equal answers', SETTLE_MS, async () => {
    differing = [];
    for (const path of paths) {
      const answers = await Promise.all(
        stack.instances.map(async ({ url }) => JSON.stringify(await getJson(url + path))),
      );
      if (new Set(answers).size > 1) differing.push(`${path} differs between instances`);
    }
    return differing.length === 0;
  }).catch(() => undefined);
  return differing;
}

/** Prints verdicts; false if one was bad. */
export function printVerdicts(verdicts: readonly Verdict[], print: (line: string) => void): boolean {
  for (const { name, detail, problems, skipped } of verdicts) {
    print(
      `${skipped ? 'SKIPPED' : problems.length === 0 ? 'ok     ' : 'FAILED '}  ${name}${detail === '' ? '' : ` (${detail})`}`,
    );
    for (const problem of problems.slice(0, SHOWN)) print(`           ${problem}`);
    if (problems.length > SHOWN) print(`           … and ${problems.length - SHOWN} more`);
  }
  return verdicts.every(({ problems }) => problems.length === 0);
}
