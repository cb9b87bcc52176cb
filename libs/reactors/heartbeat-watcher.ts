import {
  currentVersion,
  isServerTerminal,
  isClientTerminal,
  isTerminal,
  missHeartbeat,
  type AffectedJob,
  type NodeState,
} from '@app/domain';
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
    for (const node of nodes) {
      if (node.status === 'down' || moment - this.heardAt.get(node.id)! < allowed) continue;
      // The others are looked at all the same; this one again in a second.
      await this.miss(node).catch(this.context.onError);
    }
  }

  private async miss(node: NodeState): Promise<void> {
    const { cluster, now, execute } = this.context;
    const status = mayReconnect(cluster, node, now()) ? 'disconnected' : 'down';
    if (status === node.status) return;
    const command = { nodeId: node.id, status, affected: jobsOnNode(cluster, node) } as const;
    const jobs = command.affected.map(({ namespace, jobId }) => jobStream(namespace, jobId));
    await execute(
      'MissHeartbeat',
      (view, context) => missHeartbeat(view, context, command),
      node.id,
      // One by one, a new leader would load the jobs of a lost node in as many round trips.
      [nodeStream(node.id), ...jobs],
    );
  }
}

/** Some allocation on a node that is out of reach may stay unknown for a while longer. */
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
export function jobsOnNode(cluster: ClusterState, node: NodeState): AffectedJob[] {
  const jobs = new Map<string, AffectedJob>();
  for (const alloc of cluster.liveAllocationsOnNode(node.id)) {
    const over =
      alloc.jobType === 'sysbatch' ||
      (alloc.jobType === 'service' && isServerTerminal(alloc) && isClientTerminal(alloc));
    if (!over) jobs.set(`${alloc.namespace}/${alloc.jobId}`, { namespace: alloc.namespace, jobId: alloc.jobId });
  }
  for (const job of cluster.jobs()) {
    const current = currentVersion(job);
    if (current?.spec.Type === 'system' && !current.spec.Stop)
      jobs.set(`${job.namespace}/${job.id}`, { namespace: job.namespace, jobId: job.id });
  }
  return [...jobs.values()];
}
