import { Controller, Get, Req, Res } from '@nestjs/common';
import { renderScalingPolicy } from '@app/domain';
import { scalingPolicyStream } from '@app/kernel';
import { ReadModels, type ListQuery } from '@app/read-models';
import type { Moment, Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Visibility } from '../acl/access.js';
import { idOf, queryOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, notFound, Reads } from '../edge/reads.js';
import { param, parseUuid, parseUuidPrefix, type ReadOptions } from '../http/index.js';

const MISSING = 'policy not found';

interface Stub {
  readonly Type: string;
  readonly Target: { readonly Namespace: string };
}

/** Nomad: /v1/scaling; spec/http-api-more §15. Scalers wait at both. */
@Controller('v1/scaling')
export class ScalingPoliciesController {
  constructor(
    private readonly reads: Reads,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
  ) {}

  /** Neither filtered nor paged. */
  @Get('policies')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const parameters = queryOf(request);
    const [job, type] = [param(parameters, 'job'), param(parameters, 'type')];
    return this.reads.send(request, reply, options, (access) =>
      this.query(options, { job, type }, access.visibility()),
    );
  }

  private query(
    { namespace, prefix }: ReadOptions,
    { job, type }: { readonly job: string; readonly type: string },
    visibility: Visibility,
  ): DataQuery {
    const everywhere = namespace === '*';
    return {
      key: JSON.stringify(['scaling policies', namespace, prefix, job, type, everywhere && visibility.key]),
      topics: ['table:scaling_policy'],
      load: async (moment) => {
        const rows = await this.rows(
          {
            table: 'scaling_policy',
            where: {
              ...(everywhere ? {} : { namespace }),
              // The beginning of an id counts before the job.
              ...(prefix === '' && job !== '' ? { job_id: job } : {}),
            },
            order: 'key',
          },
          prefix,
        );
        const texts = rows
          .map(({ document }) => document)
          .filter((document) => {
            const { Type, Target } = JSON.parse(document) as Stub;
            return Type.startsWith(type) && (!everywhere || visibility.sees(Target.Namespace));
          });
        return jsonAnswer(`[${texts.join(',')}]`, moment.tableIndex('scaling_policy'));
      },
    };
  }

  /** What no id begins with finds nothing. */
  private async rows(query: ListQuery, prefix: string) {
    if (prefix === '') return this.readModels.list(query);
    const value = parseUuidPrefix(prefix);
    return value.ok ? this.readModels.list({ ...query, prefix: { column: 'id', value: value.value } }) : [];
  }

  @Get('policy/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const id = parseUuid(idOf(request));
    if (!id.ok) {
      const topics = ['table:scaling_policy'] as const;
      const load = (moment: Moment) => Promise.resolve(notFound(MISSING, moment.tableIndex('scaling_policy')));
      return this.reads.send(request, reply, options, { key: 'no scaling policy', topics, load });
    }
    const query = this.objects.one(scalingPolicyStream(id.value), 'scaling_policy', MISSING, renderScalingPolicy);
    return this.reads.send(request, reply, options, query);
  }
}
