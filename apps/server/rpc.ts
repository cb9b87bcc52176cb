import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { NodeCalls, NodeSessions, rpcEndpoint } from '@app/client-agents';
import { MANAGEMENT, NO_PERMISSIONS } from '@app/domain';
import { JoinTokens, TokenCallers, type NodeCalls as NodeCallsPort } from '@app/nomad-api';
import {
  explainListenFailure,
  histogramOf,
  openTlsFiles,
  StartupError,
  watchTlsFiles,
  type Configuration,
  type Logger,
  type Shutdown,
  type TlsFiles,
  type TlsMaterial,
} from '@app/platform';
import { heartbeatTtlMs, type ClusterState } from '@app/reactors';
import { ServerDirectory } from '@app/read-models';
import type { Core } from './core.js';
import { traceNodes } from './traces.js';

const RENEW_MS = 5000;
const MS_PER_S = 1_000;
const SECRET_BYTES = 32;

/** Serves Nomad's client agents, and finds the way to all nodes: a part of the api role. */
export async function startRpc(
  configuration: Configuration,
  core: Core,
  cluster: ClusterState | undefined,
  log: Logger,
  shutdown: Shutdown,
): Promise<NodeCallsPort> {
  const { instance } = core;
  const directory = new ServerDirectory(core.dataSource);
  const unsaid = (err: unknown): void => log.warn({ err }, 'the directory of servers cannot be written; trying again');
  const sessions = new NodeSessions((nodeId, isHere) => {
    const change = isHere ? directory.noteSession(nodeId, instance) : directory.dropSession(nodeId, instance);
    change.catch(unsaid);
  });
  const joinTokens = new JoinTokens(configuration.joinTokens, core.identities);
  const callers = new TokenCallers({ ...core, now: core.clock.now });
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const files = tlsFilesOf(configuration);
  const material = files && openTlsFiles(files);
  const calls = new NodeCalls({
    instance,
    secret,
    sessions,
    directory,
    tls: material && { ...material, servername: `server.${configuration.region}.nomad` },
  });
  let servers: readonly string[] = [];
  const nodeCount = (): number => cluster?.nodes().length ?? 0;
  const callSeconds = histogramOf(core.metrics, 'rollbook_rpc_call_seconds');
  const listener = rpcEndpoint({
    ...(material && { tls: withClients(material), requireTls: true }),
    services: {
      ...core,
      region: configuration.region,
      permissionsOf: async (allocation, task) =>
        configuration.acl ? (await callers.ofTask(allocation, task)).permissions : MANAGEMENT,
      policiesOf: async (allocation, task) =>
        configuration.acl ? (await callers.ofTask(allocation, task)).policies : [],
      checksTokens: configuration.acl,
      permissionsOfNodes: configuration.acl ? NO_PERMISSIONS : MANAGEMENT,
      datacenter: configuration.datacenter,
      ttlMs: () => heartbeatTtlMs(nodeCount()) * (1 + Math.random()),
      servers: () => servers,
      nodeCount,
      mayJoin: (token, node) => joinTokens.admits(token, node),
      random: Math.random,
      beginSpan: core.tracing && traceNodes(core.tracing),
    },
    sessions,
    maxConnectionsPerAddress: configuration.rpcMaxConnections,
    tunnelTo: (given, nodeId) => calls.tunnelTo(given, nodeId),
    onFault: (err, method) => log.error({ err, method }, 'a call of a node failed'),
    onCall: (method, outcome, ms) => callSeconds.observe({ method, outcome }, ms / MS_PER_S),
    onBadPeer: (err, remoteAddress) => log.warn({ err, remoteAddress }, 'an RPC connection ended badly'),
  });
  const unwatch = files && watchTlsFiles(files, (fresh) => listener.useCertificates(withClients(fresh)), log);
  const address = await listen();
  if (address !== undefined) await enter(address);
  shutdown.on('intake', 'rpc', async () => {
    unwatch?.();
    await calls.close();
    await listener.close();
  });
  return {
    call: (...given) => calls.call(...given),
    stream: (...given) => calls.stream(...given),
    adopt: (nodeId: string, socket: Duplex, remoteAddress: string) =>
      sessions.note(nodeId, listener.adopt(socket, remoteAddress)),
  };

  /** Where others reach this instance; undefined: it does not listen. */
  async function listen(): Promise<string | undefined> {
    const { rpcAddress: host, rpcPort, httpPort, rpcAdvertise } = configuration;
    const wanted = rpcPort ?? (httpPort === 0 ? 0 : httpPort + 1);
    if (wanted === 'off') return undefined;
    const port = await listener.listen(wanted, host).catch((error: unknown) => {
      const settings = { portSetting: 'ROLLBOOK_RPC_PORT', addressSetting: 'ROLLBOOK_RPC_ADDR' };
      throw explainListenFailure(error, { host, port: wanted, ...settings });
    });
    return rpcAdvertise ?? `${host}:${port}`;
  }

  /** Says that this instance is there, and goes on saying so. */
  async function enter(rpcAddress: string): Promise<void> {
    const renew = async (): Promise<void> => {
      await directory.renew({ instance, rpcAddress, secret });
      await directory.restoreSessions(sessions.nodeIds, instance);
      const others = (await directory.servers()).map((one) => one.rpcAddress).filter((one) => one !== rpcAddress);
      servers = [rpcAddress, ...new Set(others)];
    };
    await renew();
    const timer = setInterval(() => void renew().catch(unsaid), RENEW_MS);
    shutdown.on('intake', 'directory of servers', async () => {
      clearInterval(timer);
      await directory.leave(instance).catch(unsaid);
    });
    log.info({ rpcAddress }, 'serving client agents');
  }
}

/** Clients show certificates where there is somebody to have signed them. */
const withClients = (material: TlsMaterial) => ({ ...material, verifyClient: material.ca !== undefined });

/** The files of the settings; undefined: RPC is not encrypted. @throws StartupError for half of a pair */
function tlsFilesOf({ rpcTlsCa, rpcTlsCert, rpcTlsKey }: Configuration): TlsFiles | undefined {
  if (rpcTlsCert === undefined && rpcTlsKey === undefined && rpcTlsCa === undefined) return undefined;
  if (rpcTlsCert === undefined || rpcTlsKey === undefined)
    throw new StartupError('ROLLBOOK_RPC_TLS_CERT and ROLLBOOK_RPC_TLS_KEY are needed both', 1);
  return { cert: rpcTlsCert, key: rpcTlsKey, ...(rpcTlsCa === undefined ? {} : { ca: rpcTlsCa }) };
}
