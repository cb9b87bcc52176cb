import { Controller, Get, Req, Res } from '@nestjs/common';
import { renderEvaluation, renderEvaluationStub, type EvaluationState } from '@app/domain';
import { evaluationStream } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { idOf, orThrow, queryOf } from '../edge/exchange.js';
import { Lists, type ListEndpoint } from '../edge/lists.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, Reads } from '../edge/reads.js';
import { evaluationType, FILTER_WITH_OTHER_PARAMETERS, NomadError, param, parseUuid } from '../http/index.js';

const LOOKUP = 'failed to lookup eval: eval lookup failed: ';

/** Nomad: /v1/evaluations and /v1/evaluation; spec/http-api §4.5. */
@Controller('v1')
export class EvaluationsController {
  constructor(
    private readonly reads: Reads,
    private readonly lists: Lists,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
  ) {}

  @Get('evaluations')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const query = queryOf(request);
    const [job, status] = [param(query, 'job'), param(query, 'status')];
    if (options.filter !== '' && (job !== '' || status !== '')) throw new NomadError(FILTER_WITH_OTHER_PARAMETERS);
    const where = { ...(job === '' ? {} : { job_id: job }), ...(status === '' ? {} : { status }) };
    return this.reads.send(request, reply, options, (access) =>
      this.lists.query(endpoint(where), options, access.visibility()),
    );
  }

  @Get('evaluations/count')
  count(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const all = { ...options, perPage: 0, nextToken: '' };
    const counted = (list: DataQuery): DataQuery => ({
      ...list,
      key: `count ${list.key}`,
      load: async () => {
        const { body, index } = await list.load();
        const Count = (JSON.parse(body.toString()) as unknown[]).length;
        return jsonAnswer(
          JSON.stringify({ Count, Index: index, LastContact: 0, KnownLeader: true, NextToken: '' }),
          index,
        );
      },
    });
    return this.reads.send(request, reply, options, (access) =>
      counted(this.lists.query(endpoint({}), all, access.visibility())),
    );
  }

  @Get('evaluation/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const id = orThrow(parseUuid(idOf(request)), LOOKUP);
    if (param(queryOf(request), 'related') !== 'true') {
      return this.reads.send(request, reply, options, this.objects.row('evaluation', id, 'eval not found'));
    }
    const query = this.objects.rendered(
      evaluationStream(id),
      'evaluation',
      { text: 'eval not found' },
      async (state) => {
        const evaluation = state as EvaluationState;
        if (evaluation.purged) return undefined;
        const related = await this.relatives(evaluation);
        const RelatedEvals = related.length === 0 ? undefined : related.map(renderEvaluationStub);
        return {
          text: JSON.stringify({ ...renderEvaluation(evaluation), RelatedEvals }),
          index: evaluation.modifyIndex,
          namespace: evaluation.namespace,
        };
      },
      'related',
    );
    // Relatives move on their own: the answer depends on all of them.
    return this.reads.send(request, reply, options, { ...query, topics: ['table:evaluation'] });
  }

  @Get('evaluation/:id/allocations')
  allocations(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const id = orThrow(parseUuid(idOf(request)), idOf(request) === '' ? LOOKUP : '');
    return this.reads.send(request, reply, options, this.objects.rows('allocation', { eval_id: id }));
  }

  /** Everything that is linked with an evaluation by next, previous and blocked, however many steps away. */
  private async relatives(evaluation: EvaluationState): Promise<EvaluationState[]> {
    const ids = await this.readModels.keys('evaluation', { namespace: evaluation.namespace, job_id: evaluation.jobId });
    const states = await this.objects.states<EvaluationState>(ids.map(evaluationStream));
    const byId = new Map(states.filter((state) => state !== undefined).map((state) => [state.id, state]));
    const found = new Set<string>([evaluation.id]);
    const todo = [evaluation];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      for (const id of [next.nextEval, next.previousEval, next.blockedEval]) {
        const state = byId.get(id);
        if (state === undefined || found.has(id)) continue;
        found.add(id);
        todo.push(state);
      }
    }
    found.delete(evaluation.id);
    return [...found].map((id) => byId.get(id)!);
  }
}

const endpoint = (where: ListEndpoint['where']): ListEndpoint => ({
  table: 'evaluation',
  tables: ['evaluation'],
  where,
  uuidPrefix: 'eval lookup failed: ',
  filterType: evaluationType,
  filterColumns: { ID: 'id', Namespace: 'namespace', JobID: 'job_id', Status: 'status' },
  objects: (rows) => Promise.resolve(rows.map((row) => JSON.parse(row.document) as object)),
});
