import { All, Controller, Get, Put, Req, Res } from '@nestjs/common';
import { renderAllocationStub, stopAllocation, type AllocationState } from '@app/domain';
import { allocationStream } from '@app/kernel';
import type { Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { idOf, orThrow, queryOf } from '../edge/exchange.js';
import { ALLOCATION_FIELDS } from '../edge/document-fields.js';
import { Lists } from '../edge/lists.js';
import { Objects } from '../edge/objects.js';
import { notFound, Reads } from '../edge/reads.js';
import { Writes } from '../edge/writes.js';
import { allocationType, boolParam, NomadError, parseUuid } from '../http/index.js';

const LOOKUP = 'alloc lookup failed: ';

/** Nomad: /v1/allocations and /v1/allocation; spec/http-api §4.2. */
@Controller('v1')
export class AllocationsController {
  constructor(
    private readonly reads: Reads,
    private readonly lists: Lists,
    private readonly objects: Objects,
    private readonly writes: Writes,
  ) {}

  @Get('allocations')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const query = queryOf(request);
    const resources = orThrow(boolParam(query, 'resources'));
    const taskStates = orThrow(boolParam(query, 'task_states', true));
    return this.reads.send(request, reply, options, (access) =>
      this.lists.query(
        {
          table: 'allocation',
          tables: ['allocation'],
          where: {},
          uuidPrefix: LOOKUP,
          filterType: allocationType,
          filterColumns: {
            ID: 'id',
            Namespace: 'namespace',
            JobID: 'job_id',
            NodeID: 'node_id',
            EvalID: 'eval_id',
            DeploymentID: 'deployment_id',
            TaskGroup: 'task_group',
            ClientStatus: 'client_status',
            DesiredStatus: 'desired_status',
          },
          documentFields: ALLOCATION_FIELDS,
          objectOf: (state) => this.objects.allocationObject(state as AllocationState),
          variant: `${resources} ${taskStates}`,
          ...(resources || !taskStates
            ? {
                show: (state) =>
                  JSON.stringify(renderAllocationStub(state as AllocationState, { resources, taskStates })),
              }
            : {}),
        },
        options,
        access.visibility(),
      ),
    );
  }

  @Get('allocation/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const id = orThrow(parseUuid(idOf(request)), LOOKUP);
    const query = this.objects.rendered(
      allocationStream(id),
      'allocation',
      { text: 'alloc not found' },
      async (state) => {
        const alloc = state as AllocationState;
        if (!(await this.objects.isSeen(alloc))) return undefined;
        const text = await this.objects.allocationText(alloc);
        return { text, index: alloc.modifyIndex, namespace: alloc.namespace };
      },
    );
    return this.reads.send(request, reply, options, ({ caller: { identity } }) =>
      identity.kind === 'node' ? this.forNode(query, identity.nodeId, id) : query,
    );
  }

  /** A node sees the allocations that it runs, and waits for those that its own take the place of. */
  private forNode(query: DataQuery, nodeId: string, id: string): DataQuery {
    return {
      ...query,
      key: `${query.key} for ${nodeId}`,
      load: async (moment) => {
        const answer = await query.load(moment);
        const [alloc] = answer.status === 200 ? await this.objects.allocations([id]) : [];
        if (alloc === undefined || alloc.nodeId === nodeId) return answer;
        const successors = [alloc.nextAllocation, alloc.preemptedByAllocation ?? ''].filter((one) => one !== '');
        const isWaitedFor = (await this.objects.allocations(successors)).some((one) => one.nodeId === nodeId);
        return isWaitedFor ? answer : { ...notFound(`Unknown allocation "${id}"`, answer.index), status: 500 };
      },
    };
  }

  /** What is below an allocation and is not known; spec/http-api §4.2. */
  @All('allocation/:id/*')
  unknown(): never {
    throw new NomadError('resource not found', 404);
  }

  @Put('allocation/:id/stop')
  async stop(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const query = queryOf(request);
    const noShutdownDelay = orThrow(boolParam(query, 'no_shutdown_delay'));
    const reschedule = orThrow(boolParam(query, 'reschedule'));
    const allocationId = orThrow(parseUuid(idOf(request)), LOOKUP);
    this.writes.namespace(request);
    const access = accessOf(request);
    if (access.isEnforced) {
      access.known();
      const [alloc] = await this.objects.allocations([allocationId]);
      if (alloc === undefined) throw new NomadError('allocation not found', 404);
      access.require({ namespace: alloc.namespace });
    }
    return this.writes.send(request, reply, {
      name: 'StopAllocation',
      reads: [allocationStream(allocationId)],
      decide: (view, context) => stopAllocation(view, context, { allocationId, noShutdownDelay, reschedule }),
      render: ({ evalId }, index) => ({ EvalID: evalId, Index: index }),
    });
  }

  @Get('allocation/:id/services')
  services(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const stream = allocationStream(orThrow(parseUuid(idOf(request)), LOOKUP));
    const query = this.objects.rendered(
      stream,
      'allocation',
      { text: 'allocation not found' },
      async (state, moment) => {
        const alloc = state as AllocationState;
        if (!(await this.objects.isSeen(alloc))) return undefined;
        const services = await this.objects.texts('service', { alloc_id: alloc.id }, moment);
        return { ...services, namespace: alloc.namespace };
      },
      'services',
    );
    return this.reads.send(request, reply, options, { ...query, topics: [...query.topics, 'table:service'] });
  }
}
