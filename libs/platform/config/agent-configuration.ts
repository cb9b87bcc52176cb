import { ArrayNotEmpty, IsIn, IsInt, IsIP, IsNotEmpty, IsOptional, Matches, Max, Min } from 'class-validator';
import { LOG_LEVELS, type LogLevel } from './configuration.js';
import { Setting } from './setting.js';
import { HTTP_ADDRESS, list, NAME, NAME_IN_WORDS, number } from './transforms.js';

/** What the node agent can run. */
const DRIVERS = ['mock_driver', 'raw_exec'] as const;
export type AgentDriver = (typeof DRIVERS)[number];

const KEY_AND_VALUE = /^[^=\s]{1,256}=.*$/;
const HIGHEST_PORT = 65_535;
const PORTS = /^\d{1,5}(-\d{1,5})?$/;

/** The settings of a node agent, with their defaults. One variable each; read once at start. */
export class AgentConfiguration {
  @Setting({
    name: 'ROLLBOOK_ADDR',
    description: 'A server, or the load balancer before several.',
    values: 'an `http` or `https` address',
  })
  @Matches(HTTP_ADDRESS)
  readonly serverAddress: string = 'http://127.0.0.1:4646';

  @Setting({
    name: 'ROLLBOOK_DATA_DIR',
    description: 'Directory of the node’s identity, its state and its allocations. One agent at a time.',
    values: 'a path; a relative one counts from the working directory',
  })
  @IsNotEmpty()
  readonly dataDir: string = '.rollbook/agent';

  @Setting({
    name: 'ROLLBOOK_JOIN_TOKEN',
    description: 'What servers want to see before they take the node; of several the first.',
    values: 'texts of at least 16 characters with commas between',
    whenUnset: 'none is shown',
    secret: true,
  })
  @list()
  @IsOptional()
  @ArrayNotEmpty()
  @Matches(/^[\x21-\x7e]{16,}$/, { each: true })
  readonly joinTokens?: readonly string[];

  @Setting({
    name: 'ROLLBOOK_TLS_CA',
    description: 'File with the certificates that servers’ are to be signed by (PEM).',
    values: 'a path',
    whenUnset: 'those that Node trusts',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly tlsCa?: string;

  @Setting({
    name: 'ROLLBOOK_TLS_CERT',
    description: 'File with the certificate that the agent shows (PEM).',
    values: 'a path',
    whenUnset: 'none is shown',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly tlsCert?: string;

  @Setting({
    name: 'ROLLBOOK_TLS_KEY',
    description: 'File with the key of that certificate (PEM).',
    values: 'a path',
    whenUnset: 'none',
  })
  @IsOptional()
  @IsNotEmpty()
  readonly tlsKey?: string;

  @Setting({
    name: 'ROLLBOOK_NODE_NAME',
    description: 'Name of the node.',
    values: NAME_IN_WORDS,
    whenUnset: 'the host’s name',
  })
  @IsOptional()
  @Matches(NAME)
  readonly nodeName?: string;

  @Setting({ name: 'ROLLBOOK_DATACENTER', description: 'Datacenter of the node.', values: NAME_IN_WORDS })
  @Matches(NAME)
  readonly datacenter: string = 'dc1';

  @Setting({ name: 'ROLLBOOK_NODE_POOL', description: 'Node pool of the node.', values: NAME_IN_WORDS })
  @Matches(NAME)
  readonly nodePool: string = 'default';

  @Setting({
    name: 'ROLLBOOK_NODE_CLASS',
    description: 'Class of the node, for constraints (`${node.class}`).',
    values: NAME_IN_WORDS,
    whenUnset: 'none',
  })
  @IsOptional()
  @Matches(NAME)
  readonly nodeClass?: string;

  @Setting({
    name: 'ROLLBOOK_NODE_META',
    description: 'Metadata of the node, for constraints (`${meta.rack}`).',
    values: '`key=value` with commas between',
    whenUnset: 'none',
  })
  @list()
  @IsOptional()
  @Matches(KEY_AND_VALUE, { each: true })
  readonly nodeMeta?: readonly string[];

  @Setting({
    name: 'ROLLBOOK_DRIVERS',
    description: 'What the node may run. `raw_exec` runs whatever a job says, as the agent’s user.',
    values: 'some of `mock_driver`, `raw_exec` with commas between',
    whenUnset: 'both',
  })
  @list()
  @IsOptional()
  @ArrayNotEmpty()
  @IsIn(DRIVERS, { each: true })
  readonly drivers?: readonly AgentDriver[];

  @Setting({
    name: 'ROLLBOOK_NODE_ADDR',
    description: 'Address of the node on which tasks take ports.',
    values: 'an IP address of this machine',
    whenUnset: 'the first that is not a loopback address',
  })
  @IsOptional()
  @IsIP()
  readonly nodeAddress?: string;

  @Setting({
    name: 'ROLLBOOK_NODE_CPU',
    description: 'MHz of the node, all cores together.',
    values: 'a whole number of at least 1',
    whenUnset: 'those of the machine’s cores, or of the cgroup’s share of them',
  })
  @number()
  @IsOptional()
  @IsInt()
  @Min(1)
  readonly cpuMhz?: number;

  @Setting({
    name: 'ROLLBOOK_NODE_MEMORY',
    description: 'Memory of the node in MiB.',
    values: 'a whole number of at least 1',
    whenUnset: 'that of the machine, or of the cgroup where it is less',
  })
  @number()
  @IsOptional()
  @IsInt()
  @Min(1)
  readonly memoryMib?: number;

  @Setting({
    name: 'ROLLBOOK_NODE_DISK',
    description: 'Disk space of the node in MiB.',
    values: 'a whole number of at least 1',
    whenUnset: 'what is free where the data directory is',
  })
  @number()
  @IsOptional()
  @IsInt()
  @Min(1)
  readonly diskMib?: number;

  @Setting({
    name: 'ROLLBOOK_RESERVED_CPU',
    description: 'MHz of the node that no allocation gets.',
    values: 'a whole number',
  })
  @number()
  @IsInt()
  @Min(0)
  readonly reservedCpuMhz: number = 0;

  @Setting({
    name: 'ROLLBOOK_RESERVED_MEMORY',
    description: 'MiB of memory that no allocation gets: the agent itself takes about 100.',
    values: 'a whole number',
  })
  @number()
  @IsInt()
  @Min(0)
  readonly reservedMemoryMib: number = 0;

  @Setting({
    name: 'ROLLBOOK_RESERVED_DISK',
    description: 'MiB of disk space that no allocation gets.',
    values: 'a whole number',
  })
  @number()
  @IsInt()
  @Min(0)
  readonly reservedDiskMib: number = 0;

  @Setting({
    name: 'ROLLBOOK_RESERVED_PORTS',
    description: 'Ports that no allocation gets.',
    values: 'ports and ranges (`22,8500-8600`) with commas between',
    whenUnset: 'none',
  })
  @list()
  @IsOptional()
  @Matches(PORTS, { each: true })
  readonly reservedPorts?: readonly string[];

  @Setting({
    name: 'ROLLBOOK_DYNAMIC_PORT_MIN',
    description: 'Lowest port that allocations get where they ask for any.',
    values: `a whole number from 1 to ${HIGHEST_PORT}`,
  })
  @number()
  @IsInt()
  @Min(1)
  @Max(HIGHEST_PORT)
  readonly minDynamicPort: number = 20_000;

  @Setting({
    name: 'ROLLBOOK_DYNAMIC_PORT_MAX',
    description: 'Highest of them.',
    values: `a whole number from 1 to ${HIGHEST_PORT}`,
  })
  @number()
  @IsInt()
  @Min(1)
  @Max(HIGHEST_PORT)
  readonly maxDynamicPort: number = 32_000;

  @Setting({
    name: 'ROLLBOOK_LOG_LEVEL',
    description: 'The least severe messages that are logged. Readable lines on a terminal, JSON elsewhere.',
    values: `one of ${LOG_LEVELS.map((level) => `\`${level}\``).join(', ')}`,
  })
  @IsIn(LOG_LEVELS)
  readonly logLevel: LogLevel = 'info';
}
