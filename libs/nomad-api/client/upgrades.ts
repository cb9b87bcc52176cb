import type { IncomingMessage, Server } from 'node:http';
import { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** The connection of a request that asks for another protocol. */
export interface Upgrade {
  readonly socket: Duplex;
  /** What came behind the request already. */
  readonly head: Buffer;
}

const UPGRADES = new WeakMap<IncomingMessage, Upgrade>();

/** What a request wants to go on with, if it asked for another protocol. */
export const upgradeOf = (request: FastifyRequest): Upgrade | undefined => UPGRADES.get(request.raw);

/**
 * Lets requests that ask for another protocol take the way of all others: the same hooks, checks and routes, and the same answers to those
 * that are refused. A handler that goes on with the connection hijacks its reply.
 */
export function routeUpgrades(server: Server, fastify: FastifyInstance): void {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined);
    UPGRADES.set(request, { socket, head });
    const response = new ServerResponse(request);
    response.assignSocket(socket as never);
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.end());
    fastify.routing(request, response);
  });
}
