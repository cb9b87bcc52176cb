import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentConfiguration } from './agent-configuration.js';
import { Configuration } from './configuration.js';
import {
  ConfigurationError,
  loadAgentConfiguration,
  loadConfiguration,
  loadOpsConfiguration,
} from './load-configuration.js';
import { OpsConfiguration } from './ops-configuration.js';
import { secretFile, settingsOf, type Setting } from './setting.js';

const problemsOf = (
  env: NodeJS.ProcessEnv,
  load: (env: NodeJS.ProcessEnv) => object = loadConfiguration,
): readonly string[] => {
  try {
    load(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
};

describe('secrets', () => {
  const settings = [Configuration, AgentConfiguration, OpsConfiguration].flatMap((schema) => settingsOf(schema));
  /** What names and values say, whatever the setting says of itself. A path names a file and is no secret. */
  const looksSecret = ({ name, values }: Setting): boolean =>
    values !== 'a path' && (/PASSWORD|SECRET|TOKEN|CREDENTIAL|_KEY$|HEADERS$/.test(name) || /password/.test(values));

  test('may all come from a file, and are shown nowhere', () => {
    const held = settings.filter(looksSecret);
    expect(held.length).toBeGreaterThan(6);
    for (const setting of held) {
      const isFile = secretFile(setting) ?? settings.find(({ name }) => name === `${setting.name}_FILE`)?.name;
      expect({ name: setting.name, secret: setting.secret, file: isFile }).toEqual({
        name: setting.name,
        secret: true,
        file: `${setting.name}_FILE`,
      });
    }
  });

  test.each(settings.filter(({ secret }) => secret).map(({ name }) => name))(
    '%s is not repeated when it is wrong',
    (name) => {
      const wrong = 'wr\u0000ong and secret';
      for (const load of [loadConfiguration, loadAgentConfiguration, loadOpsConfiguration])
        expect(problemsOf({ [name]: wrong }, load).join()).not.toContain('and secret');
    },
  );
});

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

describe('the configuration of an agent', () => {
  test('has the documented defaults, and offers what is measured where nothing is said', () => {
    expect(loadAgentConfiguration({})).toEqual({
      serverAddress: 'http://127.0.0.1:4646',
      dataDir: '.rollbook/agent',
      datacenter: 'dc1',
      nodePool: 'default',
      reservedCpuMhz: 0,
      reservedMemoryMib: 0,
      reservedDiskMib: 0,
      minDynamicPort: 20_000,
      maxDynamicPort: 32_000,
      logLevel: 'info',
    });
  });

  test('reads every variable', () => {
    expect(
      loadAgentConfiguration({
        ROLLBOOK_ADDR: 'https://load_balancer:4646/',
        ROLLBOOK_DATA_DIR: '/var/lib/agent',
        ROLLBOOK_JOIN_TOKEN: 'sixteen-letters-a, sixteen-letters-b',
        ROLLBOOK_TLS_CA: '/ca.pem',
        ROLLBOOK_TLS_CERT: '/cert.pem',
        ROLLBOOK_TLS_KEY: '/key.pem',
        ROLLBOOK_NODE_NAME: 'node-7',
        ROLLBOOK_DATACENTER: 'dc2',
        ROLLBOOK_NODE_POOL: 'gpu',
        ROLLBOOK_NODE_CLASS: 'large',
        ROLLBOOK_NODE_META: 'rack=4, owner=a=b,empty=',
        ROLLBOOK_DRIVERS: 'mock_driver',
        ROLLBOOK_NODE_ADDR: '10.0.0.7',
        ROLLBOOK_NODE_CPU: '4000',
        ROLLBOOK_NODE_MEMORY: '2048',
        ROLLBOOK_NODE_DISK: '10000',
        ROLLBOOK_RESERVED_CPU: '500',
        ROLLBOOK_RESERVED_MEMORY: '256',
        ROLLBOOK_RESERVED_DISK: '1000',
        ROLLBOOK_RESERVED_PORTS: '22, 8500-8600',
        ROLLBOOK_DYNAMIC_PORT_MIN: '30000',
        ROLLBOOK_DYNAMIC_PORT_MAX: '31000',
        ROLLBOOK_LOG_LEVEL: 'debug',
      }),
    ).toEqual({
      serverAddress: 'https://load_balancer:4646/',
      dataDir: '/var/lib/agent',
      joinTokens: ['sixteen-letters-a', 'sixteen-letters-b'],
      tlsCa: '/ca.pem',
      tlsCert: '/cert.pem',
      tlsKey: '/key.pem',
      nodeName: 'node-7',
      datacenter: 'dc2',
      nodePool: 'gpu',
      nodeClass: 'large',
      nodeMeta: ['rack=4', 'owner=a=b', 'empty='],
      drivers: ['mock_driver'],
      nodeAddress: '10.0.0.7',
      cpuMhz: 4000,
      memoryMib: 2048,
      diskMib: 10_000,
      reservedCpuMhz: 500,
      reservedMemoryMib: 256,
      reservedDiskMib: 1000,
      reservedPorts: ['22', '8500-8600'],
      minDynamicPort: 30_000,
      maxDynamicPort: 31_000,
      logLevel: 'debug',
    });
  });

  test.each([
    ['ROLLBOOK_NODE_CLAS', 'x', 'there is no setting ROLLBOOK_NODE_CLAS; did you mean ROLLBOOK_NODE_CLASS?'],
    ['ROLLBOOK_ADDR', 'localhost:4646', 'ROLLBOOK_ADDR must be an http or https address; "localhost:4646" is not.'],
    ['ROLLBOOK_NODE_META', 'rack', 'ROLLBOOK_NODE_META must be key=value with commas between; "rack" is not.'],
    [
      'ROLLBOOK_RESERVED_PORTS',
      'ssh',
      'ROLLBOOK_RESERVED_PORTS must be ports and ranges (22,8500-8600) with commas between; "ssh" is not.',
    ],
    [
      'ROLLBOOK_DRIVERS',
      'docker',
      'ROLLBOOK_DRIVERS must be some of mock_driver, raw_exec with commas between; "docker" is not.',
    ],
    [
      'ROLLBOOK_JOIN_TOKEN',
      'too-short',
      'ROLLBOOK_JOIN_TOKEN must be texts of at least 16 characters with commas between; that is not.',
    ],
  ])('refuses %s=%s in a sentence', (name, value, sentence) => {
    expect(problemsOf({ [name]: value }, loadAgentConfiguration)).toEqual([sentence]);
  });

  test('passes over settings of servers, so that one environment may serve both', () => {
    expect(problemsOf({ ROLLBOOK_HTTP_PORT: '4646', ROLLBOOK_ROLES: 'api' }, loadAgentConfiguration)).toEqual([]);
    expect(problemsOf({ ROLLBOOK_NODE_CLASS: 'large' })).toEqual([]);
  });
});

describe('the configuration of ops', () => {
  test('is that of a server, with whom to ask', () => {
    const env = {
      DATABASE_URL: 'postgres://db/rollbook',
      ROLLBOOK_ADDR: 'http://127.0.0.1:4640',
      NOMAD_TOKEN: 'secret',
    };
    expect(loadOpsConfiguration(env)).toMatchObject({
      databaseUrl: 'postgres://db/rollbook',
      serverAddress: 'http://127.0.0.1:4640',
      token: 'secret',
      httpPort: 4646,
    });
    expect(problemsOf({ ROLLBOOK_DATA_DIT: 'x' }, loadOpsConfiguration)).toEqual([
      'there is no setting ROLLBOOK_DATA_DIT; did you mean ROLLBOOK_DATA_DIR?',
    ]);
  });
});

describe('a secret', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-secrets-'));
  const file = join(directory, 'secret');
  afterAll(() => rmSync(directory, { recursive: true }));

  test('may come from a file, whose last line break does not count', () => {
    writeFileSync(file, 'postgres://me:word@db/rollbook\n');
    expect(loadConfiguration({ DATABASE_URL_FILE: file }).databaseUrl).toBe('postgres://me:word@db/rollbook');
    writeFileSync(file, 'sixteen-letters-a,sixteen-letters-b\n');
    expect(loadAgentConfiguration({ ROLLBOOK_JOIN_TOKEN_FILE: file }).joinTokens).toHaveLength(2);
    writeFileSync(file, 'word');
    expect(loadConfiguration({ ROLLBOOK_KAFKA_SASL_PASSWORD_FILE: file }).kafkaSaslPassword).toBe('word');
  });

  test('is not taken from two places, nor from a file that cannot be read, and is never shown', () => {
    writeFileSync(file, 'mysql://me:word@db\n');
    expect(problemsOf({ DATABASE_URL_FILE: file })).toEqual([
      'DATABASE_URL must be postgres://user:password@host:port/database; that is not.',
    ]);
    expect(problemsOf({ DATABASE_URL_FILE: file, DATABASE_URL: 'postgres://db/rollbook' })).toEqual([
      'DATABASE_URL and DATABASE_URL_FILE are both set; set one of them.',
    ]);
    expect(problemsOf({ ROLLBOOK_JOIN_TOKEN_FILE: '/nowhere' })).toEqual([
      expect.stringMatching(/^ROLLBOOK_JOIN_TOKEN_FILE must be a file that can be read: ENOENT/),
    ]);
  });

  test('is told apart from the setting that names a file by itself', () => {
    expect(loadConfiguration({ ROLLBOOK_KEY_FILE: '/etc/rollbook.key' })).toMatchObject({
      keyFile: '/etc/rollbook.key',
    });
    expect(problemsOf({ ROLLBOOK_KEY: 'short' })).toEqual([
      'ROLLBOOK_KEY must be 32 bytes as base64 or hexadecimal digits; that is not.',
    ]);
  });
});
