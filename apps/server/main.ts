import { join, resolve } from 'node:path';
import { startAgent, type Agent, type ServerTls } from '@app/agent';
import {
  createLogger,
  createShutdown,
  loadConfiguration,
  LogTap,
  outliveFaults,
  runMain,
  startEmbeddedPostgres,
  type Configuration,
  type Logger,
  type Shutdown,
  type TlsMaterial,
} from '@app/platform';
import { devNodeName, serverName, startApi } from './api.js';
import { banner } from './banner.js';
import { startCore, type Core } from './core.js';
import { startReactors } from './reactors.js';
import { relaySettings, startRelay } from './relay.js';
import { startReplica } from './replica.js';
import { startRpc } from './rpc.js';
import { startWebhooks } from './webhooks.js';

/** One server process; its roles are a matter of configuration. Composition only. */
async function main(): Promise<void> {
  const configuration = loadConfiguration(process.env);
  // Before anything runs: a setting that is wrong ends the start.
  const kafka = relaySettings(configuration);
  const logTap = new LogTap();
  const log = createLogger({ level: configuration.logLevel, tap: logTap });
  outliveFaults((err, kind) => log.error({ err, kind }, 'a fault that nobody caught'), process);
  const shutdown = createShutdown({ log });
  shutdown.listen();
  const databaseUrl = configuration.databaseUrl ?? (await embeddedDatabase(configuration, log, shutdown));
  const core = await startCore(configuration, databaseUrl, log, shutdown);
  const cluster = configuration.roles.includes('scheduler') ? await startReactors(core, log, shutdown) : undefined;
  if (configuration.roles.includes('scheduler')) startWebhooks(core, log, shutdown);
  if (kafka !== undefined) startRelay(core, kafka, log, shutdown);
  let api: Awaited<ReturnType<typeof startApi>> | undefined;
  if (configuration.roles.includes('api')) {
    const nodeCalls = await startRpc(configuration, core, cluster, log, shutdown);
    const replica = startReplica(configuration, core, log, shutdown);
    api = await startApi(configuration, core, cluster, { nodeCalls, logTap, replica }, log, shutdown);
  }
  if (api !== undefined) await startDevNodes(configuration, core, api, log, shutdown);
  const address = api?.address;
  log.info({ address, roles: configuration.roles }, 'started');
  if (configuration.devNodes > 0 && address !== undefined) process.stdout.write(banner(configuration, address));
}

async function embeddedDatabase(configuration: Configuration, log: Logger, shutdown: Shutdown): Promise<string> {
  const postgres = await startEmbeddedPostgres({ dataDir: configuration.dataDir, log: (message) => log.info(message) });
  shutdown.on('pools', 'embedded postgres', () => postgres.stop());
  return postgres.url;
}

/** To the server of its own process a node shows the server's certificate; whose that is need not be asked. */
const ownCertificate = ({ cert, key }: TlsMaterial): ServerTls => ({ cert, key, rejectUnauthorized: false });

/** Nodes inside this process. Their tasks outlive it, as those of any agent. */
async function startDevNodes(
  configuration: Configuration,
  core: Core,
  api: Awaited<ReturnType<typeof startApi>>,
  log: Logger,
  shutdown: Shutdown,
): Promise<void> {
  const agents: Agent[] = [];
  for (let n = 0; n < configuration.devNodes; n++) {
    agents.push(
      await startAgent({
        serverAddress: api.address,
        trust: { joinToken: configuration.joinTokens?.[0], tls: api.tls && ownCertificate(api.tls) },
        dataDir: resolve(join(configuration.dataDir, 'nodes', n === 0 ? 'dev' : `dev-${n + 1}`)),
        nodeName: devNodeName(serverName(core), n),
        datacenter: configuration.datacenter,
        // Nobody else is to reach a development node's tasks; Nomad's own are at this address, too.
        resources: { ip: '127.0.0.1' },
        log,
      }),
    );
  }
  shutdown.on('intake', 'dev nodes', async () => {
    await Promise.all(agents.map((agent) => agent.stop({ tasks: 'leave' })));
  });
}

runMain(main);
