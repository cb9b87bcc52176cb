import { Controller, Get, Put, Req, Res } from '@nestjs/common';
import {
  failDeployment,
  IMMEDIATE,
  pauseDeployment,
  promoteDeployment,
  setAllocationHealth,
  unblockDeployment,
  type DeploymentAnswer,
  type DeploymentState,
} from '@app/domain';
import {
  deploymentStream,
  allocationStream,
  type CommandContext,
  type Decision,
  type Index,
  type StateView,
  type StreamName,
} from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { bodyOf, idOf, isChunked, orThrow } from '../edge/exchange.js';
import { Lists } from '../edge/lists.js';
import { Objects } from '../edge/objects.js';
import { Reads } from '../edge/reads.js';
import { Writes, type Write } from '../edge/writes.js';
import {
  decodeBody,
  deploymentAllocHealthRequest,
  deploymentPauseRequest,
  deploymentPromoteRequest,
  deploymentType,
  deploymentUnblockRequest,
  NomadError,
  parseUuid,
  type Shape,
} from '../http/index.js';

const LOOKUP = 'deployment lookup failed: ';

/** Nomad: /v1/deployments and /v1/deployment; spec/http-api §4.1. */
@Controller('v1')
export class DeploymentsController {
  constructor(
    private readonly reads: Reads,
    private readonly lists: Lists,
    private readonly objects: Objects,
    private readonly writes: Writes,
  ) {}

  @Get('deployments')
  list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    return this.reads.send(request, reply, options, (access) =>
      this.lists.query(
        {
          table: 'deployment',
          tables: ['deployment'],
          where: {},
          uuidPrefix: '',
          filterType: deploymentType,
          filterColumns: { JobID: 'job_id', Namespace: 'namespace', ID: 'id', Status: 'status' },
        },
        options,
        access.visibility(),
      ),
    );
  }

  @Get('deployment/:id')
  read(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    return this.reads.send(
      request,
      reply,
      options,
      this.objects.row('deployment', deploymentId(request), 'deployment not found'),
    );
  }

  @Get('deployment/allocations/:id')
  allocations(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const id = orThrow(parseUuid(idOf(request)));
    return this.reads.send(request, reply, options, this.objects.rows('allocation', { deployment_id: id }));
  }

  @Put('deployment/fail/:id')
  fail(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = deploymentId(request);
    const skipsCanaries = revertsImmediately(request);
    return this.command(request, reply, 'FailDeployment', [deploymentStream(id)], (view, context) =>
      failDeployment(view, context, { deploymentId: id, skipsCanaries }),
    );
  }

  @Put('deployment/pause/:id')
  pause(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = decoded(request, deploymentPauseRequest);
    const id = deploymentId(request);
    const command = { deploymentId: id, pause: body.Pause ?? false };
    // Holding a rollout is never held up; letting it go on may be.
    return this.command(
      request,
      reply,
      command.pause ? 'PauseDeployment' : 'ResumeDeployment',
      [deploymentStream(id)],
      (view, context) => pauseDeployment(view, context, command),
      command.pause ? undefined : jobOf(id),
    );
  }

  @Put('deployment/promote/:id')
  promote(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = decoded(request, deploymentPromoteRequest);
    const id = deploymentId(request);
    const command = { deploymentId: id, all: body.All ?? false, groups: body.Groups ?? [] };
    return this.command(
      request,
      reply,
      'PromoteDeployment',
      [deploymentStream(id)],
      (view, context) => promoteDeployment(view, context, command),
      jobOf(id),
    );
  }

  @Put('deployment/allocation-health/:id')
  allocationHealth(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = decoded(request, deploymentAllocHealthRequest);
    const { HealthyAllocationIDs: healthy, UnhealthyAllocationIDs: unhealthy } = body;
    const given = { healthy: healthy ?? [], unhealthy: unhealthy ?? [] };
    accessOf(request).known();
    if (given.healthy.length + given.unhealthy.length === 0)
      throw new NomadError('must specify at least one healthy/unhealthy allocation ID');
    const id = deploymentId(request);
    const skipsCanaries = revertsImmediately(request);
    const ids = [...given.healthy, ...given.unhealthy].map((one) => one.toLowerCase());
    return this.command(
      request,
      reply,
      'SetAllocationHealth',
      [deploymentStream(id), ...ids.filter((one) => one.length === 36).map(allocationStream)],
      (view, context) => setAllocationHealth(view, context, { deploymentId: id, ...given, skipsCanaries }),
    );
  }

  /** Multi-region deployments do not exist in the community edition: nothing happens, and zeros are answered. */
  @Put('deployment/unblock/:id')
  unblock(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    decoded(request, deploymentUnblockRequest);
    const id = deploymentId(request);
    return this.command(request, reply, 'UnblockDeployment', [deploymentStream(id)], (view, context) =>
      unblockDeployment(view, context, { deploymentId: id }),
    );
  }

  private async command(
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
    reads: readonly StreamName[],
    decide: (view: StateView, context: CommandContext) => Decision<DeploymentAnswer>,
    changes?: Write<DeploymentAnswer>['changes'],
  ): Promise<void> {
    this.writes.namespace(request);
    const access = accessOf(request);
    if (access.isEnforced) {
      access.known();
      const [deployment] = await this.objects.states<DeploymentState>([reads[0]!]);
      if (deployment === undefined || deployment.purged) throw new NomadError('deployment not found');
      access.require({ namespace: deployment.namespace });
    }
    return this.writes.send(request, reply, { name, reads, decide, ...(changes && { changes }), render: renderAnswer });
  }
}

const jobOf =
  (deploymentId: string): NonNullable<Write<DeploymentAnswer>['changes']> =>
  (view) =>
    view.read<DeploymentState>(deploymentStream(deploymentId));

const renderAnswer = ({ evalId, revertedJobVersion }: DeploymentAnswer, index: Index): object => ({
  EvalID: evalId,
  EvalCreateIndex: evalId === '' ? 0 : index,
  DeploymentModifyIndex: index,
  RevertedJobVersion: revertedJobVersion,
  Index: index,
});

/** Beyond Nomad: a revert that follows from this request is placed at once, without canaries. */
const revertsImmediately = (request: FastifyRequest): boolean => request.headers['x-rollbook-revert'] === IMMEDIATE;

function deploymentId(request: FastifyRequest): string {
  const id = idOf(request);
  if (id === '') throw new NomadError('missing deployment ID');
  return orThrow(parseUuid(id), LOOKUP);
}

function decoded<T extends { DeploymentID?: string }>(request: FastifyRequest, shape: Shape<T>): T {
  const body = orThrow(decodeBody(bodyOf(request), shape, { chunked: isChunked(request) }), '', 400);
  if (!body.DeploymentID) throw new NomadError('DeploymentID must be specified', 400);
  if (body.DeploymentID !== idOf(request)) throw new NomadError('Deployment ID does not match', 400);
  return body;
}
