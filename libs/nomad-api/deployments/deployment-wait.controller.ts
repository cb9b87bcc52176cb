import { Controller, Get, Req, Res } from '@nestjs/common';
import { renderDeploymentWait, type DeploymentState } from '@app/domain';
import { deploymentStream } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { idOf, orThrow } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, notFound, Reads } from '../edge/reads.js';
import { parseUuid } from '../http/index.js';

/** Beyond Nomad: for what a deployment waits, since when and for whom. Blocking queries work as everywhere. */
@Controller('v1/operator/rollbook')
export class DeploymentWaitController {
  constructor(
    private readonly reads: Reads,
    private readonly objects: Objects,
  ) {}

  @Get('deployment/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const id = orThrow(parseUuid(idOf(request)), 'deployment lookup failed: ');
    return this.reads.send(request, reply, options, {
      key: `wait/${id}`,
      topics: [deploymentStream(id), 'table:allocation'],
      missTopics: ['table:deployment'],
      load: async (moment) => {
        const index = moment.tableIndex('deployment', 'allocation');
        const [state] = await this.objects.states<DeploymentState>([deploymentStream(id)]);
        if (state === undefined || state.purged) return notFound('deployment not found', index);
        const canaries = await this.objects.allocations(
          Object.values(state.groups).flatMap((group) => group.placedCanaries),
        );
        return jsonAnswer(JSON.stringify(renderDeploymentWait(state, canaries)), index, undefined, state.namespace);
      },
    });
  }
}
