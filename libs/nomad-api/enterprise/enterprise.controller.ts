import { All, Controller, Get, Post, Put, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Reads } from '../edge/reads.js';
import { NomadError } from '../http/index.js';

const enterpriseOnly = (): NomadError => new NomadError('Nomad Enterprise only endpoint', 501);

/** Nomad: what its community edition has no part of; spec/http-api-more §18. */
@Controller('v1')
export class EnterpriseController {
  constructor(private readonly reads: Reads) {}

  @All([
    'quotas',
    'quota-usages',
    'quota',
    'quota/*',
    'sentinel/policies',
    'sentinel/policy/*',
    'recommendations',
    'recommendations/apply',
    'recommendation',
    'recommendation/*',
  ])
  everything(): never {
    throw enterpriseOnly();
  }

  /** There is no licence. */
  @Get('operator/license')
  license(@Res() reply: FastifyReply): void {
    void reply.code(204).send();
  }

  @Put('operator/license')
  putLicense(): never {
    throw enterpriseOnly();
  }

  @Post('operator/utilization')
  utilization(): never {
    throw enterpriseOnly();
  }

  /** Whose jobs would need an identity for Vault: nobody's, as none with Vault is registered. */
  @Get('operator/upgrade-check/vault-workload-identity')
  upgradeCheck(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.reads.send(request, reply, this.reads.options(request), {
      key: 'upgrade-check',
      topics: ['table:job'],
      load: (moment) => {
        const index = Math.max(1, moment.tableIndex('job'));
        const body = { JobsWithoutVaultIdentity: [], OutdatedNodes: [], VaultTokens: null };
        const about = { Index: index, LastContact: 0, KnownLeader: true, NextToken: '' };
        return Promise.resolve({ status: 200, index, body: Buffer.from(JSON.stringify({ ...body, ...about })) });
      },
    });
  }

  @Get('operator/upgrade-check/*')
  unknownCheck(@Req() request: FastifyRequest): never {
    throw new NomadError(`Path ${request.raw.url?.split('?', 1)[0]} not found`, 404);
  }
}
