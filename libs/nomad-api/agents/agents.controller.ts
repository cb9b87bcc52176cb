import { Controller, Get, Put, Req, Res } from '@nestjs/common';
import {
  computedClass,
  heartbeatNode,
  registerNode,
  reportAllocations,
  type AllocationReport,
  type AllocationState,
  type JobSpec,
  type NodeDescription,
  type NodeState,
  type OfferedService,
} from '@app/domain';
import {
  allocationStream,
  deploymentStream,
  jobStream,
  jobSummaryStream,
  nodeStream,
  servicesStream,
  type Index,
} from '@app/kernel';
import { digestOfSecret, AllocationIdentities, IdentityTokens, KeyringUnavailable } from '@app/keyring';
import { Heartbeats, ReadModels, versionKey } from '@app/read-models';
import { LogTail, NodeNews } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NodeCalls } from '../client/node-calls.js';
import { upgradeOf } from '../client/upgrades.js';
import { abortSignal, joinTokenOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { Reads, sendJson } from '../edge/reads.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { NomadError } from '../http/index.js';
import { HeartbeatDto, IdentitiesDto, RegisterNodeDto, StatusDto, type ServiceDto } from './agent.dto.js';
import { authenticatedNode } from './authenticated-node.js';
import { HeartbeatTtl } from './heartbeat-ttl.js';
import { JoinTokens } from './join-tokens.js';
import { bodyAs } from './validated-body.js';

const SESSION_PROTOCOL = 'rollbook-session';

/** The node agents' own protocol: register, heartbeat, read what is assigned, report. docs/agent-protocol.md has it for other clients. */
@Controller('agent/v1')
export class AgentsController {
  constructor(
    private readonly reads: Reads,
    private readonly objects: Objects,
    private readonly readModels: ReadModels,
    private readonly heartbeats: Heartbeats,
    private readonly ttl: HeartbeatTtl,
    private readonly news: NodeNews,
    private readonly tail: LogTail,
    private readonly writes: Writes,
    private readonly joinTokens: JoinTokens,
    private readonly nodeCalls: NodeCalls,
    private readonly identities: IdentityTokens,
    private readonly server: ServerIdentity,
    private readonly workloads: AllocationIdentities,
  ) {}

  @Put('node')
  async register(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = await bodyAs(request, RegisterNodeDto);
    // What was validated is kept as it came: attributes and drivers are maps with keys of their own.
    // An id is the same in capitals.
    const told = body.Node as unknown as NodeDescription;
    const description: NodeDescription = { ...told, ID: told.ID.toLowerCase() };
    const [known] = await this.objects.states<NodeState>([nodeStream(description.ID)]);
    // A node that is known proves who it is by its secret.
    if ((known === undefined || known.purged) && !(await this.joinTokens.admits(joinTokenOf(request), description)))
      throw new NomadError('a node needs a join token to register: see ROLLBOOK_JOIN_TOKEN', 403);
    const affected = await this.readModels.jobsAffectedByNode(description.ID);
    const { index } = await this.writes.execute(request, {
      name: 'RegisterNode',
      actor: `node ${description.ID}`,
      reads: [nodeStream(description.ID)],
      decide: (view, context) =>
        registerNode(view, context, {
          description,
          secretDigest: digestOfSecret(body.SecretID),
          computedClass: computedClass(description),
          affected,
        }),
      render: () => ({}),
    });
    await this.heartbeats.note(description.ID);
    const identity = await this.identityOf(description);
    sendJson(request, reply, { NodeID: description.ID, HeartbeatTTLMs: this.ttl.next(), Index: index, ...identity });
  }

  @Put('node/:id/heartbeat')
  async heartbeat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await bodyAs(request, HeartbeatDto);
    const node = await authenticatedNode(this.objects, request);
    await this.heartbeats.note(node.id);
    let index: Index = 0;
    if (node.status !== 'ready') {
      const [affected, hasLiveAllocations] = await Promise.all([
        this.readModels.jobsAffectedByNode(node.id),
        this.readModels.hasLiveAllocations(node.id),
      ]);
      const outcome = await this.writes.execute(request, {
        name: 'HeartbeatNode',
        actor: `node ${node.id}`,
        reads: [nodeStream(node.id)],
        decide: (view, context) => heartbeatNode(view, context, { nodeId: node.id, affected, hasLiveAllocations }),
        render: () => ({}),
      });
      index = outcome.index;
    }
    sendJson(request, reply, { HeartbeatTTLMs: this.ttl.next(), Index: index });
  }

  @Get('node/:id/allocations')
  async allocations(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const options = this.reads.options(request);
    const node = await authenticatedNode(this.objects, request);
    const signal = abortSignal(reply);
    const deadline = performance.now() + options.waitMs;
    for (;;) {
      const at = await this.tail.readIndex();
      const { changed, removed } = await this.readModels.allocationsForAgent(node.id, options.index);
      const left = deadline - performance.now();
      if (
        options.index === 0 ||
        changed.length + removed.length > 0 ||
        left <= 0 ||
        signal.aborted ||
        this.tail.isEnding
      ) {
        return sendJson(request, reply, await this.assignments(Math.max(at, options.index), changed, removed));
      }
      await this.news.wait(node.id, at, left, signal);
    }
  }

  /** The agent can be called back over this connection from now on: the calls of spec/rpc §10, in a session of yamux that it has dialled. */
  @Get('node/:id/session')
  async session(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const node = await authenticatedNode(this.objects, request);
    const upgrade = upgradeOf(request);
    if (upgrade === undefined || request.headers.upgrade !== SESSION_PROTOCOL)
      throw new NomadError(`ask for an upgrade to ${SESSION_PROTOCOL}`, 426);
    reply.hijack();
    const { socket, head } = upgrade;
    if (head.length > 0) socket.unshift(head);
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${SESSION_PROTOCOL}\r\nConnection: Upgrade\r\n\r\n`);
    this.nodeCalls.adopt(node.id, socket, request.ip);
  }

  @Put('node/:id/status')
  async status(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = await bodyAs(request, StatusDto);
    const node = await authenticatedNode(this.objects, request);
    const reports: AllocationReport[] = body.Updates.map((update) => ({
      id: update.ID.toLowerCase(),
      clientStatus: update.ClientStatus,
      clientDescription: update.ClientDescription,
      taskStates: update.TaskStates ?? null,
      networkStatus: update.NetworkStatus ?? null,
      health:
        update.DeploymentStatus == null
          ? null
          : { healthy: update.DeploymentStatus.Healthy, timestamp: update.DeploymentStatus.TimestampUs },
      ...(update.Services == null ? {} : { services: update.Services.map(offered) }),
    }));
    const withServices = reports.filter(({ services, clientStatus }) => services !== undefined || isOver(clientStatus));
    const known = await this.objects.allocations(reports.map((report) => report.id));
    const { index } = await this.writes.execute(request, {
      name: 'ReportAllocations',
      actor: `node ${node.id}`,
      reads: [
        nodeStream(node.id),
        ...new Set([...known.flatMap(streamsOf), ...withServices.map(({ id }) => servicesStream(id))]),
      ],
      decide: (view, context) => reportAllocations(view, context, { nodeId: node.id, reports }),
      render: () => ({}),
    });
    sendJson(request, reply, { Index: index });
  }

  /** A node without one goes on all the same: nothing but people's curiosity needs it. */
  private async identityOf(node: NodeDescription): Promise<{ readonly Identity?: string }> {
    try {
      const claims = { id: node.ID, pool: node.NodePool, datacenter: node.Datacenter, nodeClass: node.NodeClass };
      return { Identity: await this.identities.signNode({ ...claims, region: this.server.region }) };
    } catch (error) {
      if (error instanceof KeyringUnavailable) return {};
      throw error;
    }
  }

  /** Identities for a task that this node runs. */
  @Put('node/:id/identities')
  async signIdentities(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = await bodyAs(request, IdentitiesDto);
    const node = await authenticatedNode(this.objects, request);
    await this.tail.readIndex();
    const [alloc] = await this.objects.allocations([body.AllocationID.toLowerCase()]);
    if (alloc?.nodeId !== node.id) throw new NomadError('allocation not found', 400);
    const spec = (await this.readModels.jobVersion(jobKey(alloc)))?.version.spec;
    if (spec === undefined) throw new NomadError('job not found', 400);
    const answers = await Promise.all(
      body.Names.map(async (name) => ({
        name,
        answer: await this.workloads.sign(alloc, spec, { kind: 'task', workload: body.Task, name }),
      })),
    );
    sendJson(request, reply, {
      Identities: answers.flatMap(({ name, answer }) =>
        answer.kind === 'signed'
          ? [{ Name: name, Token: answer.identity.token, ExpiresAtUs: answer.identity.expiresAt }]
          : [],
      ),
      Rejections: answers.flatMap(({ name, answer }) =>
        answer.kind === 'refused' ? [{ Name: name, Reason: answer.reason }] : [],
      ),
    });
  }

  private async assignments(index: Index, changed: readonly string[], removed: readonly string[]): Promise<object> {
    const allocs = await this.objects.allocations(changed);
    const jobs = new Map<string, JobSpec | undefined>();
    for (const alloc of allocs) {
      const key = jobKey(alloc);
      if (!jobs.has(key)) jobs.set(key, (await this.readModels.jobVersion(key))?.version.spec);
    }
    const usable = allocs.filter((alloc) => jobs.get(jobKey(alloc)) !== undefined);
    return { Index: index, Allocations: usable.map(assignment), Jobs: Object.fromEntries(jobs), Removed: removed };
  }
}

const jobKey = (alloc: AllocationState): string =>
  versionKey(alloc.namespace, alloc.jobId, alloc.jobCreateIndex, alloc.jobVersion);

const assignment = (alloc: AllocationState): object => ({
  ID: alloc.id,
  Namespace: alloc.namespace,
  Name: alloc.name,
  JobID: alloc.jobId,
  JobKey: jobKey(alloc),
  TaskGroup: alloc.taskGroup,
  JobVersion: alloc.jobVersion,
  DeploymentID: alloc.deploymentId,
  DesiredStatus: alloc.desiredStatus,
  ClientStatus: alloc.clientStatus,
  AllocModifyIndex: alloc.allocModifyIndex,
  AllocatedResources: alloc.allocatedResources,
  Canary: alloc.deploymentStatus?.canary ?? false,
  DeploymentHealth: alloc.deploymentStatus?.healthy ?? null,
  NoShutdownDelay: alloc.desiredTransition.NoShutdownDelay ?? false,
  CreateTimeUs: alloc.createTime,
  PreviousAllocation: alloc.previousAllocation,
  TaskStates: alloc.taskStates,
  Migrating: alloc.desiredTransition.Migrate ?? false,
});

const isOver = (clientStatus: AllocationReport['clientStatus']): boolean =>
  clientStatus === 'complete' || clientStatus === 'failed';

const offered = ({ ID, ServiceName, Tags, Address, Port }: ServiceDto): OfferedService => ({
  id: ID,
  name: ServiceName,
  tags: Tags,
  address: Address,
  port: Port,
});

const streamsOf = (alloc: AllocationState) => [
  allocationStream(alloc.id),
  jobStream(alloc.namespace, alloc.jobId),
  jobSummaryStream(alloc.namespace, alloc.jobId),
  ...(alloc.deploymentId === '' ? [] : [deploymentStream(alloc.deploymentId)]),
];
