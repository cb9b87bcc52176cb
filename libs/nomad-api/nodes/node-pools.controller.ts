import { Controller, Delete, Get, Put, Req, Res } from '@nestjs/common';
import { currentVersion, renderJob, renderNode, type JobState, type NodeState } from '@app/domain';
import { jobStream, nodeStream } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf, type Access } from '../acl/access.js';
import { bodyOf, isChunked, orThrow } from '../edge/exchange.js';
import { Lists } from '../edge/lists.js';
import { Objects } from '../edge/objects.js';
import { jsonAnswer, notFound, Reads } from '../edge/reads.js';
import { decodeBody, jobType, nodePoolRequest, nodeType, NomadError, type ReadOptions } from '../http/index.js';
import { LOOKUP } from './nodes.controller.js';

const ALL = 'all';
const POOL_INDEX = 1;
const IDENTITY_TTL_NS = 86_400_000_000_000;
const NAME = /^[a-zA-Z0-9-_]{1,128}$/;

const pool = (name: string, description: string) => ({
  Name: name,
  Description: description,
  Meta: null,
  SchedulerConfiguration: null,
  NodeIdentityTTL: IDENTITY_TTL_NS,
  Hash: null,
  CreateIndex: POOL_INDEX,
  ModifyIndex: POOL_INDEX,
});

/** Nomad's built-in pools. There are no others here: a node that names another pool is in that pool all the same. */
const POOLS = [pool(ALL, 'Node pool with all nodes in the cluster.'), pool('default', 'Default node pool.')];

/** Nomad: /v1/node/pools and /v1/node/pool; spec/http-api §4.6. */
@Controller('v1/node')
export class NodePoolsController {
  constructor(
    private readonly reads: Reads,
    private readonly lists: Lists,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
  ) {}

  @Get('pools')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const query = ({ permissions }: Access): DataQuery => {
      const found = POOLS.filter(({ Name }) => Name.startsWith(options.prefix) && permissions.nodePool(Name, 'read'));
      return constant(`pools?${options.prefix} ${permissions.key}`, JSON.stringify(found));
    };
    return this.reads.send(request, reply, options, query);
  }

  @Get('pool/:name')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const found = POOLS.find(({ Name }) => Name === nameOf(request));
    const query = constant(`pool/${nameOf(request)}`, found === undefined ? undefined : JSON.stringify(found));
    return this.reads.send(request, reply, this.reads.options(request), query);
  }

  @Get('pool/:name/nodes')
  nodes(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.withoutPrefix(request);
    const name = nameOf(request);
    const query = this.lists.query(
      {
        table: 'node',
        tables: ['node'],
        where: name === ALL ? {} : { node_pool: name },
        uuidPrefix: LOOKUP,
        filterType: nodeType,
        filterColumns: { ID: 'id', Name: 'name', Datacenter: 'datacenter', Status: 'status' },
        objects: async (rows) =>
          (await this.objects.states<NodeState>(rows.map((row) => nodeStream(row.key)))).map((state) =>
            plain(renderNode(state!)),
          ),
        variant: 'pool',
      },
      options,
    );
    return this.reads.send(request, reply, options, query);
  }

  @Get('pool/:name/jobs')
  jobs(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.withoutPrefix(request);
    const inPool = `NodePool == ${JSON.stringify(nameOf(request))}`;
    return this.reads.send(request, reply, options, (access) =>
      this.lists.query(
        {
          table: 'job',
          tables: ['job', 'job_summary'],
          where: {},
          filterType: jobType,
          filterColumns: {},
          objects: async (rows) => {
            const states = await this.objects.states<JobState>(
              rows.map(({ key }) => jobStream(key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1))),
            );
            return states.map((state) => plain(renderJob(currentVersion(state)!)));
          },
          texts: async (rows) => {
            const summaries = await this.readModels.jobSummaries(rows.map((row) => row.key));
            return rows.map(
              ({ key, document }) => `${document.slice(0, -1)},"JobSummary":${summaries.get(key) ?? 'null'}}`,
            );
          },
          variant: 'pool',
        },
        { ...options, filter: options.filter === '' ? inPool : `${inPool} and (${options.filter})` },
        access.visibility(),
      ),
    );
  }

  @Put('pools')
  create(@Req() request: FastifyRequest): void {
    this.write(request, undefined);
  }

  @Put('pool/:name')
  update(@Req() request: FastifyRequest): void {
    this.write(request, nameOf(request));
  }

  @Delete('pool/:name')
  remove(@Req() request: FastifyRequest): void {
    const name = nameOf(request);
    throw POOLS.some(({ Name }) => Name === name)
      ? new NomadError(`deleting node pool ${JSON.stringify(name)} is not allowed`, 400)
      : new NomadError(`node pool ${name} not found`);
  }

  /** The checks of Nomad, in its order; what passes them is refused, too: see {@link POOLS}. */
  private write(request: FastifyRequest, path: string | undefined): never {
    const { Name = '' } = orThrow(
      decodeBody(bodyOf(request), nodePoolRequest, { chunked: isChunked(request) }),
      '',
      400,
    );
    accessOf(request).require({ name: Name });
    if (path !== undefined && path !== Name) throw new NomadError('Node pool name does not match request path', 400);
    if (POOLS.some((one) => one.Name === Name))
      throw new NomadError(`modifying node pool ${JSON.stringify(Name)} is not allowed`, 400);
    if (!NAME.test(Name)) {
      const quoted = JSON.stringify(Name);
      const error = `1 error occurred:\n\t* invalid name ${quoted}, must match regex ${NAME.source}\n\n`;
      throw new NomadError(`invalid node pool ${quoted}: ${error}`, 400);
    }
    throw new NomadError('node pools other than the built-in ones are not supported', 501);
  }

  private withoutPrefix(request: FastifyRequest): ReadOptions {
    const options = this.reads.options(request);
    if (options.prefix !== '') throw new NomadError('prefix argument not allowed', 400);
    return options;
  }
}

const constant = (key: string, text: string | undefined): DataQuery => ({
  key: `node-${key}`,
  topics: [],
  load: () =>
    Promise.resolve(text === undefined ? notFound('node pool not found', POOL_INDEX) : jsonAnswer(text, POOL_INDEX)),
});

const nameOf = (request: FastifyRequest): string => (request.params as { readonly name: string }).name;
const plain = (rendered: object): object => JSON.parse(JSON.stringify(rendered)) as object;
