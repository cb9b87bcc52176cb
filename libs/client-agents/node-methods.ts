import { computedClass, drainNode, emitNodeEvents, heartbeatNode, registerNode, type NodeState } from '@app/domain';
import { nodeStream, usFromRfc3339, type Index } from '@app/kernel';
import { digestOfSecret } from '@app/keyring';
import * as messages from '@app/nomad-rpc';
import { type Connection, goTimeOfUs, method, type Method, RpcError } from '@app/nomad-rpc';
import type { Callers } from './callers.js';
import { nodeDescription } from './node-description.js';
import { isSecretOf, type KnownNode, type NodeDesk } from './services.js';

const SECRET_MISMATCH = 'node secret ID does not match';
const NS_PER_MS = 1_000_000n;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_NAME = 256;

/** Learns which node a session belongs to. */
export type NoteSession = (nodeId: string, connection: Connection) => void;

/** Nomad: the methods of the endpoints Status and Node that client agents call; spec/rpc §8. */
export function nodeMethods(desk: NodeDesk, noteSession: NoteSession, callers: Callers): Method<Connection>[] {
  const { services } = desk;

  const answer = (index: Index, nodeModifyIndex: Index, evalIds: readonly string[], node: KnownNode | undefined) => ({
    HeartbeatTTL: BigInt(Math.ceil(services.ttlMs())) * NS_PER_MS,
    EvalIDs: evalIds.length === 0 ? null : evalIds,
    EvalCreateIndex: evalIds.length === 0 ? 0 : index,
    NodeModifyIndex: nodeModifyIndex,
    Features: 0,
    LeaderRPCAddr: services.servers()[0] ?? '',
    NumNodes: services.nodeCount(),
    Servers: services.servers().map((address) => ({
      RPCAdvertiseAddr: address,
      RPCMajorVersion: 0,
      RPCMinorVersion: 0,
      Datacenter: services.datacenter,
    })),
    SchedulingEligibility: node?.eligibility ?? 'eligible',
    SignedIdentity: null,
    Index: index,
    LastContact: 0,
    KnownLeader: false,
    NextToken: '',
  });

  return [
    method('Status.Ping', messages.pingRequest, messages.emptyReply, () => ({})),

    method('Node.Register', messages.registerRequest, messages.nodeUpdateReply, async (request, connection) => {
      desk.checkRegion(request.Region);
      const { Node: node, AuthToken: token } = request;
      checkIdentity(node);
      const description = nodeDescription(node);
      const known = await desk.known(description.ID);
      if (known === undefined && !(await services.mayJoin(token, description))) throw new RpcError('Permission denied');
      const affected = await services.readModels.jobsAffectedByNode(description.ID);
      const { index } = await desk.execute(
        description.ID,
        connection.remoteAddress,
        {
          name: 'RegisterNode',
          reads: [nodeStream(description.ID)],
          decide: (view, context) =>
            registerNode(view, context, {
              description,
              secretDigest: digestOfSecret(node.SecretID),
              computedClass: computedClass(description),
              affected,
            }),
        },
        ({ code, detail }) => (code === 'node-beyond-bounds' ? `no machine has this: ${detail}` : SECRET_MISMATCH),
      );
      await services.heartbeats.note(description.ID);
      noteSession(description.ID, connection);
      return answer(index, index, [], known);
    }),

    method('Node.UpdateStatus', messages.updateStatusRequest, messages.nodeUpdateReply, async (request, connection) => {
      desk.checkRegion(request.Region);
      const node = await desk.authenticated(request.NodeID, request.AuthToken);
      noteSession(node.id, connection);
      await services.heartbeats.note(node.id);
      // A heartbeat that changes nothing writes nothing, and says so: spec/rpc §8.3.
      if (node.status === 'ready') return answer(0, 0, [], node);
      const [affected, hasLiveAllocations] = await Promise.all([
        services.readModels.jobsAffectedByNode(node.id),
        services.readModels.hasLiveAllocations(node.id),
      ]);
      const outcome = await desk.execute(
        node.id,
        connection.remoteAddress,
        {
          name: 'HeartbeatNode',
          reads: [nodeStream(node.id)],
          decide: (view, context) => heartbeatNode(view, context, { nodeId: node.id, affected, hasLiveAllocations }),
        },
        () => 'node not found',
      );
      return answer(outcome.index, outcome.index, outcome.answer.evalIds, node);
    }),

    method(
      'Node.GetClientAllocs',
      messages.getClientAllocsRequest,
      messages.getClientAllocsReply,
      async (request, connection, signal) => {
        desk.checkRegion(request.Region);
        const node = await desk.known(request.NodeID);
        if (node === undefined) throw new RpcError('node not found');
        if (!isSecretOf(node, request.SecretID)) throw new RpcError(SECRET_MISMATCH);
        noteSession(node.id, connection);
        const deadline = performance.now() + desk.waitMs(request.MaxQueryTime);
        for (;;) {
          // The index first: what is read afterwards is at least as new.
          const at = await services.tail.readIndex();
          const { indexes, changedAt } = await services.readModels.allocationIndexesOfNode(node.id);
          const left = deadline - performance.now();
          const isNews = changedAt > request.MinQueryIndex || request.MinQueryIndex === 0;
          if (isNews || left <= 0 || signal.aborted || services.tail.isEnding) {
            // Ending without news is an error: an index that has not moved is asked for again without a pause.
            if (!isNews && services.tail.isEnding) throw new RpcError('No cluster leader');
            return { Allocs: indexes, MigrateTokens: {}, ...messages.metaAt(Math.max(1, at, changedAt)) };
          }
          await services.news.wait(node.id, at, left, signal);
        }
      },
    ),

    method('Node.EmitEvents', messages.emitEventsRequest, messages.indexReply, async (request, connection) => {
      desk.checkRegion(request.Region);
      let last = 0;
      for (const [nodeId, events] of Object.entries(request.NodeEvents ?? {})) {
        const node = await desk.authenticated(nodeId, request.AuthToken);
        const { index } = await desk.execute(
          node.id,
          connection.remoteAddress,
          {
            name: 'EmitNodeEvents',
            reads: [nodeStream(node.id)],
            decide: (view, context) =>
              emitNodeEvents(view, context, {
                nodeId: node.id,
                events: (events ?? []).map((event) => ({
                  message: event.Message,
                  subsystem: event.Subsystem,
                  details: event.Details,
                  timestamp: usFromRfc3339(event.Timestamp),
                })),
              }),
          },
          () => 'node not found',
        );
        last = Math.max(last, index);
      }
      return { Index: last };
    }),

    method('Node.UpdateDrain', messages.updateDrainRequest, messages.updateDrainReply, async (request, connection) => {
      desk.checkRegion(request.Region);
      const node = await desk.authenticated(request.NodeID, request.AuthToken);
      const affected = await services.readModels.jobsAffectedByNode(node.id);
      const { DrainStrategy: wanted } = request;
      const { index, answer: made } = await desk.execute(
        node.id,
        connection.remoteAddress,
        {
          name: 'DrainNode',
          reads: [nodeStream(node.id)],
          decide: (view, context) =>
            drainNode(view, context, {
              nodeId: node.id,
              spec: wanted && { deadline: Number(wanted.Deadline), ignoreSystemJobs: wanted.IgnoreSystemJobs },
              markEligible: request.MarkEligible,
              meta: request.Meta,
              accessorId: `node:${node.id}`,
              affected,
            }),
        },
        () => 'node not found',
      );
      return {
        NodeModifyIndex: index,
        EvalIDs: made.evalIds,
        EvalCreateIndex: made.evalIds.length === 0 ? 0 : index,
        ...messages.metaAt(index),
      };
    }),

    method('Node.GetNode', messages.getNodeRequest, messages.getNodeReply, async (request, connection) => {
      desk.checkRegion(request.Region);
      await callers.resolve(request.AuthToken, connection);
      const caller = await desk.node(request.NodeID);
      const at = await services.tail.readIndex();
      // Never nil to a client that asks for itself: it would end. Others only want the address, and may not have it without being known.
      return { Node: caller === undefined ? null : nodeForClient(caller), ...messages.metaAt(Math.max(1, at)) };
    }),
  ];
}

/** Cut down to what a client looks at; spec/rpc §8.8. */
const nodeForClient = (node: NodeState) => ({
  ID: node.id,
  Name: node.description.Name,
  Datacenter: node.description.Datacenter,
  HTTPAddr: node.description.HTTPAddr,
  TLSEnabled: (node.description as { TLSEnabled?: boolean }).TLSEnabled ?? false,
  Status: node.status,
  SchedulingEligibility: node.eligibility,
  DrainStrategy: node.drain && {
    Deadline: node.drain.deadline,
    IgnoreSystemJobs: node.drain.ignoreSystemJobs,
    ForceDeadline: goTimeOfUs(node.drain.forceDeadline),
    StartedAt: goTimeOfUs(node.drain.startedAt),
  },
});

/** Nomad's checks of a registration. spec/rpc §8.2. */
function checkIdentity(node: messages.ClientNode): void {
  if (node.ID === '') throw new RpcError('missing node ID for client registration');
  if (!UUID.test(node.ID)) throw new RpcError(`invalid node ID ${JSON.stringify(node.ID.slice(0, MAX_NAME))}`);
  if (node.Datacenter === '') throw new RpcError('missing datacenter for client registration');
  if (node.Name === '') throw new RpcError('missing node name for client registration');
  if (!UUID.test(node.SecretID)) throw new RpcError('missing node secret ID for client registration');
  for (const name of [node.Name, node.Datacenter, node.NodeClass, node.NodePool])
    if (name.length > MAX_NAME) throw new RpcError(`a name of more than ${MAX_NAME} characters`);
  if (!['initializing', 'ready', 'down', 'disconnected', ''].includes(node.Status))
    throw new RpcError('invalid status for node');
}
