import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { METRICS, type MetricDescription } from '@app/platform';
import { parse } from 'yaml';
import { chaosJob } from '../cluster/jobs.js';
import { getJson, Stack, until } from '../cluster/stack.js';
import { repository } from '../support/server-process.js';
import { evaluate, parseExposition, type Sample, type Scrape } from './promql.js';

jest.setTimeout(120_000);

const BOUND_MS = 60_000;
/** Nobody listens there. */
const DEAD_BROKER = '127.0.0.1:1';
const DEAD_RECEIVER = '127.0.0.1:1';
const MEMORY_OF_NO_NODE = 10_000_000;

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const deploy = (file: string): string => readFileSync(join(repository(), 'deploy', file), 'utf8');
const rules = (parse(deploy('alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);
const ruleOf = (alert: string): Rule => rules.find((rule) => rule.alert === alert)!;

describe('Alert rules', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-alerts-'));
  const scrapes: Scrape[] = [];
  let stack: Stack;

  beforeAll(async () => {
    const env = { KAFKA_BROKERS: DEAD_BROKER, ROLLBOOK_WEBHOOK_ALLOW_PRIVATE: 'loopback' };
    stack = await Stack.start({ directory, servers: 2, agents: 1, proxies: true, env });
  });
  afterAll(async () => {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const scrape = async (): Promise<void> => {
    const samples = await Promise.all(
      stack.instances.map(async ({ name, url }): Promise<Sample[]> => {
        const more = { job: 'rollbook', instance: name };
        const up = (value: number): Sample => ({ name: 'up', labels: new Map(Object.entries(more)), value });
        const text = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) }).then(
          (answer) => answer.text(),
          () => undefined,
        );
        return text === undefined ? [up(0)] : [up(1), ...parseExposition(text, more)];
      }),
    );
    scrapes.push({ at: performance.now() / 1000, samples: samples.flat() });
  };
  /** What fires now; `lowered` takes the place of a threshold that is reached in hours only. */
  const firing = (rule: Rule, lowered?: readonly [string, string]): boolean => {
    if (lowered !== undefined) expect(rule.expr).toContain(lowered[0]);
    const expression = lowered === undefined ? rule.expr : rule.expr.replaceAll(...lowered);
    return evaluate(expression, scrapes).length > 0;
  };
  const allFiring = (): string[] => rules.filter((rule) => firing(rule)).map(({ alert }) => alert);
  const untilFiring = (alert: string, lowered?: readonly [string, string]): Promise<void> =>
    until(`${alert} to fire`, BOUND_MS, async () => {
      await scrape();
      return firing(ruleOf(alert), lowered);
    });
  const untilQuiet = (alert: string): Promise<void> =>
    until(`${alert} to be over`, BOUND_MS, async () => {
      scrapes.length = 0;
      await scrape();
      return !firing(ruleOf(alert));
    });
  const put = (path: string, body: object): Promise<Response> =>
    fetch(stack.instances[0]!.url + path, {
      method: 'PUT',
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });

  test('say nothing while all is well', async () => {
    await until('a leader', BOUND_MS, async () => (await stack.leader()) !== undefined);
    await scrape();
    await scrape();
    expect(allFiring()).toEqual([]);
  });

  test('all metrics that a server shows are in the catalogue, and no label has a value from outside', async () => {
    await fetch(`${stack.balancer.url}/v1/no-such-path-${Date.now()}`);
    await fetch(`${stack.balancer.url}/v1/job/no-such-job`);
    const text = await (await fetch(`${stack.instances[0]!.url}/metrics`)).text();
    const shown = [...text.matchAll(/^# TYPE (rollbook_\w+)/gm)].map(([, name]) => name!);
    // These servers have no replica; test/replica reads what is shown of one.
    const expected = Object.entries<MetricDescription>(METRICS).filter(
      ([, { shownBy }]) => shownBy !== 'reader of a replica',
    );
    expect(shown.toSorted()).toEqual(expected.map(([name]) => name).toSorted());
    expect(text).not.toContain('no-such');
  });

  test('tell that Kafka is away while events wait', async () => {
    await untilFiring('RollbookKafkaBehind', ['> 60', '> 0.5']);
    // The lag alone makes it fire while the broker's first refusal is still to come.
    await until('the failing to be known', BOUND_MS, async () => {
      await scrape();
      return evaluate('max(rollbook_relay_failing_seconds) > 0', scrapes).length > 0;
    });
    expect((await put('/v1/jobs', { Job: chaosJob('waits', 'a') })).status).toBe(200);
    await until('the lag to be known', BOUND_MS, async () => {
      await scrape();
      return evaluate('max(rollbook_relay_lag_seconds) > 0', scrapes).length > 0;
    });
  });

  test('tell that a webhook takes nothing, and that events became dead letters', async () => {
    const url = '/v1/operator/rollbook/webhooks/dead';
    expect((await put(url, { URL: `http://${DEAD_RECEIVER}/`, MaxAttempts: 2 })).status).toBe(200);
    expect((await put('/v1/jobs', { Job: chaosJob('untold', 'a') })).status).toBe(200);
    await untilFiring('RollbookWebhookFails', ['> 900', '> 0']);
    await untilFiring('RollbookDeadLetters');
    await fetch(stack.instances[0]!.url + url, { method: 'DELETE', signal: AbortSignal.timeout(20_000) });
    await untilQuiet('RollbookDeadLetters');
  });

  test('tell that a deployment waits for its promotion', async () => {
    const again = chaosJob('waits', 'c');
    await until(
      'the first version to be placed',
      BOUND_MS,
      async () => (await getJson<object[]>(`${stack.balancer.url}/v1/job/waits/allocations`)).length >= 2,
    );
    const { ID } = await getJson<{ ID: string }>(`${stack.balancer.url}/v1/job/waits/deployment`);
    const ids = (await getJson<{ ID: string }[]>(`${stack.balancer.url}/v1/job/waits/allocations`)).map(
      (one) => one.ID,
    );
    await put(`/v1/deployment/allocation-health/${ID}`, { DeploymentID: ID, HealthyAllocationIDs: ids });
    await put('/v1/jobs', { Job: again });
    await untilFiring('RollbookDeploymentWaits', ['> 86400', '> 0']);
  });

  test('tell that evaluations wait for room', async () => {
    const job = chaosJob('too-large', 'a') as { TaskGroups: { Tasks: { Resources: object }[] }[] };
    job.TaskGroups[0]!.Tasks[0]!.Resources = { CPU: 10, MemoryMB: MEMORY_OF_NO_NODE };
    await put('/v1/jobs', { Job: job });
    await untilFiring('RollbookNoRoom');
    expect(evaluate('sum(rollbook_placements_failed_total) > 0', scrapes)).toHaveLength(1);
  });

  test('tell that a server does not follow the log, and that one is gone', async () => {
    // Missed only after half a minute: see below.
    await stack.agents[0]!.end('SIGKILL');
    const [first, second] = stack.instances;
    const leader = (await stack.leader())!;
    const other = leader === first ? second! : first!;
    const cutOff = other.proxy!.refuse(10_000);
    await fetch(`${leader.url}/v1/jobs`, { method: 'PUT', body: JSON.stringify({ Job: chaosJob('unseen', 'a') }) });
    await untilFiring('RollbookServerBehind', ['> 100', '> 0']);
    await cutOff;
    await untilQuiet('RollbookServerBehind');
    await other.child.end('SIGKILL');
    await untilFiring('RollbookServerDown');
    await other.ready();
    await untilQuiet('RollbookServerDown');
  });

  test('tell that nodes are down, that Postgres is, and that requests fail then', async () => {
    await untilFiring('RollbookNodesDown');
    stack.postgres!.kill();
    scrapes.length = 0;
    for (const _ of [1, 2]) {
      expect((await put('/v1/jobs', { Job: chaosJob('refused', 'a') })).status).toBe(503);
      await scrape();
    }
    await untilFiring('RollbookServerErrors', ['> 0.1', '> 0']);
    await untilFiring('RollbookDatabaseAway', ['> 15', '> 5']);
    await stack.postgres!.restart();
    await untilQuiet('RollbookDatabaseAway');
  });

  test('tell that nobody leads, once no server is left that might', async () => {
    await Promise.all(stack.instances.map(({ child }) => child.end('SIGKILL')));
    await untilFiring('RollbookNoLeader');
  });

  test.each([
    ['RollbookOverloaded', 'rollbook_commands_overloaded_total 0', 'rollbook_commands_overloaded_total 3'],
    [
      'RollbookSlowAppends',
      'rollbook_append_seconds_bucket{le="0.5"} 0\nrollbook_append_seconds_bucket{le="5"} 0\nrollbook_append_seconds_bucket{le="+Inf"} 0',
      'rollbook_append_seconds_bucket{le="0.5"} 98\nrollbook_append_seconds_bucket{le="5"} 100\nrollbook_append_seconds_bucket{le="+Inf"} 100',
    ],
    [
      'RollbookEvaluationsFail',
      'rollbook_scheduler_evaluations_failed_total 0',
      'rollbook_scheduler_evaluations_failed_total 1',
    ],
  ])('%s fires on what the metric shows then; its own tests break what it counts', (alert, before, after) => {
    const at = (seconds: number, text: string): Scrape => ({ at: seconds, samples: parseExposition(text, {}) });
    const { expr } = ruleOf(alert);
    expect(evaluate(expr, [at(0, before), at(60, before)])).toEqual([]);
    expect(evaluate(expr, [at(0, before), at(60, after)])).toHaveLength(1);
  });

  test('are each tried above', () => {
    const source = readFileSync(__filename, 'utf8');
    expect(rules.filter(({ alert }) => !source.includes(`'${alert}'`))).toEqual([]);
  });
});
