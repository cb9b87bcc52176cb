import { Controller, Get, Put, Req, Res } from '@nestjs/common';
import {
  chooseSchedulerConfiguration,
  DEFAULT_SCHEDULER_CONFIGURATION,
  renderSchedulerConfiguration,
  type SchedulerConfiguration,
  type SchedulerConfigurationState,
} from '@app/domain';
import { SCHEDULER_CONFIGURATION, type Index } from '@app/kernel';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, Reads } from '../edge/reads.js';
import { Writes } from '../edge/writes.js';
import {
  decodeBody,
  NomadError,
  param,
  parseUint64,
  schedulerConfigurationRequest,
  type SchedulerConfigurationRequest,
} from '../http/index.js';

/** No index is 0, and nothing came before this. */
const FIRST_INDEX = 1;

/** Nomad: /v1/operator/scheduler/configuration; spec/http-api §4.9. */
@Controller('v1/operator/scheduler')
export class SchedulerConfigurationController {
  constructor(
    private readonly reads: Reads,
    private readonly writes: Writes,
    private readonly objects: Objects,
  ) {}

  @Get('configuration')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query: DataQuery = {
      key: SCHEDULER_CONFIGURATION,
      topics: [SCHEDULER_CONFIGURATION],
      load: async () => {
        const [state] = await this.objects.states<SchedulerConfigurationState>([SCHEDULER_CONFIGURATION]);
        const index = state?.modifyIndex ?? FIRST_INDEX;
        const about = { Index: index, LastContact: 0, KnownLeader: true, NextToken: '' };
        return jsonAnswer(JSON.stringify({ SchedulerConfig: renderSchedulerConfiguration(state), ...about }), index);
      },
    };
    return this.reads.send(request, reply, this.reads.options(request), query);
  }

  @Put('configuration')
  choose(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const decoded = decodeBody(bodyOf(request), schedulerConfigurationRequest, { chunked: isChunked(request) });
    const configuration = configurationOf(orThrow(decoded, 'Error parsing scheduler config: ', 400));
    const enforceIndex = enforcedIndex(request);
    return this.writes.send(request, reply, {
      name: 'ChooseSchedulerConfiguration',
      reads: [SCHEDULER_CONFIGURATION],
      decide: (view, context) => chooseSchedulerConfiguration(view, context, { configuration, enforceIndex }),
      render: ({ updated }, index) => ({ Updated: updated, Index: index }),
    });
  }
}

function enforcedIndex(request: FastifyRequest): Index | null {
  const query = queryOf(request);
  if (!query.has('cas')) return null;
  return Number(orThrow(parseUint64(param(query, 'cas')), 'Error parsing cas value: ', 400));
}

/** What is not given is off, as in Nomad. */
function configurationOf(body: SchedulerConfigurationRequest): SchedulerConfiguration {
  const { SchedulerAlgorithm: algorithm = '', PreemptionConfig: preemption = {} } = body;
  if (algorithm !== '' && algorithm !== 'binpack' && algorithm !== 'spread')
    throw new NomadError(`invalid scheduler algorithm: ${algorithm}`, 400);
  return {
    algorithm: algorithm || DEFAULT_SCHEDULER_CONFIGURATION.algorithm,
    nodeLimit: body.NodeLimitForFeasibilityChecks || DEFAULT_SCHEDULER_CONFIGURATION.nodeLimit,
    preemption: {
      service: preemption.ServiceSchedulerEnabled ?? false,
      batch: preemption.BatchSchedulerEnabled ?? false,
      system: preemption.SystemSchedulerEnabled ?? false,
      sysbatch: preemption.SysBatchSchedulerEnabled ?? false,
    },
    memoryOversubscription: body.MemoryOversubscriptionEnabled ?? false,
    rejectRegistration: body.RejectJobRegistration ?? false,
    pauseBroker: body.PauseEvalBroker ?? false,
  };
}
