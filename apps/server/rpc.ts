import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { JoinTokens } from '@app/nomad-api';
import { NodeSessions, rpcEndpoint, type RpcEndpointOptions } from '@app/nomad-rpc';
import { explainListenFailure, StartupError, type Configuration, type Logger, type Shutdown } from '@app/platform';
import { heartbeatTtlMs, type ClusterState } from '@app/reactors';
import { ServerDirectory } from '@app/read-models';
import type { Core } from './core.js';

const RENEW_MS = 5000;
const SECRET_BYTES = 32;

/** Serves Nomad's client agents: a part of the api role. */
export async function startRpc(
  configuration: Configuration,
  core: Core,
  cluster: ClusterState | undefined,
  log: Logger,
  shutdown: Shutdown,
): Promise<void> {
  const wanted = configuration.rpcPort ?? (configuration.httpPort === 0 ? 0 : configuration.httpPort + 1);
  if (wanted === 'off') return;
  const { instance } = core;
  const directory = new ServerDirectory(core.dataSource);
  const unsaid = (err: unknown): void => log.warn({ err }, 'the directory of servers cannot be written; trying again');
  const sessions = new NodeSessions((nodeId, isHere) => {
    const change = isHere ? directory.noteSession(nodeId, instance) : directory.dropSession(nodeId, instance);
    change.catch(unsaid);
  });
  const joinTokens = new JoinTokens(configuration.joinTokens);
  let servers: readonly string[] = [];
  const nodeCount = (): number => cluster?.nodes().length ?? 0;
  const listener = rpcEndpoint({
    ...tlsOf(configuration),
    services: {
      ...core,
      region: configuration.region,
      datacenter: configuration.datacenter,
      ttlMs: () => heartbeatTtlMs(nodeCount()) * (1 + Math.random()),
      servers: () => servers,
      nodeCount,
      mayJoin: (token) => joinTokens.admits(token),
      random: Math.random,
    },
    sessions,
    onFault: (err, method) => log.error({ err, method }, 'a call of a node failed'),
    onBadPeer: (err, remoteAddress) => log.warn({ err, remoteAddress }, 'an RPC connection ended badly'),
  });
  const port = await listener.listen(wanted, configuration.rpcAddress).catch((error: unknown) => {
    throw explainListenFailure(error, {
      host: configuration.rpcAddress,
      port: wanted,
      portSetting: 'ROLLBOOK_RPC_PORT',
      addressSetting: 'ROLLBOOK_RPC_ADDR',
    });
  });
  const rpcAddress = configuration.rpcAdvertise ?? `${configuration.rpcAddress}:${port}`;
  const entry = { instance, rpcAddress, secret: randomBytes(SECRET_BYTES).toString('base64url') };
  const renew = async (): Promise<void> => {
    await directory.renew(entry);
    const others = (await directory.servers()).map((one) => one.rpcAddress).filter((one) => one !== rpcAddress);
    servers = [rpcAddress, ...new Set(others)];
  };
  await renew();
  const timer = setInterval(() => void renew().catch(unsaid), RENEW_MS);
  shutdown.on('intake', 'rpc', async () => {
    clearInterval(timer);
    await directory.leave(instance).catch(unsaid);
    await listener.close();
  });
  log.info({ rpcAddress }, 'serving client agents');
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
