import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import {
  ALL_NODES,
  BUILT_IN_POOLS,
  DEFAULT_IDENTITY_TTL,
  defineNodePool,
  deleteNodePool,
  renderJob,
  renderJobStub,
  renderNode,
  renderNodePool,
  renderNodeStub,
  type DefineNodePool,
  type NodeState,
} from '@app/domain';
import { nodePoolStream, quoted, type DurationNs } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { bodyOf, isChunked, nameOf, orThrow, queryOf } from '../edge/exchange.js';
import { Lists } from '../edge/lists.js';
import { definitionHash, NamedObjects, type NamedTable } from '../edge/named.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, Reads } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import {
  boolParam,
  byId,
  compileFilter,
  decodeBody,
  FILTER_EVALUATION_PREFIX,
  FILTER_SYNTAX_PREFIX,
  jobType,
  nodePoolRequest,
  nodePoolType,
  nodeType,
  NomadError,
  paginate,
  parseGoDuration,
  type NodePoolRequest,
  type ReadOptions,
} from '../http/index.js';
import { withSummaries } from '../jobs/jobs.controller.js';
import { listFlag, LOOKUP } from './nodes.controller.js';

/** Every node pool there is. */
export const NODE_POOLS: NamedTable = {
  table: 'node_pool',
  builtIn: BUILT_IN_POOLS.map((pool) => ({
    name: pool.name,
    text: JSON.stringify(renderNodePool(pool)),
    index: pool.modifyIndex,
  })),
  missing: 'node pool not found',
};

/** Nomad: /v1/node/pools and /v1/node/pool; spec/http-api §4.6. */
@Controller('v1/node')
export class NodePoolsController {
  constructor(
    private readonly reads: Reads,
    private readonly lists: Lists,
    private readonly named: NamedObjects,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly writes: Writes,
    private readonly server: ServerIdentity,
  ) {}

  @Get('pools')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const { prefix, filter: text, perPage, nextToken, reverse } = options;
    const filter = text === '' ? undefined : orThrow(compileFilter(text, nodePoolType), FILTER_SYNTAX_PREFIX, 400);
    const variant = [prefix, text, perPage, nextToken, reverse];
    return this.reads.send(request, reply, options, ({ permissions }) =>
      this.named.list(NODE_POOLS, JSON.stringify([...variant, permissions.key]), (all) => {
        const matching = all
          .filter(({ name }) => name.startsWith(prefix) && permissions.nodePool(name, 'read'))
          .filter((pool) =>
            filter === undefined
              ? true
              : orThrow(filter.matches(JSON.parse(pool.text) as object), FILTER_EVALUATION_PREFIX, 400),
          )
          .map((pool) => ({ ...pool, id: pool.name }));
        return paginate(reverse ? matching.reverse() : matching, options, byId);
      }),
    );
  }

  @Get('pool/:name')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = this.named.one(NODE_POOLS, nameOf(request));
    return this.reads.send(request, reply, this.reads.options(request), query);
  }

  @Get('pool/:name/nodes')
  nodes(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.withoutPrefix(request);
    const name = nameOf(request);
    const resources = listFlag(queryOf(request), 'resources');
    const os = listFlag(queryOf(request), 'os');
    const query = this.lists.query(
      {
        table: 'node',
        tables: ['node'],
        where: name === ALL_NODES ? {} : { node_pool: name },
        uuidPrefix: LOOKUP,
        filterType: nodeType,
        filterColumns: { ID: 'id', Name: 'name', Datacenter: 'datacenter', Status: 'status' },
        objectOf: (state) => plain(renderNode(state as NodeState)),
        variant: `pool ${resources} ${os}`,
        ...(resources || os
          ? {
              show: (state) => JSON.stringify(renderNodeStub(state as NodeState, { resources, os })),
            }
          : {}),
      },
      options,
    );
    return this.reads.send(request, reply, options, query);
  }

  @Get('pool/:name/jobs')
  jobs(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.withoutPrefix(request);
    const withMeta = orThrow(boolParam(queryOf(request), 'meta'));
    const name = nameOf(request);
    const inPool = `NodePool == ${JSON.stringify(name)}`;
    return this.reads.send(request, reply, options, (access) =>
      this.ofPool(
        name,
        this.lists.query(
          {
            table: 'job',
            tables: ['job', 'job_summary'],
            where: {},
            filterType: jobType,
            filterColumns: {},
            objects: (rows) => this.objects.jobs(rows, (version) => plain(renderJob(version))),
            texts: async (rows) => {
              const stubs = withMeta
                ? await this.objects.jobs(rows, (version) => JSON.stringify(renderJobStub(version, true)))
                : new Map(rows.map(({ key, document }) => [key, document]));
              return withSummaries(stubs, await this.readModels.jobSummaries(rows.map((row) => row.key)));
            },
            variant: `pool ${withMeta}`,
          },
          { ...options, filter: options.filter === '' ? inPool : `${inPool} and (${options.filter})` },
          access.visibility(),
        ),
      ),
    );
  }

  @Put('pools')
  create(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, undefined);
  }

  @Put('pool/:name')
  update(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.define(request, reply, nameOf(request));
  }

  @Delete('pool/:name')
  async remove(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const name = nameOf(request);
    const command = { name, region: this.server.region, ...(await this.readModels.usesOfNodePool(name)) };
    return this.writes.sendEmpty(request, reply, {
      name: 'DeleteNodePool',
      reads: [nodePoolStream(name)],
      decide: (view, context) => deleteNodePool(view, context, command),
    });
  }

  private define(request: FastifyRequest, reply: FastifyReply, path: string | undefined): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), nodePoolRequest, { chunked: isChunked(request) }), '', 400);
    accessOf(request).require({ name: body.Name ?? '' });
    if (path !== undefined && path !== (body.Name ?? ''))
      throw new NomadError('Node pool name does not match request path', 400);
    const command = definitionOf(body);
    return this.writes.sendEmpty(request, reply, {
      name: 'DefineNodePool',
      reads: [nodePoolStream(command.name)],
      decide: (view, context) => defineNodePool(view, context, command),
    });
  }

  /** A pool that is gone has no jobs, though dead ones may still name it. */
  private ofPool(name: string, query: DataQuery): DataQuery {
    return {
      ...query,
      topics: [...query.topics, 'table:node_pool'],
      load: async (moment) => {
        const answer = await query.load(moment);
        return (await this.named.has(NODE_POOLS, name)) ? answer : jsonAnswer('[]', answer.index);
      },
    };
  }

  private withoutPrefix(request: FastifyRequest): ReadOptions {
    const options = this.reads.options(request);
    if (options.prefix !== '') throw new NomadError('prefix argument not allowed', 400);
    return options;
  }
}

function definitionOf(body: NodePoolRequest): DefineNodePool {
  const definition = {
    description: body.Description ?? '',
    meta: body.Meta ?? null,
    identityTtl: identityTtl(body.NodeIdentityTTL) || DEFAULT_IDENTITY_TTL,
  };
  return {
    name: body.Name ?? '',
    definition: { ...definition, hash: definitionHash(definition) },
    descriptionBytes: Buffer.byteLength(definition.description),
    hasSchedulerConfiguration: (body.SchedulerConfiguration ?? null) !== null,
  };
}

/** A duration in Go's spelling, or nanoseconds. 0: none was given. */
function identityTtl(given: unknown): DurationNs {
  if (given === undefined || given === null || given === '') return 0;
  if (typeof given === 'number' && Number.isInteger(given)) return given;
  const parsed = typeof given === 'string' ? parseGoDuration(given) : undefined;
  if (parsed === undefined)
    throw new NomadError(
      `time: invalid duration ${typeof given === 'string' ? quoted(given) : JSON.stringify(given)}`,
      400,
    );
  return parsed;
}

const plain = (rendered: object): object => JSON.parse(JSON.stringify(rendered)) as object;
