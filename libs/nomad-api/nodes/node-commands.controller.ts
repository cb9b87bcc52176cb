import { Controller, Put, Req, Res } from '@nestjs/common';
import { drainNode, evaluateNode, purgeNode } from '@app/domain';
import { nodeStream, type Index } from '@app/kernel';
import { ReadModels } from '@app/read-models';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, idOf, isChunked, orThrow, tokenOf } from '../edge/exchange.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { Writes } from '../edge/writes.js';
import { decodeBody, nodeUpdateDrainRequest, NomadError, parseUuid } from '../http/index.js';
import { Servers } from '../status/servers.js';
import { LOOKUP } from './nodes.controller.js';

/** What Nomad names as the accessor of whoever asks while ACLs are off. */
const NO_ACL_ACCESSOR = 'token:acls-disabled';

/** Nomad: what operators do to a node beside its eligibility; spec/http-api §4.6. */
@Controller('v1/node/:id')
export class NodeCommandsController {
  constructor(
    private readonly readModels: ReadModels,
    private readonly writes: Writes,
    private readonly server: ServerIdentity,
    private readonly servers: Servers,
  ) {}

  /** A NodeID in the body is ignored, unlike that of an eligibility. */
  @Put('drain')
  async drain(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const body = orThrow(decodeBody(bodyOf(request), nodeUpdateDrainRequest, { chunked: isChunked(request) }), '', 400);
    const id = nodeId(request);
    const affected = await this.readModels.jobsAffectedByNode(id);
    const spec =
      body.DrainSpec == null
        ? null
        : {
            deadline: Number(body.DrainSpec.Deadline ?? 0),
            ignoreSystemJobs: body.DrainSpec.IgnoreSystemJobs ?? false,
          };
    const command = {
      nodeId: id,
      spec,
      markEligible: body.MarkEligible ?? false,
      meta: body.Meta ?? null,
      accessorId: this.server.aclEnabled && tokenOf(request) !== undefined ? 'token' : NO_ACL_ACCESSOR,
      affected,
    };
    await this.writes.send(request, reply, {
      name: 'DrainNode',
      reads: [nodeStream(id)],
      decide: (view, context) => drainNode(view, context, command),
      render: ({ evalIds }, index) => ({ NodeModifyIndex: index, ...evaluations(evalIds, index), Index: index }),
    });
  }

  @Put('evaluate')
  async evaluate(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = nodeId(request);
    const affected = await this.readModels.jobsAffectedByNode(id);
    const known = await this.cluster();
    await this.writes.send(request, reply, {
      name: 'EvaluateNode',
      reads: [nodeStream(id)],
      decide: (view, context) => evaluateNode(view, context, { nodeId: id, affected }),
      render: ({ evalIds, node }, index) =>
        update(evalIds, index, { NodeModifyIndex: 0, SchedulingEligibility: node.eligibility, ...known }),
    });
  }

  @Put('purge')
  async purge(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = nodeId(request);
    const affected = await this.readModels.jobsAffectedByNode(id);
    await this.writes.send(request, reply, {
      name: 'PurgeNode',
      reads: [nodeStream(id)],
      decide: (view, context) => purgeNode(view, context, { nodeId: id, affected }),
      render: ({ evalIds }, index) =>
        update(evalIds, index, { NodeModifyIndex: index, SchedulingEligibility: '', ...NOT_TOLD }),
    });
  }

  /** What a node is told of the cluster that it is in. */
  private async cluster(): Promise<ClusterTold> {
    const [servers, nodes] = await Promise.all([this.servers.list(), this.readModels.keys('node', {})]);
    return {
      LeaderRPCAddr: servers.find(({ isLeader }) => isLeader)?.rpcAddress ?? '',
      NumNodes: nodes.length,
      Servers: servers.map(({ rpcAddress }) => ({
        RPCAdvertiseAddr: rpcAddress,
        RPCMajorVersion: 0,
        RPCMinorVersion: 0,
        Datacenter: this.server.datacenter,
      })),
    };
  }
}

interface ClusterTold {
  readonly LeaderRPCAddr: string;
  readonly NumNodes: number;
  readonly Servers: readonly object[] | null;
}
/** A node that is purged is told nothing of the cluster. */
const NOT_TOLD: ClusterTold = { LeaderRPCAddr: '', NumNodes: 0, Servers: null };

/** Nomad: NodeUpdateResponse. */
const update = (
  evalIds: readonly string[],
  index: Index,
  node: ClusterTold & { readonly NodeModifyIndex: Index; readonly SchedulingEligibility: string },
): object => ({
  HeartbeatTTL: 0,
  ...evaluations(evalIds, index),
  ...node,
  Features: 0,
  SignedIdentity: null,
  Index: index,
  LastContact: 0,
  KnownLeader: false,
  NextToken: '',
});

const evaluations = (
  ids: readonly string[],
  index: Index,
): { EvalIDs: readonly string[] | null; EvalCreateIndex: Index } =>
  ids.length === 0 ? { EvalIDs: null, EvalCreateIndex: 0 } : { EvalIDs: ids, EvalCreateIndex: index };

function nodeId(request: FastifyRequest): string {
  if (idOf(request) === '') throw new NomadError('missing node ID');
  return orThrow(parseUuid(idOf(request)), LOOKUP);
}
