import { ConfigResourceTypes, type Admin, type ITopicConfig } from 'kafkajs';
import { LATEST_TYPES } from '../record.js';
import { untilAnswered } from './passing.js';
import { controlTopic, topicName, type KafkaSettings } from './settings.js';

const BROKER_DEFAULT = -1;
const FOR_EVER = '-1';
/** Small segments, cleaned early: a relay that starts reads the control topic from its beginning. */
const CONTROL_SEGMENT_BYTES = String(8 * 1024 * 1024);
const CLEANED_EARLY = '0.1';

function wanted(settings: KafkaSettings): ITopicConfig[] {
  const { prefix, partitions, replication, retentionMs, maxMessageBytes } = settings;
  const topic = (name: string, numPartitions: number, entries: Readonly<Record<string, string>>): ITopicConfig => ({
    topic: name,
    numPartitions,
    replicationFactor: replication ?? BROKER_DEFAULT,
    configEntries: Object.entries({ 'max.message.bytes': String(maxMessageBytes), ...entries }).map(([key, value]) => ({
      name: key,
      value,
    })),
  });
  const kept = retentionMs === undefined ? FOR_EVER : String(retentionMs);
  return [
    topic(topicName(prefix, 'events'), partitions, {
      'cleanup.policy': 'delete',
      'retention.ms': kept,
      'retention.bytes': FOR_EVER,
    }),
    ...LATEST_TYPES.map((type) => topic(topicName(prefix, type), partitions, { 'cleanup.policy': 'compact' })),
    topic(controlTopic(prefix), 1, {
      'cleanup.policy': 'compact',
      'segment.bytes': CONTROL_SEGMENT_BYTES,
      'min.cleanable.dirty.ratio': CLEANED_EARLY,
    }),
  ];
}

/** @throws Error that names each topic and what is wrong with it; kafkajs's own names neither. */
async function create(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  try {
    await admin.createTopics({ topics, waitForLeaders: false });
  } catch (error) {
    const { errors } = error as { readonly errors?: readonly { readonly topic: string; readonly message: string }[] };
    if (errors === undefined) throw error;
    const reasons = errors.map(({ topic, message }) => `${topic}: ${message}`);
    throw new Error(`the topics cannot be made: ${reasons.join('; ')}`, { cause: error });
  }
}

/** Makes the topics that are missing, leaves those that are there as they are, and returns the largest message that all of them take. */
export async function ensureTopics(admin: Admin, settings: KafkaSettings): Promise<number> {
  const topics = wanted(settings);
  const there = new Set(await admin.listTopics());
  const missing = topics.filter(({ topic }) => !there.has(topic));
  if (missing.length > 0) await create(admin, missing);
  const { resources } = await untilAnswered(() =>
    admin.describeConfigs({
      includeSynonyms: false,
      resources: topics.map(({ topic }) => ({
        type: ConfigResourceTypes.TOPIC,
        name: topic,
        configNames: ['max.message.bytes'],
      })),
    }),
  );
  const limits = resources.map(({ configEntries }) => Number(configEntries[0]?.configValue));
  return Math.min(...limits.filter((limit) => limit > 0), settings.maxMessageBytes);
}
