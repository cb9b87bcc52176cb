import { ConfigurationError, loadConfiguration } from './load-configuration.js';

const problemsOf = (env: NodeJS.ProcessEnv): readonly string[] => {
  try {
    loadConfiguration(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
};

describe('the configuration', () => {
  test('has the documented defaults', () => {
    expect(loadConfiguration({ PATH: '/bin' })).toMatchObject({
      httpAddress: '127.0.0.1',
      httpPort: 4646,
      dataDir: './.rollbook',
      roles: ['api', 'scheduler', 'relay'],
      devNodes: 0,
      nodeName: undefined,
      region: 'global',
      datacenter: 'dc1',
      acl: false,
      logLevel: 'info',
      databasePoolSize: 8,
      databaseUrl: undefined,
      kafkaBrokers: undefined,
      kafkaClientId: 'rollbook',
      kafkaPrefix: 'rollbook',
      kafkaPartitions: 6,
      kafkaReplication: undefined,
      kafkaRetentionHours: undefined,
      kafkaMaxMessageBytes: 16_777_216,
      kafkaCompression: 'none',
      kafkaTls: false,
    });
  });

  test('reads every variable', () => {
    const configuration = loadConfiguration({
      ROLLBOOK_HTTP_ADDR: '0.0.0.0',
      ROLLBOOK_HTTP_PORT: '0',
      ROLLBOOK_DATA_DIR: '/var/lib/rollbook',
      ROLLBOOK_ROLES: 'api, relay',
      ROLLBOOK_DEV_NODES: '3',
      ROLLBOOK_NODE_NAME: 'web-1',
      ROLLBOOK_REGION: 'eu',
      ROLLBOOK_DATACENTER: 'dc2',
      ROLLBOOK_ACL: 'true',
      ROLLBOOK_LOG_LEVEL: 'debug',
      ROLLBOOK_DATABASE_POOL_SIZE: '20',
      DATABASE_URL: 'postgresql://user:word@db:5432/rollbook',
      ROLLBOOK_KAFKA_CLIENT_ID: 'ledger',
      ROLLBOOK_KAFKA_PREFIX: 'eu',
      ROLLBOOK_KAFKA_PARTITIONS: '12',
      ROLLBOOK_KAFKA_REPLICATION: '3',
      ROLLBOOK_KAFKA_RETENTION_HOURS: '168',
      ROLLBOOK_KAFKA_MAX_MESSAGE_BYTES: '1000000',
      ROLLBOOK_KAFKA_COMPRESSION: 'gzip',
      ROLLBOOK_KAFKA_TLS: 'true',
      ROLLBOOK_KAFKA_TLS_CA: '/etc/ca.pem',
      ROLLBOOK_KAFKA_TLS_CERT: '/etc/cert.pem',
      ROLLBOOK_KAFKA_TLS_KEY: '/etc/key.pem',
      ROLLBOOK_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      ROLLBOOK_KAFKA_SASL_USERNAME: 'rollbook',
      ROLLBOOK_KAFKA_SASL_PASSWORD: 'word',
      KAFKA_BROKERS: 'one:9092, two:9092',
    });
    expect(configuration).toMatchObject({
      httpAddress: '0.0.0.0',
      httpPort: 0,
      dataDir: '/var/lib/rollbook',
      roles: ['api', 'relay'],
      devNodes: 3,
      nodeName: 'web-1',
      region: 'eu',
      datacenter: 'dc2',
      acl: true,
      logLevel: 'debug',
      databasePoolSize: 20,
      databaseUrl: 'postgresql://user:word@db:5432/rollbook',
      kafkaBrokers: ['one:9092', 'two:9092'],
      kafkaClientId: 'ledger',
      kafkaPrefix: 'eu',
      kafkaPartitions: 12,
      kafkaReplication: 3,
      kafkaRetentionHours: 168,
      kafkaMaxMessageBytes: 1_000_000,
      kafkaCompression: 'gzip',
      kafkaTls: true,
      kafkaTlsCa: '/etc/ca.pem',
      kafkaTlsCert: '/etc/cert.pem',
      kafkaTlsKey: '/etc/key.pem',
      kafkaSaslMechanism: 'scram-sha-512',
      kafkaSaslUsername: 'rollbook',
      kafkaSaslPassword: 'word',
    });
  });

  test('takes an empty variable for an unset one', () => {
    expect(loadConfiguration({ ROLLBOOK_HTTP_PORT: '', DATABASE_URL: '' })).toMatchObject({
      httpPort: 4646,
      databaseUrl: undefined,
    });
  });

  test('refuses an unknown name and says which was probably meant', () => {
    expect(problemsOf({ ROLLBOOK_HTTP_PROT: '1' })).toEqual([
      'there is no setting ROLLBOOK_HTTP_PROT; did you mean ROLLBOOK_HTTP_PORT?',
    ]);
    expect(problemsOf({ ROLLBOOK_COLOUR: 'red' })).toEqual([
      'there is no setting ROLLBOOK_COLOUR; docs/configuration.md has the list.',
    ]);
  });

  test.each([
    [
      'ROLLBOOK_HTTP_PORT',
      'abc',
      'ROLLBOOK_HTTP_PORT must be a whole number from 0 (any free port) to 65535; "abc" is not.',
    ],
    [
      'ROLLBOOK_HTTP_PORT',
      '65536',
      'ROLLBOOK_HTTP_PORT must be a whole number from 0 (any free port) to 65535; "65536" is not.',
    ],
    [
      'ROLLBOOK_HTTP_PORT',
      '1e3',
      'ROLLBOOK_HTTP_PORT must be a whole number from 0 (any free port) to 65535; "1e3" is not.',
    ],
    [
      'ROLLBOOK_ROLES',
      'api,cook',
      'ROLLBOOK_ROLES must be all, or some of api, scheduler, relay with commas between; "api,cook" is not.',
    ],
    ['ROLLBOOK_ACL', 'yes', 'ROLLBOOK_ACL must be true or false; "yes" is not.'],
    [
      'ROLLBOOK_LOG_LEVEL',
      'loud',
      'ROLLBOOK_LOG_LEVEL must be one of silent, fatal, error, warn, info, debug, trace; "loud" is not.',
    ],
    ['ROLLBOOK_DEV_NODES', '-1', 'ROLLBOOK_DEV_NODES must be a whole number from 0 to 100; "-1" is not.'],
    ['KAFKA_BROKERS', 'one:9092,', 'KAFKA_BROKERS must be host:port with commas between; "one:9092," is not.'],
    [
      'DATABASE_URL',
      'mysql://me:secret@db',
      'DATABASE_URL must be postgres://user:password@host:port/database; that is not.',
    ],
  ])('refuses %s=%s in a sentence', (name, value, sentence) => {
    expect(problemsOf({ [name]: value })).toEqual([sentence]);
  });

  test('reports all mistakes at once, with exit code 2', () => {
    expect(problemsOf({ ROLLBOOK_ACL: 'yes', ROLLBOOK_HTTP_PORT: 'x', ROLLBOOK_X: '1' })).toHaveLength(3);
    expect(new ConfigurationError([])).toHaveProperty('exitCode', 2);
  });
});
