import { Readable } from 'node:stream';
import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { eventsSeen } from '../acl/events-seen.js';
import { queryOf } from '../edge/exchange.js';
import { sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { NomadError, param, type Query } from '../http/index.js';
import { densityQuery, pageQuery } from './events-query.js';
import { Ledger } from './ledger.js';

/** Beyond Nomad: what happened, anywhere, to what, by whom and why. */
@Controller('v1/operator/rollbook/events')
export class LedgerController {
  constructor(
    private readonly ledger: Ledger,
    private readonly server: ServerIdentity,
  ) {}

  @Get()
  async events(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const seen = eventsSeen(accessOf(request));
    const lines = this.ledger.page(pageQuery(this.ownQuery(request)), seen);
    // What cannot be answered is refused before the answer has begun.
    const first = await lines.next();
    reply
      .type('application/x-ndjson')
      .header('Cache-Control', 'no-store')
      .send(Readable.from(from(first, lines)));
  }

  @Get('density')
  async density(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const seen = eventsSeen(accessOf(request));
    sendJson(request, reply, await this.ledger.density(densityQuery(this.ownQuery(request)), seen));
  }

  private ownQuery(request: FastifyRequest): Query {
    const query = queryOf(request);
    const region = param(query, 'region');
    if (region !== '' && region !== this.server.region) throw new NomadError('No path to region');
    return query;
  }
}

/** Goes on with what has begun; ends it when nobody takes any more. */
async function* from(first: IteratorResult<Buffer, void>, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}
