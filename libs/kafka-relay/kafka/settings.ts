import { calmKafkajs } from '@app/consumer';
import { logLevel, Kafka, type KafkaConfig, type LogEntry } from 'kafkajs';
import { CONNECT_TIMEOUT_MS, REQUEST_TIMEOUT_MS, RETRIES, RETRY_FIRST_MS, RETRY_MAX_MS } from '../limits.js';
import type { RecordTopic } from '../record.js';
import { impatientSockets } from './inner-kafkajs.js';

/** How to reach Kafka, and how topics are made that are missing. */
export interface KafkaSettings {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** The beginning of all names: topics, and the transactional id that Kafka knows the relay by. */
  readonly prefix: string;
  /** PEM texts; `{}` trusts what Node trusts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  /** Of each topic with records. Changing it later would move keys to other partitions. */
  readonly partitions: number;
  /** Undefined: what the broker has as its default. */
  readonly replication?: number;
  /** How long the topic of events keeps records; undefined: for ever. */
  readonly retentionMs?: number;
  /** `max.message.bytes` of the topics. */
  readonly maxMessageBytes: number;
  readonly compression: 'none' | 'gzip';
}

export const DEFAULT_KAFKA_SETTINGS = {
  clientId: 'rollbook',
  prefix: 'rollbook',
  partitions: 6,
  maxMessageBytes: 16 * 1024 * 1024,
  compression: 'none',
} as const satisfies Omit<KafkaSettings, 'brokers'>;

/** `rollbook.events.v1`, `rollbook.deployments.v1` … */
export const topicName = (prefix: string, topic: RecordTopic): string =>
  topic === 'events' ? `${prefix}.events.v1` : `${prefix}.${topic}s.v1`;
/** Where the relay keeps its positions. */
export const controlTopic = (prefix: string): string => `${prefix}.relay.v1`;
export const transactionalId = (prefix: string): string => `${prefix}.relay`;

/** The client. What kafkajs has to say goes to `note`: all that matters comes back as an error. */
export function kafkaClient(settings: KafkaSettings, note: (message: string) => void = () => undefined): Kafka {
  calmKafkajs();
  let failures = 0;
  const configuration: KafkaConfig = {
    // The same one is asked first as long as nothing fails. (kafkajs would begin with the first one each time, also if that is gone.)
    brokers: () => [settings.brokers[failures % settings.brokers.length]!],
    socketFactory: impatientSockets(() => failures++),
    clientId: settings.clientId,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: { initialRetryTime: RETRY_FIRST_MS, maxRetryTime: RETRY_MAX_MS, retries: RETRIES },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ log }: LogEntry) =>
        note(log.message),
  };
  if (settings.tls !== undefined) configuration.ssl = { ...settings.tls };
  if (settings.sasl !== undefined) configuration.sasl = { ...settings.sasl } as NonNullable<KafkaConfig['sasl']>;
  return new Kafka(configuration);
}
