import { Controller, Post, Put, Req, Res } from '@nestjs/common';
import type { EventMeta } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { metaOf } from '../edge/exchange.js';
import { NomadError } from '../http/index.js';

/** What operators ask for by hand; given by the app. */
export abstract class SystemHousekeeping {
  abstract collectGarbage(meta: EventMeta): Promise<void>;
  abstract reconcileSummaries(meta: EventMeta): Promise<void>;
}

/** Nomad: /v1/system; spec/http-api §4.12. PUT only. */
@Controller('v1/system')
export class SystemController {
  constructor(private readonly housekeeping: SystemHousekeeping) {}

  @Put('gc')
  async gc(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.housekeeping.collectGarbage(metaOf(request));
    reply.code(200).send();
  }

  @Put('reconcile/summaries')
  async reconcile(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.housekeeping.reconcileSummaries(metaOf(request));
    reply.code(200).send();
  }

  /** Elsewhere POST is what PUT is; here Nomad refuses it. */
  @Post(['gc', 'reconcile/summaries'])
  post(): never {
    throw new NomadError('Invalid method', 405);
  }
}
