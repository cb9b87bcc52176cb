import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderDeployment, type DeploymentState } from '@app/domain';
import { streamType } from '@app/kernel';
import { describeWithKafka, startTestKafka, type TestKafka } from '@app/testing';
import { KafkaSink } from './kafka/kafka-sink.js';
import type { KafkaSettings } from './kafka/settings.js';
import { Relay } from './relay.js';
import { messagesOf, settingsFor, until } from './testing/topics.js';
import { WorldLog } from './testing/world-log.js';

jest.setTimeout(180_000);

const ROOT = join(__dirname, '../..');
const KILLS = 4;

describeWithKafka('The example of a consumer', () => {
  let kafka: TestKafka;
  let settings: KafkaSettings;
  let compiled: string;
  let data: string;
  const log = new WorldLog();

  beforeAll(async () => {
    kafka = await startTestKafka();
    settings = settingsFor(kafka.brokers);
    // Within the repository, so that packages are found.
    compiled = mkdtempSync(join(ROOT, 'node_modules/.cache/rollbook-example-'));
    data = mkdtempSync(join(tmpdir(), 'rollbook-example-'));
    const swc = join(ROOT, 'node_modules/@swc/cli/bin/swc.js');
    const options = ['--extensions', '.ts', '--ignore', '**/*.spec.ts', '--quiet'];
    execFileSync(process.execPath, [swc, 'examples', 'libs/consumer', '-d', compiled, ...options], {
      cwd: ROOT,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
  });
  afterAll(async () => {
    await kafka.stop();
    for (const directory of [compiled, data]) rmSync(directory, { recursive: true, force: true });
  });

  const run = (...args: string[]): ChildProcess => {
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      KAFKA_BROKERS: kafka.brokers.join(','),
      KAFKA_PREFIX: settings.prefix,
    };
    const entry = join(compiled, 'examples/consumer/main.js');
    return spawn(process.execPath, [entry, '--file', join(data, 'table.json'), ...args], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  };
  const stored = (): { events: number; deployments: Record<string, unknown> } =>
    JSON.parse(readFileSync(join(data, 'table.json'), 'utf8')) as ReturnType<typeof stored>;

  test('ends with the table that the log has, though it is killed again and again while the log grows', async () => {
    const relay = new Relay({
      store: log,
      sink: new KafkaSink(settings),
      onCommit: log.onCommit,
      metrics: { published: () => undefined, failed: () => undefined },
      onError: () => undefined,
    });
    relay.start();
    log.tell(99, 100);
    await until('there are topics', () => relay.progress.published === log.world.index);
    for (let kill = 0; kill < KILLS; kill++) {
      const example = run();
      const ended = once(example, 'exit');
      log.tell(100 + kill, 60);
      await Promise.race([once(example.stdout!, 'data'), ended]);
      example.kill('SIGKILL');
      await ended;
    }
    await until('all is published', () => relay.progress.published === log.world.index);
    await until('all is visible', async () => (await messagesOf(settings, 'events')).length === log.log.length);
    await relay.stop();
    const [code] = (await once(run('--once'), 'exit')) as [number];
    expect(code).toBe(0);

    const living = log.world
      .streams()
      .filter((stream) => streamType(stream) === 'deployment')
      .map((stream) => log.world.read<DeploymentState>(stream)!)
      .filter((state) => state !== undefined && !state.purged);
    expect(living.length).toBeGreaterThan(0);
    expect(stored().events).toBe(log.log.length);
    expect(stored().deployments).toEqual(
      JSON.parse(JSON.stringify(Object.fromEntries(living.map((state) => [state.id, renderDeployment(state)])))),
    );
  });
});
