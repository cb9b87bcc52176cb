import { Controller, Get, Put, Req, Res } from '@nestjs/common';
import { renderNode, renderNodeStub, setEligibility, type NodeState } from '@app/domain';
import { nodeStream } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Visibility } from '../acl/access.js';
import { bodyOf, idOf, isChunked, orThrow, queryOf } from '../edge/exchange.js';
import { Lists } from '../edge/lists.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, Reads } from '../edge/reads.js';
import { Writes } from '../edge/writes.js';
import {
  boolParam,
  decodeBody,
  NomadError,
  nodeType,
  nodeUpdateEligibilityRequest,
  parseUuid,
  type Query,
} from '../http/index.js';

export const LOOKUP = 'node lookup failed: ';

/** Nomad: /v1/nodes and /v1/node; spec/http-api §4.6. */
@Controller('v1')
export class NodesController {
  constructor(
    private readonly reads: Reads,
    private readonly lists: Lists,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly writes: Writes,
  ) {}

  @Get('nodes')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const query = queryOf(request);
    const resources = listFlag(query, 'resources');
    const os = listFlag(query, 'os');
    return this.reads.send(
      request,
      reply,
      options,
      this.lists.query(
        {
          table: 'node',
          tables: ['node'],
          where: {},
          uuidPrefix: LOOKUP,
          filterType: nodeType,
          filterColumns: { ID: 'id', Name: 'name', Datacenter: 'datacenter', Status: 'status' },
          objectOf: (state) => JSON.parse(JSON.stringify(renderNode(state as NodeState))) as object,
          variant: `${resources} ${os}`,
          ...(resources || os
            ? {
                show: (state) => JSON.stringify(renderNodeStub(state as NodeState, { resources, os })),
              }
            : {}),
        },
        options,
      ),
    );
  }

  @Get('node/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const query = this.objects.one(nodeStream(nodeId(request)), 'node', 'node not found', renderNode);
    return this.reads.send(request, reply, options, query);
  }

  /** Complete allocations, unlike every other list of them. An id that is none has none. */
  @Get('node/:id/allocations')
  allocations(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    if (idOf(request) === '') orThrow(parseUuid(''), LOOKUP);
    const id = idOf(request).toLowerCase();
    return this.reads.send(request, reply, options, (access) => this.allocationsOf(id, access.visibility()));
  }

  private allocationsOf(id: string, { key, sees }: Visibility): DataQuery {
    return {
      key: `node/${id}/allocations ${key}`,
      topics: ['table:allocation'],
      load: async (moment) => {
        const all = await this.objects.allocations(await this.readModels.keys('allocation', { node_id: id }));
        const allocs = all.filter((alloc) => sees(alloc.namespace));
        const texts = await Promise.all(allocs.map((alloc) => this.objects.allocationText(alloc)));
        const newest = allocs.reduce((index, alloc) => Math.max(index, alloc.modifyIndex), 0);
        const index = newest === 0 ? Math.max(moment.tableIndex('allocation'), 1) : Math.min(newest, moment.applied);
        return jsonAnswer(`[${texts.join(',')}]`, index);
      },
    };
  }

  @Put('node/:id/eligibility')
  async eligibility(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(
      decodeBody(bodyOf(request), nodeUpdateEligibilityRequest, { chunked: isChunked(request) }),
      '',
      400,
    );
    const eligibility = body.Eligibility ?? '';
    if (eligibility !== 'eligible' && eligibility !== 'ineligible') {
      throw new NomadError(`invalid scheduling eligibility ${JSON.stringify(eligibility)}`);
    }
    const id = orThrow(parseUuid(body.NodeID || idOf(request)), LOOKUP);
    const [affected, hasAllocations] = await Promise.all([
      this.readModels.jobsAffectedByNode(id),
      this.readModels.hasAllocations(id),
    ]);
    // Nomad writes its evaluations, even none at all, when the node has any allocations.
    const evaluates = eligibility === 'eligible' && hasAllocations;
    await this.writes.send(request, reply, {
      name: 'SetNodeEligibility',
      reads: [nodeStream(id)],
      decide: (view, context) => setEligibility(view, context, { nodeId: id, eligibility, affected }),
      render: ({ evalIds }, index) => ({
        NodeModifyIndex: 0,
        EvalIDs: evalIds.length === 0 ? null : evalIds,
        EvalCreateIndex: evalIds.length > 0 || evaluates ? index : 0,
        Index: index,
      }),
    });
  }
}

function nodeId(request: FastifyRequest): string {
  if (idOf(request) === '') throw new NomadError('missing node ID');
  return orThrow(parseUuid(idOf(request)), LOOKUP);
}

/** `?os` or `?resources` of a list of nodes. */
export function listFlag(query: Query, name: string): boolean {
  const value = boolParam(query, name);
  if (!value.ok) throw new NomadError(`Failed to parse node list fields: ${value.error.text}`, 400);
  return value.value;
}
