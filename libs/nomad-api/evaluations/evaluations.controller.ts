import { Controller, Delete, Get, Req, Res } from '@nestjs/common';
import { deleteEvaluations, renderEvaluation, renderEvaluationStub, type EvaluationState } from '@app/domain';
import { allocationStream, evaluationStream, SCHEDULER_CONFIGURATION, type Index } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Moment, Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { bodyOf, idOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import type { KeptEndpoint } from '../edge/list-endpoint.js';
import { Lists } from '../edge/lists.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, Reads, sendJson } from '../edge/reads.js';
import { wordingOf } from '../edge/rejections.js';
import { Writes } from '../edge/writes.js';
import {
  decodeBody,
  evaluationType,
  FILTER_EVALUATION_PREFIX,
  FILTER_WITH_OTHER_PARAMETERS,
  NomadError,
  param,
  parseUuid,
} from '../http/index.js';
import { EVALUATION_LOOKUP as LOOKUP, EvaluationDeletion, evaluationDeleteRequest } from './evaluation-deletion.js';

/** Nomad: /v1/evaluations and /v1/evaluation; spec/http-api §4.5. */
@Controller('v1')
export class EvaluationsController {
  constructor(
    private readonly reads: Reads,
    private readonly lists: Lists,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly writes: Writes,
  ) {
    this.deletion = new EvaluationDeletion(readModels, objects);
  }

  private readonly deletion: EvaluationDeletion;

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
      kept: undefined,
      key: `count ${list.key}`,
      load: async (moment) => {
        const { Count, index } = await countOf(list, moment);
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

  /** Only while the broker is paused; spec/http-api-more §17. */
  @Delete('evaluations')
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const decoded = decodeBody(bodyOf(request), evaluationDeleteRequest, { chunked: isChunked(request) });
    const { ids, filter } = this.deletion.asked(orThrow(decoded, '', 400));
    accessOf(request).require();
    if (!(await this.deletion.isBrokerPaused())) throw wordingOf({ code: 'broker-not-paused' });
    const evaluations = filter === '' ? await this.deletion.byId(ids) : await this.deletion.matching(filter);
    if (evaluations.length === 0) return sendJson(request, reply, { Count: 0, Index: 0 });
    const command = { evaluations, onlySafe: filter !== '' };
    return this.writes.send(request, reply, {
      name: 'DeleteEvaluations',
      reads: [
        SCHEDULER_CONFIGURATION,
        ...evaluations.flatMap(({ evaluationId, allocationIds }) => [
          evaluationStream(evaluationId),
          ...allocationIds.map(allocationStream),
        ]),
      ],
      decide: (view, context) => deleteEvaluations(view, context, command),
      render: ({ count }, index) => ({ Count: count, Index: index }),
    });
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

const endpoint = (where: KeptEndpoint['where']): KeptEndpoint => ({
  table: 'evaluation',
  tables: ['evaluation'],
  where,
  uuidPrefix: 'eval lookup failed: ',
  filterType: evaluationType,
  filterColumns: { ID: 'id', Namespace: 'namespace', JobID: 'job_id', Status: 'status' },
});

/** How many evaluations a list holds. A filter by a field that there is not matches none. */
async function countOf(list: DataQuery, moment: Moment): Promise<{ readonly Count: number; readonly index: Index }> {
  try {
    const { body, index } = await list.load(moment);
    return { Count: (JSON.parse(body.toString()) as unknown[]).length, index };
  } catch (error) {
    if (!(error instanceof NomadError) || !error.message.startsWith(FILTER_EVALUATION_PREFIX)) throw error;
    return { Count: 0, index: moment.tableIndex('evaluation') };
  }
}
