import { readFileSync } from 'node:fs';
import type { KafkaConfig, SASLOptions } from 'kafkajs';

/** How to reach Kafka, from the variables that the servers have for it (docs/configuration.md). @throws Error for files that cannot be read. */
export function kafkaSettings(env: NodeJS.ProcessEnv): Pick<KafkaConfig, 'brokers' | 'ssl' | 'sasl'> {
  const given = (name: string): string | undefined => env[name] || undefined;
  const pem = (name: string): string | undefined => {
    const file = given(name);
    return file && readFileSync(file, 'utf8');
  };
  const mechanism = given('ROLLBOOK_KAFKA_SASL_MECHANISM') as 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined;
  return {
    brokers: (given('KAFKA_BROKERS') ?? '127.0.0.1:9092').split(/\s*,\s*/),
    ...(given('ROLLBOOK_KAFKA_TLS') === 'true' && {
      ssl: {
        ca: pem('ROLLBOOK_KAFKA_TLS_CA'),
        cert: pem('ROLLBOOK_KAFKA_TLS_CERT'),
        key: pem('ROLLBOOK_KAFKA_TLS_KEY'),
      },
    }),
    ...(mechanism && {
      sasl: {
        mechanism,
        username: given('ROLLBOOK_KAFKA_SASL_USERNAME') ?? '',
        password: given('ROLLBOOK_KAFKA_SASL_PASSWORD') ?? '',
      } as SASLOptions,
    }),
  };
}
