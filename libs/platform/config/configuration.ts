import {
  ArrayNotEmpty,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsOptional,
  IsString,
  Matches,
  Max,
  Min,
  ValidateIf,
} from 'class-validator';
import { EdgeConfiguration } from './edge-configuration.js';
import { Setting } from './setting.js';
import { boolean, list, listOrAll, NAME, NAME_IN_WORDS, number } from './transforms.js';

/** What a server process does. */
export const ROLES = ['api', 'scheduler', 'relay'] as const;
export type Role = (typeof ROLES)[number];

/** From the most silent to the most talkative. */
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const HOST_AND_PORT = /^[A-Za-z0-9._-]+:\d{1,5}$/;

/** The settings of a server, with their defaults. One variable each; read once at start. */
export class Configuration extends EdgeConfiguration {
  @Setting({
    name: 'ROLLBOOK_HTTP_ADDR',
    description: 'Address the HTTP API listens on.',
    values: 'an address or host name of this machine',
  })
  @IsNotEmpty()
  readonly httpAddress: string = '127.0.0.1';

  @Setting({
    name: 'ROLLBOOK_HTTP_PORT',
    description: 'Port of the HTTP API.',
    values: 'a whole number from 0 (any free port) to 65535',
  })
  @number()
  @IsInt()
  @Min(0)
  @Max(65535)
  readonly httpPort: number = 4646;

  @Setting({
    name: 'ROLLBOOK_RPC_ADDR',
    description: 'Address on which Nomad’s client agents are served.',
    values: 'an address or host name of this machine',
  })
  @IsNotEmpty()
  readonly rpcAddress: string = '127.0.0.1';

  @Setting({
    name: 'ROLLBOOK_RPC_PORT',
    description: 'Port for Nomad’s client agents.',
    values: 'a whole number from 0 (any free port) to 65535, or `off`',
    whenUnset: 'the one after `ROLLBOOK_HTTP_PORT`: `4647`',
  })
  @number()
  @IsOptional()
  @ValidateIf(({ rpcPort }: { rpcPort?: unknown }) => rpcPort !== 'off')
  @IsInt()
  @Min(0)
  @Max(65535)
  readonly rpcPort?: number | 'off';

  @Setting({
    name: 'ROLLBOOK_RPC_ADVERTISE',
    description: 'Where client agents reach this server’s RPC; they are told the addresses of all servers.',
    values: '`host:port`',
    whenUnset: 'the address and port that it listens on',
  })
  @IsOptional()
  @Matches(HOST_AND_PORT)
  readonly rpcAdvertise?: string;

  @Setting({
    name: 'ROLLBOOK_RPC_MAX_CONNECTIONS',
    description: 'Most connections of client agents from one address; more where many are behind one.',
    values: 'a whole number from 0 (any number) to 20000',
  })
  @number()
  @IsInt()
  @Min(0)
  @Max(20_000)
  readonly rpcMaxConnections: number = 100;

  @Setting({
    name: 'ROLLBOOK_RPC_TLS_CA',
    description:
      'File with the certificates that those of client agents are to be signed by (PEM). Without it none is asked for.',
    values: 'a path',
    whenUnset: 'client agents need no certificate',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly rpcTlsCa?: string;

  @Setting({
    name: 'ROLLBOOK_RPC_TLS_CERT',
    description: 'File with the certificate for RPC (PEM). With it, client agents without TLS are refused.',
    values: 'a path',
    whenUnset: 'RPC is not encrypted',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly rpcTlsCert?: string;

  @Setting({
    name: 'ROLLBOOK_RPC_TLS_KEY',
    description: 'File with the key of that certificate (PEM).',
    values: 'a path',
    whenUnset: 'none',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly rpcTlsKey?: string;

  @Setting({
    name: 'ROLLBOOK_DATA_DIR',
    description: 'Directory for the embedded Postgres and for the in-process nodes. One server at a time.',
    values: 'a path; a relative one counts from the working directory',
  })
  @IsNotEmpty()
  readonly dataDir: string = './.rollbook';

  @Setting({
    name: 'ROLLBOOK_ROLES',
    description:
      'What this process does: answer HTTP (`api`), schedule and watch (`scheduler`), publish to Kafka (`relay`).',
    values: '`all`, or some of `api`, `scheduler`, `relay` with commas between',
    whenUnset: '`all`',
  })
  @listOrAll(ROLES)
  @ArrayNotEmpty()
  @IsIn(ROLES, { each: true })
  readonly roles: readonly Role[] = ROLES;

  @Setting({
    name: 'ROLLBOOK_DEV_NODES',
    description: 'How many nodes run inside this process, for development.',
    values: 'a whole number from 0 to 100',
    whenUnset: '`1` under `npm start`, `0` otherwise',
  })
  @number()
  @IsInt()
  @Min(0)
  @Max(100)
  readonly devNodes: number = 0;

  @Setting({
    name: 'ROLLBOOK_NODE_NAME',
    description: 'Name of this server, and the beginning of its in-process nodes’ names.',
    values: NAME_IN_WORDS,
    whenUnset: 'the host’s name',
  })
  @IsOptional()
  @Matches(NAME)
  readonly nodeName?: string;

  @Setting({
    name: 'ROLLBOOK_REGION',
    description: 'The region this server answers for.',
    values: NAME_IN_WORDS,
  })
  @Matches(NAME)
  readonly region: string = 'global';

  @Setting({
    name: 'ROLLBOOK_DATACENTER',
    description: 'Datacenter of the in-process nodes.',
    values: NAME_IN_WORDS,
  })
  @Matches(NAME)
  readonly datacenter: string = 'dc1';

  @Setting({ name: 'ROLLBOOK_ACL', description: 'Whether requests need a token.', values: '`true` or `false`' })
  @boolean()
  @IsBoolean()
  readonly acl: boolean = false;

  @Setting({
    name: 'ROLLBOOK_KEY_FILE',
    description:
      'File with the key that encrypts the root keys of the keyring: 32 bytes, as they are, as base64 or as hexadecimal digits. All servers on one database need the same.',
    values: 'a path',
    whenUnset: '`key-encryption.key` under `ROLLBOOK_DATA_DIR`, made on the first start',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly keyFile?: string;

  @Setting({
    name: 'ROLLBOOK_KEY',
    description: 'That key itself, where a file is not at hand. It counts before the file.',
    values: '32 bytes as base64 or hexadecimal digits',
    secret: true,
    whenUnset: 'see above',
  })
  @IsOptional()
  @Matches(/^([A-Za-z0-9+/_-]{43}=?|[0-9A-Fa-f]{64})$/)
  readonly key?: string;

  @Setting({
    name: 'ROLLBOOK_OIDC_ISSUER',
    description:
      'URL under which others reach the servers: workload identities name it as their issuer, and the OIDC discovery document is served.',
    values: 'an `http` or `https` URL without a slash at its end',
    whenUnset: 'identities name no issuer',
  })
  @IsOptional()
  @Matches(/^https?:\/\/[^\s/?#]+(\/[^\s?#]*[^\s/?#])?$/)
  readonly oidcIssuer?: string;

  @Setting({
    name: 'ROLLBOOK_LOG_LEVEL',
    description: 'The least severe messages that are logged. Readable lines on a terminal, JSON elsewhere.',
    values: `one of ${LOG_LEVELS.map((level) => `\`${level}\``).join(', ')}`,
  })
  @IsIn(LOG_LEVELS)
  readonly logLevel: LogLevel = 'info';

  @Setting({
    name: 'ROLLBOOK_DATABASE_POOL_SIZE',
    description:
      'Most Postgres connections this process keeps for reading; appending and listening have one each besides.',
    values: 'a whole number from 1 to 200',
  })
  @number()
  @IsInt()
  @Min(1)
  @Max(200)
  readonly databasePoolSize: number = 8;

  @Setting({
    name: 'DATABASE_URL',
    description: 'The Postgres (18 or newer) that holds the log.',
    values: '`postgres://user:password@host:port/database`',
    secret: true,
    whenUnset: 'an embedded Postgres under `ROLLBOOK_DATA_DIR`',
  })
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\/[^\s/]+/)
  readonly databaseUrl?: string;

  @Setting({
    name: 'DATABASE_REPLICA_URL',
    description:
      'One streaming replica of that Postgres, which stale reads (`?stale`) are served from. Behind its address there is always the same one.',
    values: '`postgres://user:password@host:port/database`',
    secret: true,
    whenUnset: 'all reads go to `DATABASE_URL`',
  })
  @IsOptional()
  @Matches(/^postgres(ql)?:\/\/[^\s/]+/)
  readonly databaseReplicaUrl?: string;

  @Setting({
    name: 'KAFKA_BROKERS',
    description: 'Kafka brokers to publish the log to.',
    values: '`host:port` with commas between',
    whenUnset: 'nothing is published',
  })
  @list()
  @IsOptional()
  @IsString({ each: true })
  @Matches(HOST_AND_PORT, { each: true })
  readonly kafkaBrokers?: readonly string[];

  @Setting({
    name: 'ROLLBOOK_KAFKA_CLIENT_ID',
    description: 'Name by which Kafka knows this client.',
    values: 'a text',
  })
  @IsNotEmpty()
  readonly kafkaClientId: string = 'rollbook';

  @Setting({
    name: 'ROLLBOOK_KAFKA_PREFIX',
    description:
      'Beginning of the names of topics and of the transactional id: one for each Rollbook on a Kafka cluster.',
    values: NAME_IN_WORDS,
  })
  @Matches(NAME)
  readonly kafkaPrefix: string = 'rollbook';

  @Setting({
    name: 'ROLLBOOK_KAFKA_PARTITIONS',
    description: 'Partitions of topics that the relay makes. Adding some later would move keys and break their order.',
    values: 'a whole number from 1 to 1000',
  })
  @number()
  @IsInt()
  @Min(1)
  @Max(1000)
  readonly kafkaPartitions: number = 6;

  @Setting({
    name: 'ROLLBOOK_KAFKA_REPLICATION',
    description: 'Replicas of topics that the relay makes.',
    values: 'a whole number from 1 to 100',
    whenUnset: 'the brokers’ default',
  })
  @number()
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  readonly kafkaReplication?: number;

  @Setting({
    name: 'ROLLBOOK_KAFKA_RETENTION_HOURS',
    description:
      'How long the topic of events keeps them, if the relay makes it. The topics of latest states keep what is there.',
    values: 'a whole number of at least 1',
    whenUnset: 'for ever',
  })
  @number()
  @IsOptional()
  @IsInt()
  @Min(1)
  readonly kafkaRetentionHours?: number;

  @Setting({
    name: 'ROLLBOOK_KAFKA_MAX_MESSAGE_BYTES',
    description: 'Largest message of topics that the relay makes. An object that is larger is left out of its record.',
    values: 'a whole number of at least 100000',
  })
  @number()
  @IsInt()
  @Min(100_000)
  readonly kafkaMaxMessageBytes: number = 16_777_216;

  @Setting({
    name: 'ROLLBOOK_KAFKA_COMPRESSION',
    description: 'Compression of what is published.',
    values: '`none` or `gzip`',
  })
  @IsIn(['none', 'gzip'])
  readonly kafkaCompression: 'none' | 'gzip' = 'none';

  @Setting({ name: 'ROLLBOOK_KAFKA_TLS', description: 'Whether to reach Kafka by TLS.', values: '`true` or `false`' })
  @boolean()
  @IsBoolean()
  readonly kafkaTls: boolean = false;

  @Setting({
    name: 'ROLLBOOK_KAFKA_TLS_CA',
    description: 'File with the certificates that Kafka’s are to be signed by (PEM).',
    values: 'a path',
    whenUnset: 'those that Node trusts',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly kafkaTlsCa?: string;

  @Setting({
    name: 'ROLLBOOK_KAFKA_TLS_CERT',
    description: 'File with the client’s certificate (PEM).',
    values: 'a path',
    whenUnset: 'none is shown',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly kafkaTlsCert?: string;

  @Setting({
    name: 'ROLLBOOK_KAFKA_TLS_KEY',
    description: 'File with the key of that certificate (PEM).',
    values: 'a path',
    whenUnset: 'none',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly kafkaTlsKey?: string;

  @Setting({
    name: 'ROLLBOOK_KAFKA_SASL_MECHANISM',
    description: 'How to log in to Kafka, with the user name and password below.',
    values: '`plain`, `scram-sha-256` or `scram-sha-512`',
    whenUnset: 'without logging in',
  })
  @IsOptional()
  @IsIn(['plain', 'scram-sha-256', 'scram-sha-512'])
  readonly kafkaSaslMechanism?: 'plain' | 'scram-sha-256' | 'scram-sha-512';

  @Setting({
    name: 'ROLLBOOK_KAFKA_SASL_USERNAME',
    description: 'User name for Kafka.',
    values: 'a text',
    whenUnset: 'empty',
  })
  @IsOptional()
  @IsString()
  readonly kafkaSaslUsername?: string;

  @Setting({
    name: 'ROLLBOOK_KAFKA_SASL_PASSWORD',
    description: 'Password for Kafka.',
    secret: true,
    values: 'a text',
    whenUnset: 'empty',
  })
  @IsOptional()
  @IsString()
  readonly kafkaSaslPassword?: string;
}
