import { kafkaSettings, type GivenSettings } from './given-settings.js';

const given: GivenSettings = {
  kafkaBrokers: ['127.0.0.1:9092'],
  kafkaClientId: 'rollbook',
  kafkaPrefix: 'rollbook',
  kafkaPartitions: 6,
  kafkaMaxMessageBytes: 1_000_000,
  kafkaCompression: 'none',
  kafkaTls: false,
};

describe('What the environment says of Kafka', () => {
  test('is nothing without brokers', () => {
    expect(kafkaSettings({ ...given, kafkaBrokers: undefined, kafkaTlsCa: '/no/such/file' })).toBeUndefined();
  });

  test('is refused where a certificate is given and TLS is not', () => {
    expect(() => kafkaSettings({ ...given, kafkaTlsCa: '/ca.pem' })).toThrow('ROLLBOOK_KAFKA_TLS is not true');
  });

  test('is refused where a login is given and no way to log in', () => {
    expect(() => kafkaSettings({ ...given, kafkaSaslUsername: 'rollbook' })).toThrow('ROLLBOOK_KAFKA_SASL_MECHANISM');
    expect(() => kafkaSettings({ ...given, kafkaSaslPassword: 'secret' })).toThrow('ROLLBOOK_KAFKA_SASL_MECHANISM');
  });

  test('is refused where a file cannot be read', () => {
    expect(() => kafkaSettings({ ...given, kafkaTls: true, kafkaTlsCa: '/no/such/file' })).toThrow(
      "the file /no/such/file for Kafka's TLS cannot be read",
    );
  });
});
