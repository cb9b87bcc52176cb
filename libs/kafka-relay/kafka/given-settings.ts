import { readFileSync } from 'node:fs';
import type { KafkaSettings } from './settings.js';

const MS_PER_HOUR = 3_600_000;

/** Kafka's part of the product's configuration, as the environment gives it. */
export interface GivenSettings {
  readonly kafkaBrokers?: readonly string[] | undefined;
  readonly kafkaClientId: string;
  readonly kafkaPrefix: string;
  readonly kafkaPartitions: number;
  readonly kafkaReplication?: number | undefined;
  readonly kafkaRetentionHours?: number | undefined;
  readonly kafkaMaxMessageBytes: number;
  readonly kafkaCompression: KafkaSettings['compression'];
  readonly kafkaTls: boolean;
  readonly kafkaTlsCa?: string | undefined;
  readonly kafkaTlsCert?: string | undefined;
  readonly kafkaTlsKey?: string | undefined;
  readonly kafkaSaslMechanism?: NonNullable<KafkaSettings['sasl']>['mechanism'] | undefined;
  readonly kafkaSaslUsername?: string | undefined;
  readonly kafkaSaslPassword?: string | undefined;
}

/** What the configuration says of Kafka; undefined without brokers. @throws Error for settings without effect, and files that cannot be read. */
export function kafkaSettings(configuration: GivenSettings): KafkaSettings | undefined {
  const {
    kafkaBrokers: brokers,
    kafkaReplication: replication,
    kafkaRetentionHours,
    kafkaSaslMechanism: mechanism,
  } = configuration;
  if (brokers === undefined) return undefined;
  refuseWhatHasNoEffect(configuration);
  return {
    brokers,
    clientId: configuration.kafkaClientId,
    prefix: configuration.kafkaPrefix,
    partitions: configuration.kafkaPartitions,
    maxMessageBytes: configuration.kafkaMaxMessageBytes,
    compression: configuration.kafkaCompression,
    ...(replication !== undefined && { replication }),
    ...(kafkaRetentionHours !== undefined && { retentionMs: kafkaRetentionHours * MS_PER_HOUR }),
    ...(configuration.kafkaTls && { tls: tlsOf(configuration) }),
    ...(mechanism !== undefined && {
      sasl: {
        mechanism,
        username: configuration.kafkaSaslUsername ?? '',
        password: configuration.kafkaSaslPassword ?? '',
      },
    }),
  };
}

/** Certificates without TLS, or a name without a mechanism, would be sent nowhere: the connection would be less safe than whoever gave them thinks. */
function refuseWhatHasNoEffect(given: GivenSettings): void {
  if (!given.kafkaTls && (given.kafkaTlsCa ?? given.kafkaTlsCert ?? given.kafkaTlsKey) !== undefined)
    throw new Error('a file for TLS with Kafka is given, but ROLLBOOK_KAFKA_TLS is not true');
  if (given.kafkaSaslMechanism === undefined && (given.kafkaSaslUsername ?? given.kafkaSaslPassword) !== undefined)
    throw new Error('a user name or password for Kafka is given, but no ROLLBOOK_KAFKA_SASL_MECHANISM');
}

function tlsOf({ kafkaTlsCa, kafkaTlsCert, kafkaTlsKey }: GivenSettings): NonNullable<KafkaSettings['tls']> {
  const files = { ca: kafkaTlsCa, cert: kafkaTlsCert, key: kafkaTlsKey };
  const given = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(given.map(([name, path]) => [name, pemOf(path)]));
}

function pemOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`the file ${path} for Kafka's TLS cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
