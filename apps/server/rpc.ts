import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { NodeCalls, NodeSessions, rpcEndpoint, type RpcEndpointOptions } from '@app/client-agents';
import { JoinTokens, type NodeCalls as NodeCallsPort } from '@app/nomad-api';
import { explainListenFailure, StartupError, type Configuration, type Logger, type Shutdown } from '@app/platform';
import { heartbeatTtlMs, type ClusterState } from '@app/reactors';
import { ServerDirectory } from '@app/read-models';
import type { Core } from './core.js';

const RENEW_MS = 5000;
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
  const joinTokens = new JoinTokens(configuration.joinTokens);
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  const { tls, requireTls } = tlsOf(configuration);
  const calls = new NodeCalls({
    instance,
    secret,
    sessions,
    directory,
    tls: tls && { ...tls, servername: `server.${configuration.region}.nomad` },
  });
  let servers: readonly string[] = [];
  const nodeCount = (): number => cluster?.nodes().length ?? 0;
  const listener = rpcEndpoint({
    ...(tls && { tls, requireTls: requireTls! }),
    services: {
      ...core,
      region: configuration.region,
      aclEnabled: configuration.acl,
      datacenter: configuration.datacenter,
      ttlMs: () => heartbeatTtlMs(nodeCount()) * (1 + Math.random()),
      servers: () => servers,
      nodeCount,
      mayJoin: (token) => joinTokens.admits(token),
      random: Math.random,
    },
    sessions,
    maxConnectionsPerAddress: configuration.rpcMaxConnections,
    tunnelTo: (given, nodeId) => calls.tunnelTo(given, nodeId),
    onFault: (err, method) => log.error({ err, method }, 'a call of a node failed'),
    onBadPeer: (err, remoteAddress) => log.warn({ err, remoteAddress }, 'an RPC connection ended badly'),
  });
  const address = await listen();
  if (address !== undefined) await enter(address);
  shutdown.on('intake', 'rpc', async () => {
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

/** @throws StartupError for files that cannot be read, or half of a pair */
function tlsOf(configuration: Configuration): Pick<RpcEndpointOptions, 'tls' | 'requireTls'> {
  const { rpcTlsCa, rpcTlsCert, rpcTlsKey } = configuration;
  if (rpcTlsCert === undefined && rpcTlsKey === undefined && rpcTlsCa === undefined) return {};
  if (rpcTlsCert === undefined || rpcTlsKey === undefined)
    throw new StartupError('ROLLBOOK_RPC_TLS_CERT and ROLLBOOK_RPC_TLS_KEY are needed both', 1);
  const file = (name: string, path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new StartupError(`${name}: ${(error as Error).message}`, 1, { cause: error });
    }
  };
  return {
    tls: {
      cert: file('ROLLBOOK_RPC_TLS_CERT', rpcTlsCert),
      key: file('ROLLBOOK_RPC_TLS_KEY', rpcTlsKey),
      ...(rpcTlsCa === undefined ? {} : { ca: file('ROLLBOOK_RPC_TLS_CA', rpcTlsCa) }),
      verifyClient: rpcTlsCa !== undefined,
    },
    requireTls: true,
  };
}
