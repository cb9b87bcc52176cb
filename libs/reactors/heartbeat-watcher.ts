import {
  currentVersion,
  isServerTerminal,
  isClientTerminal,
  isTerminal,
  missHeartbeats,
  type AffectedJob,
  type MissedHeartbeat,
  type NodeState,
} from '@app/domain';
import { StoreUnavailable } from '@app/event-store';
import { jobStream, nodeStream, usFromNs, type TimeUs } from '@app/kernel';
import type { ClusterState } from './cluster-state.js';
import { Looks } from './looks.js';
import type { Reactor, ReactorContext } from './reactor.js';

/** Nomad: the smallest TTL that is handed out, and the grace beyond it. */
export const MIN_TTL_MS = 10_000;
export const GRACE_MS = 10_000;
/** Nodes that may send a heartbeat in a second: the TTL grows with their number. */
const BEATS_PER_SECOND = 50;
const LOOK_MS = 1000;
/** Nodes and evaluations that one command notes; a node that concerns more jobs goes alone. */
const EVENTS_PER_COMMAND = 1_000;
/** A look this long after the one before: the store or this process stood still, and nobody could be heard. */
const STOOD_STILL_US = 5_000_000;

/** The TTL to hand out among so many nodes, without its random part. */
export const heartbeatTtlMs = (nodes: number): number => Math.max(MIN_TTL_MS, (nodes / BEATS_PER_SECOND) * 1000);

/** Marks nodes down (or disconnected) that were not heard of in time. spec/lifecycle §9.2. */
export class HeartbeatWatcher implements Reactor {
  private readonly looks: Looks;
  /**
   * When nodes were last heard of, or first seen here: silence counts from when this leader began to listen. Kept from look to look, because
   * a crash of the database empties its table.
   */
  private heardAt: ReadonlyMap<string, number> = new Map();
  private lookedAt = 0;

  constructor(
    private readonly context: ReactorContext,
    private readonly ages: () => Promise<ReadonlyMap<string, number>>,
  ) {
    this.looks = new Looks(() => this.lookAround(), LOOK_MS, context.onError);
  }

  start(): void {
    this.lookedAt = this.context.now();
    this.looks.start();
  }

  react(): void {
    // Heartbeats are not in the log: the table of those heard of is looked at every second.
  }

  stop(): Promise<void> {
    return this.looks.stop();
  }

  private async lookAround(): Promise<void> {
    const { cluster } = this.context;
    const ages = await this.ages();
    if (this.context.now() > this.lookedAt + STOOD_STILL_US) this.heardAt = new Map();
    this.lookedAt = this.context.now();
    const moment = performance.now();
    const nodes = cluster.nodes();
    const heardAt = (id: string): number =>
      Math.max(this.heardAt.get(id) ?? moment, moment - (ages.get(id) ?? Infinity));
    this.heardAt = new Map(nodes.map(({ id }) => [id, heardAt(id)]));
    const allowed = 2 * heartbeatTtlMs(nodes.length) + GRACE_MS;
    await this.missAll(
      nodes.filter((node) => node.status !== 'down' && moment - this.heardAt.get(node.id)! >= allowed),
    );
  }

  /** Notes lost nodes, many in one command. What goes wrong with one is told; the others are noted all the same, and it is looked at again in a second. */
  private async missAll(lost: readonly NodeState[]): Promise<void> {
    if (lost.length === 0) return;
    const { cluster, onError } = this.context;
    const everywhere = jobsOnEveryNode(cluster);
    let part: MissedHeartbeat[] = [];
    let weight = 0;
    for (const node of lost) {
      let missed: MissedHeartbeat | undefined;
      try {
        missed = this.missed(node, everywhere);
      } catch (error) {
        onError(error);
      }
      if (missed === undefined) continue;
      if (part.length > 0 && weight + missed.affected.length >= EVENTS_PER_COMMAND) {
        await this.note(part);
        [part, weight] = [[], 0];
      }
      part.push(missed);
      weight += 1 + missed.affected.length;
    }
    if (part.length > 0) await this.note(part);
  }

  private missed(node: NodeState, everywhere: readonly AffectedJob[]): MissedHeartbeat | undefined {
    const { cluster, now } = this.context;
    const status = mayReconnect(cluster, node, now()) ? 'disconnected' : 'down';
    if (status === node.status) return undefined;
    return { nodeId: node.id, status, affected: jobsOnNode(cluster, node, everywhere) };
  }

  private async note(nodes: readonly MissedHeartbeat[]): Promise<void> {
    const [first] = nodes;
    const jobs = nodes.flatMap(({ affected }) => affected.map(({ namespace, jobId }) => jobStream(namespace, jobId)));
    try {
      await this.context.execute(
        nodes.length === 1 ? 'MissHeartbeat' : 'MissHeartbeats',
        (view, context) => missHeartbeats(view, context, { nodes }),
        nodes.length === 1 ? first!.nodeId : undefined,
        // One by one, a new leader would load the jobs of a lost node in as many round trips.
        [...new Set([...nodes.map(({ nodeId }) => nodeStream(nodeId)), ...jobs])],
      );
    } catch (error) {
      // One of them may be the reason: each by itself, while there is a store.
      if (nodes.length === 1 || error instanceof StoreUnavailable) this.context.onError(error);
      else for (const one of nodes) await this.note([one]);
    }
  }
}

/** Some allocation on a disconnected node may stay unknown for a while longer. */
export const mayReconnect = (cluster: ClusterState, node: NodeState, now: TimeUs): boolean =>
  cluster.liveAllocationsOnNode(node.id).some((alloc) => {
    if (isTerminal(alloc)) return false;
    const version = cluster.jobVersion(alloc.namespace, alloc.jobId, alloc.jobCreateIndex, alloc.jobVersion);
    const lostAfter =
      version?.spec.TaskGroups.find((group) => group.Name === alloc.taskGroup)?.Disconnect?.LostAfter ?? 0;
    const unknownSince = alloc.clientStatus === 'unknown' ? alloc.stateChanges.at(-1)?.time : undefined;
    return lostAfter > 0 && (unknownSince === undefined || now < unknownSince + usFromNs(lostAfter));
  });

/** Jobs that a change of a node concerns; spec/lifecycle §2.2. */
export function jobsOnNode(
  cluster: ClusterState,
  node: NodeState,
  everywhere: readonly AffectedJob[] = jobsOnEveryNode(cluster),
): AffectedJob[] {
  const jobs = new Map<string, AffectedJob>();
  for (const alloc of cluster.liveAllocationsOnNode(node.id)) {
    const over =
      alloc.jobType === 'sysbatch' ||
      (alloc.jobType === 'service' && isServerTerminal(alloc) && isClientTerminal(alloc));
    if (!over) jobs.set(`${alloc.namespace}/${alloc.jobId}`, { namespace: alloc.namespace, jobId: alloc.jobId });
  }
  for (const job of everywhere) jobs.set(`${job.namespace}/${job.jobId}`, job);
  return [...jobs.values()];
}

/** System jobs, which every node may have to run. */
const jobsOnEveryNode = (cluster: ClusterState): AffectedJob[] =>
  cluster
    .jobs()
    .filter((job) => {
      const current = currentVersion(job);
      return current?.spec.Type === 'system' && !current.spec.Stop;
    })
    .map(({ namespace, id }) => ({ namespace, jobId: id }));
