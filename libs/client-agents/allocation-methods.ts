import { isClientTerminal, isServerTerminal, reportAllocations, type AllocationState, type JobSpec } from '@app/domain';
import {
  allocationStream,
  deploymentStream,
  isoFromUs,
  jobStream,
  jobSummaryStream,
  nodeStream,
  type StreamName,
} from '@app/kernel';
import { AllocationIdentities, KeyringUnavailable } from '@app/keyring';
import * as messages from '@app/nomad-rpc';
import { method, RpcError, ZERO_TIME, type Any, type Connection, type Method, type Of } from '@app/nomad-rpc';
import { LRUCache } from 'lru-cache';
import { allocationForClient } from './allocation-for-client.js';
import { MAX_ALLOCATIONS_PER_CALL, MAX_KEPT_TOKENS } from './limits.js';
import type { Callers } from './callers.js';
import { reportOf } from './report.js';
import type { JobOfAllocation, NodeDesk } from './services.js';

/** How often a caller that waits for another node's allocation has it looked at. */
const LOOK_MS = 1000;

/** Nomad: the methods about allocations that client agents call; spec/rpc §8. */
export function allocationMethods(desk: NodeDesk, callers: Callers): Method<Connection>[] {
  const { services } = desk;

  const load = (ids: readonly string[]): Promise<AllocationState[]> => desk.allocations(ids);
  const identities = new AllocationIdentities(services.identities, services.region);
  /** Signing takes a millisecond, and each pull of an allocation wants its tokens again; default ones never expire. */
  const tokens = new LRUCache<string, string>({ max: MAX_KEPT_TOKENS });

  const render = async (alloc: AllocationState): Promise<Any> => {
    const job = await desk.job(alloc);
    return allocationForClient(alloc, job.forClient, await defaultIdentities(alloc, job));
  };
  /** For another node than its own: its tokens are none of that one's business. */
  const renderForOthers = async (alloc: AllocationState): Promise<Any> =>
    allocationForClient(alloc, (await desk.job(alloc)).forClient, new Map());

  /** The token of each task that has a default identity. Without a keyring that opens there is none, and the rest goes on. */
  async function defaultIdentities(alloc: AllocationState, { spec }: JobOfAllocation): Promise<Map<string, string>> {
    const signed = new Map<string, string>();
    if (isServerTerminal(alloc) || isClientTerminal(alloc)) return signed;
    const group = spec.TaskGroups.find(({ Name }) => Name === alloc.taskGroup);
    for (const { Name, Identity, Templates } of group?.Tasks ?? []) {
      // Templates ask for variables and services in the task's own name.
      if (Identity === null && (Templates ?? []).length === 0) continue;
      const key = `${alloc.id} ${Name} ${alloc.signingKeyId}`;
      const kept = tokens.get(key);
      const token = kept ?? (await signedDefault(alloc, spec, Name));
      if (token === undefined) continue;
      tokens.set(key, token);
      signed.set(Name, token);
    }
    return signed;
  }

  async function signedDefault(alloc: AllocationState, spec: JobSpec, task: string): Promise<string | undefined> {
    const wanted = { workload: task, kind: 'task', name: 'default' } as const;
    const answer = await identities.sign(alloc, spec, wanted).catch(withoutKeyring);
    return answer?.kind === 'signed' ? answer.identity.token : undefined;
  }

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

    method('Alloc.SignIdentities', messages.signIdentitiesRequest, messages.signIdentitiesReply, async (request) => {
      desk.checkRegion(request.Region);
      const wanted = request.Identities ?? [];
      if (wanted.length > MAX_ALLOCATIONS_PER_CALL)
        throw new RpcError(`more than ${MAX_ALLOCATIONS_PER_CALL} identities`);
      const at = await services.tail.readIndex();
      const allocs = new Map((await load([...new Set(wanted.map((one) => one.AllocID))])).map((one) => [one.id, one]));
      for (const nodeId of new Set([...allocs.values()].map((one) => one.nodeId)))
        await desk.authenticated(nodeId, request.AuthToken);
      type Reply = Of<typeof messages.signIdentitiesReply>;
      const signed: NonNullable<Reply['SignedIdentities']>[number][] = [];
      const rejections: NonNullable<Reply['Rejections']>[number][] = [];
      for (const one of wanted) {
        const alloc = allocs.get(one.AllocID.toLowerCase());
        const answer =
          alloc === undefined
            ? { kind: 'refused' as const, reason: 'allocation not found' }
            : await identities.sign(alloc, (await desk.job(alloc)).spec, {
                workload: one.WorkloadIdentifier,
                kind: one.WorkloadType === 1 ? 'service' : 'task',
                name: one.IdentityName,
              });
        if (answer.kind === 'refused') rejections.push({ ...one, Reason: answer.reason });
        else {
          const { token, expiresAt } = answer.identity;
          signed.push({ ...one, JWT: token, Expiration: isoFromUs(expiresAt) ?? ZERO_TIME });
        }
      }
      return {
        SignedIdentities: signed,
        Rejections: rejections.length === 0 ? null : rejections,
        ...messages.metaAt(Math.max(1, at)),
      };
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

    method('Alloc.GetAlloc', messages.getAllocRequest, messages.getAllocReply, async (request, connection, signal) => {
      desk.checkRegion(request.Region);
      await callers.resolve(request.AuthToken, connection);
      const deadline = performance.now() + desk.waitMs(request.MaxQueryTime);
      for (;;) {
        const at = await services.tail.readIndex();
        const [alloc] = await load([request.AllocID]);
        const over = alloc === undefined || isOver(alloc) || alloc.modifyIndex > request.MinQueryIndex;
        if (over || performance.now() >= deadline || signal.aborted || services.tail.isEnding) {
          const index = Math.max(1, alloc?.modifyIndex ?? at);
          return { Alloc: alloc === undefined ? null : await renderForOthers(alloc), ...messages.metaAt(index) };
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

/** A keyring that cannot be opened here is told of elsewhere. */
function withoutKeyring(error: unknown): undefined {
  if (error instanceof KeyringUnavailable) return undefined;
  throw error;
}
