import { Controller, Get, Req, Res } from '@nestjs/common';
import type { Leases } from '@app/event-store';
import { isoFromUs } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendJson } from '../edge/reads.js';

/** Who leads what, as the store knows it now; `self` is this instance's name as a holder. */
export class LeaseBook {
  constructor(
    private readonly leases: Pick<Leases, 'listLeases'>,
    private readonly self: string,
  ) {}

  /** A released or expired lease has no holder; its epoch stays, as the next one counts on from it. */
  async read(): Promise<readonly object[]> {
    return (await this.leases.listLeases()).map(({ name, holder, epoch, expiresAt, expired }) => ({
      Name: name,
      Holder: expired ? '' : holder,
      Epoch: epoch,
      Expires: isoFromUs(expiresAt),
      ThisInstance: !expired && holder === this.self,
    }));
  }
}

/** Beyond Nomad: the leases of the reactors and of the relay. */
@Controller('v1/operator/rollbook')
export class LeasesController {
  constructor(private readonly book: LeaseBook) {}

  @Get('leases')
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    sendJson(request, reply, await this.book.read());
  }
}
