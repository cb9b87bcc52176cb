import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaMessage } from 'kafkajs';
import { readEvent, type RollbookEvent } from '@app/consumer';
import { DEFAULT_KAFKA_SETTINGS, kafkaClient, topicName, type KafkaSettings } from '../kafka/settings.js';
import { readTopic } from '../kafka/read-topic.js';
import type { RecordTopic } from '../record.js';

export { LATEST_TYPES } from '../record.js';

const BOUND_MS = 60_000;
const POLL_MS = 20;

/** Settings with topics of their own. */
export const settingsFor = (brokers: readonly string[], more: Partial<KafkaSettings> = {}): KafkaSettings => ({
  ...DEFAULT_KAFKA_SETTINGS,
  brokers,
  prefix: `test-${randomUUID()}`,
  partitions: 3,
  ...more,
});

/** What readers of committed records see, partition by partition. */
export async function messagesOf(settings: KafkaSettings, topic: RecordTopic): Promise<KafkaMessage[]> {
  const messages: KafkaMessage[] = [];
  await readTopic(kafkaClient(settings), topicName(settings.prefix, topic), (message) => messages.push(message));
  return messages;
}

export const eventsIn = async (settings: KafkaSettings): Promise<RollbookEvent[]> =>
  (await messagesOf(settings, 'events')).map(readEvent);

/** Waits until the condition holds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + BOUND_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited too long until ${what}`);
    await delay(POLL_MS);
  }
}
