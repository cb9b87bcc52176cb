import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { calmKafkajs, readEvent } from '@app/consumer';
import { Kafka, logLevel, type EachBatchPayload } from 'kafkajs';
import { DeploymentTable } from './deployment-table.js';
import { kafkaSettings } from './kafka-settings.js';

// Keeps a table of all deployments from Kafka alone. Kill it whenever you like and run it again: the table is exact, since it is stored together
// with the offsets up to which it was made. A broker that goes away while it runs is waited for.
//
//   KAFKA_BROKERS=127.0.0.1:9092 npm run example:consumer -- --file deployments.json [--once]
//
// `--once` ends when nothing more comes for a while. Settings are those of the servers: KAFKA_BROKERS, ROLLBOOK_KAFKA_PREFIX (rollbook), and for a
// secured Kafka ROLLBOOK_KAFKA_TLS… and ROLLBOOK_KAFKA_SASL….

const QUIET_MS = 3_000;
const POLL_MS = 100;

const options = process.argv.slice(2);
const once = options.includes('--once');
const file = options[options.indexOf('--file') + 1] ?? '';
const prefix = process.env['ROLLBOOK_KAFKA_PREFIX'] || 'rollbook';
const topic = `${prefix}.events.v1`;

async function main(): Promise<void> {
  if (!options.includes('--file') || file === '')
    throw new Error('say where to keep the table: --file deployments.json');
  const table = await DeploymentTable.open(file);
  calmKafkajs();
  const kafka = new Kafka({ ...kafkaSettings(process.env), clientId: 'rollbook-example', logLevel: logLevel.ERROR });
  // Readers of committed records see every event once. The offsets are the table's: Kafka is told none, and each start is a group of its own,
  // which has not to wait until a member that was killed is missed.
  const consumer = kafka.consumer({ groupId: `${prefix}-example-${randomUUID()}`, readUncommitted: false });
  let failure: unknown;
  let quietSince = performance.now();

  const apply = async ({ batch, heartbeat }: EachBatchPayload): Promise<void> => {
    quietSince = performance.now();
    const from = table.offsetOf(batch.partition);
    const next = BigInt(batch.lastOffset()) + 1n;
    // Until a seek takes effect, what was applied before may come again.
    if (next <= from) return;
    try {
      for (const message of batch.messages) if (BigInt(message.offset) >= from) table.apply(readEvent(message));
      await table.store(batch.partition, next);
    } catch (error) {
      // kafkajs would try the batch again and again.
      failure = error;
      throw error;
    }
    process.stdout.write(`${table.describe()}\n`);
    await heartbeat();
  };

  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) failure ??= payload.error;
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    for (const partition of payload.memberAssignment[topic] ?? []) {
      consumer.seek({ topic, partition, offset: String(table.offsetOf(partition)) });
    }
    quietSince = performance.now();
  });
  await consumer.connect();
  if (table.followTopic(await endsOf(kafka)))
    process.stderr.write('Kafka has lost what this table was made of: reading the topic from its beginning\n');
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch: apply });
  const quiet = async (): Promise<void> => {
    while (!once || performance.now() - quietSince < QUIET_MS) {
      if (failure !== undefined) throw failure;
      await delay(POLL_MS);
    }
  };
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  try {
    await Promise.race([quiet(), ended]);
  } finally {
    await consumer.disconnect();
  }
  process.stdout.write(`${table.render()}\n`);
}

/** The next offset of each partition of the topic. */
async function endsOf(kafka: Kafka): Promise<ReadonlyMap<number, bigint>> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const partitions = await admin.fetchTopicOffsets(topic);
    return new Map(partitions.map(({ partition, high }) => [partition, BigInt(high)]));
  } finally {
    await admin.disconnect();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  },
);
