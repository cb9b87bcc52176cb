import type { Server } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import { ClientLimits, fastifyOptions, isLoopbackAddress, limitConnections, spanOf, type Gate } from '@app/nomad-api';
import {
  networks,
  openTlsFiles,
  StartupError,
  watchTlsFiles,
  type Configuration,
  type Logger,
  type TlsFiles,
  type TlsMaterial,
} from '@app/platform';
import type { FastifyServerOptions } from 'fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { linked } from './log-commits.js';

/** How this server is listened to: with TLS or without, behind which proxies, and what each client may have. */
export interface Listener {
  readonly adapter: FastifyAdapter;
  readonly gate: Gate;
  readonly tls: TlsMaterial | undefined;
  /** Ends what follows the files. */
  readonly close: () => void;
}

/** Makes the listener of a configuration; it does not listen yet. @throws StartupError if its certificate cannot be used */
export function listenerOf(configuration: Configuration, log: Logger): Listener {
  const { httpAddress, allowedOrigins, allowedHosts, trustedProxies, tlsVerifyClients } = configuration;
  const isProxy = networks(trustedProxies);
  const files = tlsFilesOf(configuration);
  const tls = files && openTlsFiles(files);
  const verifies = files?.ca !== undefined && tlsVerifyClients;
  const options = {
    ...fastifyOptions,
    ...(trustedProxies.length === 0 ? {} : { trustProxy: isProxy }),
    ...(tls === undefined ? {} : { https: { ...tls, requestCert: verifies, rejectUnauthorized: verifies } }),
  };
  const adapter = new FastifyAdapter(options as FastifyServerOptions);
  const limits = new ClientLimits(
    {
      connections: configuration.limitConnections,
      requests: configuration.limitRequests,
      waiting: configuration.limitWaiting,
      streams: configuration.limitStreams,
    },
    () => performance.now(),
  );
  const server = adapter.getInstance().server as Server;
  limitConnections(server, limits, { isProxy, event: tls === undefined ? 'connection' : 'secureConnection' });
  const unwatch = files && watchTlsFiles(files, (material) => (server as TlsServer).setSecureContext(material), log);
  return {
    adapter,
    tls,
    gate: {
      sites: { isLoopback: isLoopbackAddress(httpAddress), allowedOrigins, allowedHosts },
      limits,
      onAnswer(request, reply) {
        if (!log.isLevelEnabled('debug')) return;
        const { id, method, raw, ip } = request;
        const { statusCode, elapsedTime } = reply;
        const index = reply.getHeader('x-nomad-index');
        log.debug(
          {
            ...linked(id, spanOf(request)),
            method,
            path: raw.url?.split('?', 1)[0],
            from: ip,
            statusCode,
            ms: elapsedTime,
            ...(index !== undefined && { index: Number(index) }),
          },
          'answered',
        );
      },
    },
    close: () => unwatch?.(),
  };
}

function tlsFilesOf({ tlsCert: cert, tlsKey: key, tlsCa: ca }: Configuration): TlsFiles | undefined {
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new StartupError('TLS needs both ROLLBOOK_TLS_CERT and ROLLBOOK_TLS_KEY.', 2);
  return { cert, key, ...(ca === undefined ? {} : { ca }) };
}
