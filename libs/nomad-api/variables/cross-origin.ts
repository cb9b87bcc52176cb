import type { FastifyReply } from 'fastify';

/** Nomad lets pages of other origins read variables. */
export const allowOtherOrigins = (reply: FastifyReply): void => {
  reply.headers({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Credentials': 'true' });
};
