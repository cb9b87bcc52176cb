import { isClientTerminal, isServerTerminal, reportAllocations, type AllocationState } from '@app/domain';
import {
  allocationStream,
  deploymentStream,
  jobStream,
  jobSummaryStream,
  nodeStream,
  type StreamName,
} from '@app/kernel';
import { MAX_ALLOCATIONS_PER_CALL } from './limits.js';
import * as messages from '@app/nomad-rpc';
import { type Any, type Connection, method, type Method, RpcError } from '@app/nomad-rpc';
import { allocationForClient } from './allocation-for-client.js';
import { reportOf } from './report.js';
import type { NodeDesk } from './services.js';

/** How often a caller that waits for another node's allocation has it looked at. */
const LOOK_MS = 1000;

/** Nomad: the methods about allocations that client agents call; spec/rpc §8. */
export function allocationMethods(desk: NodeDesk): Method<Connection>[] {
  const { services } = desk;

  const load = async (ids: readonly string[]): Promise<AllocationState[]> => {
    const streams = ids.map((id) => allocationStream(id.toLowerCase()));
    const stored = await services.store.load(streams);
    return streams
      .flatMap((stream) => stored.get(stream) ?? [])
      .map(({ state }) => JSON.parse(state) as AllocationState)
      .filter((state) => !state.purged);
  };
  const render = async (alloc: AllocationState): Promise<Any> =>
    allocationForClient(alloc, await desk.jobText(alloc), new Map());

  return [
    method('Alloc.GetAllocs', messages.getAllocsRequest, messages.getAllocsReply, async (request) => {
      desk.checkRegion(request.Region);
      const ids = request.AllocIDs ?? [];
      if (ids.length > MAX_ALLOCATIONS_PER_CALL)
        throw new RpcError(`more than ${MAX_ALLOCATIONS_PER_CALL} allocations`);
      const at = await services.tail.readIndex();
      const allocs = await load(ids);
      const nodes = new Set(allocs.map((alloc) => alloc.nodeId));
      for (const nodeId of nodes) await desk.authenticated(nodeId, request.AuthToken);
      const newest = Math.max(1, at, ...allocs.map((alloc) => alloc.modifyIndex));
      return { Allocs: await Promise.all(allocs.map(render)), SignedIdentities: null, ...messages.metaAt(newest) };
    }),

    method('Node.UpdateAlloc', messages.updateAllocRequest, messages.indexReply, async (request, connection) => {
      desk.checkRegion(request.Region);
      const updates = request.Alloc ?? [];
      const nodeId = updates[0]?.NodeID ?? '';
      if (updates.length === 0) throw new RpcError('must update at least one allocation');
      if ((request.Evals ?? []).length > 0) throw new RpcError('evaluations field must not be set');
      if (nodeId === '') throw new RpcError('missing node ID');
      if (updates.some((update) => update.NodeID !== nodeId)) throw new RpcError('allocations of more than one node');
      const node = await desk.authenticated(nodeId, request.AuthToken);
      const reports = updates.map(reportOf);
      const known = await load(reports.map(({ id }) => id));
      const { index } = await desk.execute(
        node.id,
        connection.remoteAddress,
        {
          name: 'ReportAllocations',
          reads: [nodeStream(node.id), ...new Set(known.flatMap(streamsOf))],
          decide: (view, context) => reportAllocations(view, context, { nodeId: node.id, reports }),
        },
        ({ code }) =>
          code === 'node-not-found'
            ? 'node not found'
            : `node ${node.id} is not allowed to update allocs while in status ${node.status}`,
      );
      return { Index: index };
    }),

    method('Alloc.GetAlloc', messages.getAllocRequest, messages.getAllocReply, async (request, _connection, signal) => {
      desk.checkRegion(request.Region);
      const deadline = performance.now() + desk.waitMs(request.MaxQueryTime);
      for (;;) {
        const at = await services.tail.readIndex();
        const [alloc] = await load([request.AllocID]);
        const over = alloc === undefined || isOver(alloc) || alloc.modifyIndex > request.MinQueryIndex;
        if (over || performance.now() >= deadline || signal.aborted || services.tail.isEnding) {
          const index = Math.max(1, alloc?.modifyIndex ?? at);
          return { Alloc: alloc === undefined ? null : await render(alloc), ...messages.metaAt(index) };
        }
        await services.news.wait(alloc.nodeId, at, Math.min(LOOK_MS, deadline - performance.now()), signal);
      }
    }),
  ];
}

const isOver = (alloc: AllocationState): boolean =>
  isClientTerminal(alloc) || (isServerTerminal(alloc) && alloc.clientStatus === 'unknown');

const streamsOf = (alloc: AllocationState): StreamName[] => [
  allocationStream(alloc.id),
  jobStream(alloc.namespace, alloc.jobId),
  jobSummaryStream(alloc.namespace, alloc.jobId),
  ...(alloc.deploymentId === '' ? [] : [deploymentStream(alloc.deploymentId)]),
];
