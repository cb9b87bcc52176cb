import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { startAgent, type ServerTls } from '@app/agent';
import {
  configured,
  createLogger,
  loadAgentConfiguration,
  outliveFaults,
  runMain,
  StartupError,
  type AgentConfiguration,
} from '@app/platform';

function readPem(setting: string, path: string | undefined): Buffer | undefined {
  try {
    return path === undefined ? undefined : readFileSync(path);
  } catch (error) {
    throw new Error(`${setting} must be a file that can be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** Certificates by the names that servers use for theirs: whose servers' must be signed by, and what the agent shows. */
function tlsOf({ tlsCa, tlsCert, tlsKey }: AgentConfiguration): ServerTls {
  const [ca, cert, key] = [
    readPem('ROLLBOOK_TLS_CA', tlsCa),
    readPem('ROLLBOOK_TLS_CERT', tlsCert),
    readPem('ROLLBOOK_TLS_KEY', tlsKey),
  ];
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** `rack=4` … The last of two with one key counts. */
const metaOf = (pairs: readonly string[]): Record<string, string> =>
  Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));

async function main(): Promise<void> {
  const configuration = loadAgentConfiguration(process.env);
  const tls = configured(() => tlsOf(configuration));
  const log = createLogger({ level: configuration.logLevel });
  outliveFaults((err, kind) => log.error({ err, kind }, 'a fault that nobody caught'), process);
  const agent = await startAgent({
    serverAddress: configuration.serverAddress,
    dataDir: resolve(configuration.dataDir),
    nodeName: configuration.nodeName ?? hostname(),
    datacenter: configuration.datacenter,
    nodePool: configuration.nodePool,
    nodeClass: configuration.nodeClass ?? '',
    meta: metaOf(configuration.nodeMeta ?? []),
    ...(configuration.drivers && { drivers: configuration.drivers }),
    resources: {
      cpuShares: configuration.cpuMhz,
      memoryMb: configuration.memoryMib,
      diskMb: configuration.diskMib,
      ip: configuration.nodeAddress,
      minDynamicPort: configuration.minDynamicPort,
      maxDynamicPort: configuration.maxDynamicPort,
      reserved: {
        cpuShares: configuration.reservedCpuMhz,
        memoryMb: configuration.reservedMemoryMib,
        diskMb: configuration.reservedDiskMib,
        ports: (configuration.reservedPorts ?? []).join(','),
      },
    },
    trust: { joinToken: configuration.joinTokens?.[0], tls },
    log,
  }).catch((error: unknown) => {
    throw new StartupError(`the agent cannot start: ${(error as Error).message}.`, 1, { cause: error });
  });
  // Tasks go on without the agent, as Nomad's do: the next agent on this directory finds them again.
  const stop = (): void => void agent.stop({ tasks: 'leave' });
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // Whoever started it with a channel takes it along.
  process.once('disconnect', stop);
  process.channel?.unref();
}

runMain(main);
