import 'reflect-metadata';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { IdentityProviders } from '@app/identity-providers';
import {
  AccessControl,
  BodiesInFlight,
  ConsoleFiles,
  NomadApiModule,
  prepareFastify,
  Readiness,
  routeUpgrades,
  serveConsole,
  ServerIdentity,
  TokenCallers,
  type NodeCalls,
  type ProcessMetric,
} from '@app/nomad-api';
import {
  explainListenFailure,
  type Configuration,
  type Logger,
  type LogTap,
  type Shutdown,
  type TlsMaterial,
} from '@app/platform';
import { heartbeatTtlMs, Housekeeping, type ClusterState } from '@app/reactors';
import { GarbageSource, ServerDirectory } from '@app/read-models';
import { LogNotFollowed, type Replica } from '@app/streaming';
import type { Core } from './core.js';
import { measureHttp } from './http-metrics.js';
import { listenerOf } from './listener.js';
import { foresightOn } from './foresight.js';
import { linked } from './log-commits.js';
import { traceHttp } from './traces.js';
import { version } from './version.js';
import { webhookDesk } from './webhooks.js';

const READY_TIMEOUT_MS = 2000;

/** Serves HTTP: the api role. Returns the address it listens on, and its certificate. */
export async function startApi(
  configuration: Configuration,
  core: Core,
  cluster: ClusterState | undefined,
  {
    nodeCalls,
    logTap,
    replica,
  }: { readonly nodeCalls: NodeCalls; readonly logTap: LogTap; readonly replica: Replica | undefined },
  log: Logger,
  shutdown: Shutdown,
): Promise<{ readonly address: string; readonly tls: TlsMaterial | undefined }> {
  const { httpAddress, httpPort, region, datacenter, acl } = configuration;
  const name = serverName(core);
  const server = new ServerIdentity(
    name,
    region,
    datacenter,
    httpAddress,
    httpPort,
    version(),
    acl,
    configuration.devNodes > 0 ? devNodeName(name, 0) : undefined,
  );
  const onFault = (err: unknown, id: string, traceparent?: string): void =>
    log.error({ err, ...linked(id, traceparent) }, 'a request failed');
  const identityProviders = new IdentityProviders(core.clock.now);
  const module = NomadApiModule.on({
    ...core,
    identityProviders,
    nodeCalls,
    replica,
    directory: new ServerDirectory(core.dataSource),
    logLines: logTap,
    server,
    readiness: new Readiness(
      () => readinessProblem(core, shutdown),
      async () => ({ contentType: core.metrics.contentType, text: await core.metrics.render() }),
      () => core.metrics.registry.getMetricsAsJSON() as unknown as Promise<readonly ProcessMetric[]>,
    ),
    heartbeatTtlMs: () => heartbeatTtlMs(cluster?.nodes().length ?? 0),
    ...foresightOn(core, cluster),
    now: core.clock.now,
    webhooks: webhookDesk(core),
    housekeeping: new Housekeeping(new GarbageSource(core.dataSource), core.handler, core.clock.now),
    onFault,
    joinTokens: configuration.joinTokens,
    dataDir: configuration.dataDir,
  });
  const { adapter, gate, tls, close } = listenerOf(configuration, log);
  const accessControl = acl
    ? new AccessControl(new TokenCallers({ ...core, now: core.clock.now }), core.tail, onFault)
    : undefined;
  const bodies = new BodiesInFlight();
  measureHttp(adapter.getInstance(), core.metrics, bodies);
  if (core.tracing !== undefined) traceHttp(adapter.getInstance(), core.tracing);
  const { complete } = prepareFastify(adapter.getInstance(), { accessControl, gate, bodies });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, { logger: false, bodyParser: false });
  await app.init();
  serveConsole(adapter.getInstance(), await ConsoleFiles.read(join(__dirname, '../../console')));
  complete();
  routeUpgrades(app.getHttpServer(), adapter.getInstance());
  await app.listen(httpPort, httpAddress).catch((error: unknown) => {
    throw explainListenFailure(error, {
      host: httpAddress,
      port: httpPort,
      portSetting: 'ROLLBOOK_HTTP_PORT',
      addressSetting: 'ROLLBOOK_HTTP_ADDR',
    });
  });
  // Waiting queries hold their sockets: they are answered before the listener closes.
  shutdown.on('intake', 'http', async () => {
    close();
    core.tail.answerWaiting();
    replica?.answerWaiting();
    await app.close();
    identityProviders.close();
  });
  return { address: (await app.getUrl()).replace('[::1]', 'localhost'), tls };
}

/** The name of this process's server. */
export const serverName = ({ instance }: Core): string => instance.split('/')[0]!;

/** What a node inside this process is called: as the server, as one agent of Nomad's is both; the others are numbered. */
export function devNodeName(serverName: string, n: number): string {
  return n === 0 ? serverName : `${serverName}-${n + 1}`;
}

async function readinessProblem({ tail, store }: Core, shutdown: Shutdown): Promise<string | undefined> {
  if (shutdown.hasBegun()) return 'shutting down';
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('it takes too long')), READY_TIMEOUT_MS);
    });
    await Promise.race([tail.readIndex(), late]);
  } catch (error) {
    if (error instanceof LogNotFollowed) return error.message;
    return `the event store does not answer: ${(error as Error).message}`;
  } finally {
    clearTimeout(timer);
  }
  return store.isDiskFull ? 'the disk of the event store is full' : undefined;
}
