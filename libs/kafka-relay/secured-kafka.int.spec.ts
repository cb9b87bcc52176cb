import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import { loadConfiguration } from '@app/platform';
import { describeWithKafkaJars, jobSpec, registered, startSecuredKafka, type SecuredKafka } from '@app/testing';
import { repository, startServerProcess } from '../../test/support/server-process.js';
import { kafkaSettings } from './kafka/given-settings.js';
import { KafkaSink } from './kafka/kafka-sink.js';
import { Relay } from './relay.js';
import { ConsumerExample } from './testing/consumer-example.js';
import { until } from './testing/topics.js';
import { WorldLog } from './testing/world-log.js';

jest.setTimeout(60_000);

const ROOT = repository();
const SERVER = join(ROOT, 'dist/apps/server/main.js');
const JOB = join(ROOT, 'examples/demo.json');
/** Longer than the broker lets a client stay without logging in again. */
const SESSION_MS = 13_000;

type Environment = Readonly<Record<string, string>>;

describeWithKafkaJars('A Kafka that wants TLS and a login', () => {
  let kafka: SecuredKafka;
  const relays: Relay[] = [];
  /** Runs from the beginning, so that the last test need not wait. */
  let longLived: ReturnType<typeof newRelay>;
  let startedAt: number;

  beforeAll(async () => {
    kafka = await startSecuredKafka();
    const env = environment();
    await allow(kafka, env);
    longLived = newRelay(env);
    longLived.log.tell(3, 20);
    longLived.relay.start();
    startedAt = performance.now();
  });
  afterAll(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    await kafka.stop();
  });

  /** All that a server or a consumer is told. */
  const environment = (more: Environment = {}): Environment => {
    const { brokers, caFile, username, password } = kafka.secured;
    return {
      KAFKA_BROKERS: brokers.join(','),
      ROLLBOOK_KAFKA_PREFIX: `secured-${randomUUID()}`,
      ROLLBOOK_KAFKA_TLS: 'true',
      ROLLBOOK_KAFKA_TLS_CA: caFile,
      ROLLBOOK_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      ROLLBOOK_KAFKA_SASL_USERNAME: username,
      ROLLBOOK_KAFKA_SASL_PASSWORD: password,
      ...more,
    };
  };

  const newRelay = (env: Environment, log = new WorldLog()) => {
    const errors: unknown[] = [];
    const relay = new Relay({
      store: log,
      sink: new KafkaSink(kafkaSettings(loadConfiguration(env))!),
      onCommit: log.onCommit,
      metrics: { published: () => undefined, failed: () => undefined },
      onError: (error) => errors.push(error),
    });
    relays.push(relay);
    return { log, relay, errors };
  };

  test('relays publish and the example reads on, logged in by PLAIN and then by SCRAM', async () => {
    const example = new ConsumerExample();
    const log = new WorldLog();
    const common = environment();
    await allow(kafka, common);
    for (const mechanism of ['plain', 'scram-sha-512']) {
      const env = { ...common, ROLLBOOK_KAFKA_SASL_MECHANISM: mechanism };
      const { relay, errors } = newRelay(env, log);
      log.tell(1, 60);
      relay.start();
      // The example ends where its topic is not there yet.
      await until('all is published', () => relay.progress.published === log.world.index);
      const process = example.run(env);
      const ended = once(process, 'exit');
      await until('the example has all', () => example.stored()?.events === log.log.length);
      process.kill('SIGKILL');
      await ended;
      await relay.stop();
      expect(errors).toEqual([]);
    }
    example.remove();
  });

  test('a relay without rights says what it may not do, and begins as soon as it may', async () => {
    const env = environment();
    const { log, relay, errors } = newRelay(env);
    log.tell(2, 20);
    relay.start();
    await until('it has failed', () => errors.length > 0);
    expect((errors[0] as Error).message).toContain(`${env['ROLLBOOK_KAFKA_PREFIX']}.events.v1: Not authorized`);
    await allow(kafka, env);
    await until('all is published', () => relay.progress.published === log.world.index);
  });

  test.each<[string, Environment, string]>([
    ['a wrong password', { ROLLBOOK_KAFKA_SASL_PASSWORD: 'guessed' }, 'invalid credentials'],
    ['an unknown certificate', { ROLLBOOK_KAFKA_TLS_CA: '' }, 'self-signed certificate'],
  ])('with %s a server says so, and serves', async (_what, more, reason) => {
    let log = '';
    const server = await startServerProcess({ env: environment(more), onLog: (text) => (log += text) });
    const failures = (): string[] => log.split('\n').filter((line) => line.includes('cannot be published to Kafka'));
    await until('it has tried', () => failures().length > 0);
    expect(failures()[0]).toContain(reason);
    expect(log).not.toContain('guessed');
    const registration = await fetch(`${server.url}/v1/jobs`, { method: 'PUT', body: readFileSync(JOB) });
    expect([registration.status, (await fetch(`${server.url}/readyz`)).status]).toEqual([200, 200]);
    await server.stop();
  });

  test('with a file that is not there a server does not start', () => {
    const env = { ...process.env, NODE_OPTIONS: '', ...environment({ ROLLBOOK_KAFKA_TLS_CA: '/nowhere/ca.pem' }) };
    const { status, stderr } = spawnSync(process.execPath, [SERVER], { env, encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/^rollbook: the file \/nowhere\/ca.pem for Kafka's TLS cannot be read: .*\n$/),
    });
  });

  test('the relay outlives its session, by logging in again', async () => {
    const { log, relay, errors } = longLived;
    await until('the session would be over', () => {
      log.run(registered(jobSpec({ tag: String(performance.now()) })));
      return performance.now() - startedAt > SESSION_MS;
    });
    await until('all is published', () => relay.progress.published === log.world.index);
    expect(errors).toEqual([]);
  });
});

/** What docs/operations.md says that access lists need. */
async function allow({ brokers, secured }: SecuredKafka, env: Environment): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  const { TOPIC, TRANSACTIONAL_ID, GROUP } = AclResourceTypes;
  const { CREATE, DESCRIBE_CONFIGS, READ, WRITE } = AclOperationTypes;
  const rights = [
    ...[CREATE, DESCRIBE_CONFIGS, READ, WRITE].map((operation) => [TOPIC, operation] as const),
    [TRANSACTIONAL_ID, WRITE] as const,
    [GROUP, READ] as const,
  ];
  await admin.connect();
  await admin.createAcls({
    acl: rights.map(([resourceType, operation]) => ({
      resourceType,
      resourceName: env['ROLLBOOK_KAFKA_PREFIX']!,
      resourcePatternType: ResourcePatternTypes.PREFIXED,
      principal: `User:${secured.username}`,
      host: '*',
      operation,
      permissionType: AclPermissionTypes.ALLOW,
    })),
  });
  await admin.disconnect();
}
