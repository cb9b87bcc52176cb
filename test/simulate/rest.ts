import {
  currentVersion,
  isClientTerminal,
  isReady,
  isTemplate,
  isTerminal,
  type JobState,
  type NodeState,
} from '@app/domain';
import { SIZE_OF_ONE } from './jobs.js';
import type { MemoryLog } from './memory-log.js';

/** What everything has come to once nothing fails any more, as sentences about what has not. */
export function unsettled({ cluster }: MemoryLog): string[] {
  const complaints = cluster.jobs().flatMap((job) => unsettledJob(cluster, job));
  for (const { id, status } of cluster.activeDeployments()) complaints.push(`deployment ${id} is still ${status}`);
  for (const { id, status, triggeredBy, jobId, type } of cluster.openEvaluations()) {
    const waitsForRoom =
      status === 'blocked' && type.startsWith('sys') && cluster.nodes().some((node) => isFull(cluster, node));
    if (!waitsForRoom) complaints.push(`evaluation ${id} of ${jobId} (${triggeredBy}) is still ${status}`);
  }
  for (const node of cluster.nodes()) {
    const stuck = cluster
      .liveAllocationsOnNode(node.id)
      .filter((alloc) => alloc.desiredStatus !== 'run' && !isClientTerminal(alloc));
    if (stuck.length > 0) complaints.push(`${stuck.length} allocations on ${node.id} were told to stop and did not`);
  }
  return complaints;
}

function unsettledJob(cluster: MemoryLog['cluster'], job: JobState): string[] {
  const current = currentVersion(job)!;
  const allocs = cluster.allocationsOfJob(job.namespace, job.id);
  const live = allocs.filter((alloc) => !isTerminal(alloc));
  if (current.spec.Stop || isTemplate(current.spec))
    return live.length === 0 ? [] : [`${job.id} is stopped and has ${live.length} live allocations`];
  const wanted = current.spec.TaskGroups.reduce((sum, group) => sum + group.Count, 0);
  switch (current.spec.Type) {
    case 'batch':
    case 'sysbatch':
      return live.length === 0 ? [] : [`${job.id} has not ended: ${live.length} allocations run`];
    case 'system': {
      // System jobs have no reschedule policy: what has failed waits for the next evaluation, as in Nomad.
      const good = new Set(
        allocs
          .filter((alloc) => alloc.jobVersion === current.version && alloc.desiredStatus === 'run')
          .filter((alloc) => alloc.clientStatus === 'running' || alloc.clientStatus === 'failed')
          .map((alloc) => alloc.nodeId),
      );
      return cluster
        .nodes()
        .filter((node) => isReady(node) && !good.has(node.id) && !isFull(cluster, node))
        .map((node) => `${job.id} does not run on ${node.id}`);
    }
    case 'service': {
      const good = live.filter((alloc) => alloc.jobVersion === current.version && alloc.clientStatus === 'running');
      if (live.length !== wanted || good.length !== wanted)
        return [
          `${job.id} wants ${wanted}, has ${live.length} live and ${good.length} running of its version ${current.version}`,
        ];
      return new Set(good.map((alloc) => alloc.name)).size === wanted ? [] : [`names of ${job.id} are used twice`];
    }
  }
}

/** No room for one more. */
const isFull = (cluster: MemoryLog['cluster'], { id, description }: NodeState): boolean =>
  cluster.usedOnNode(id).cpu + SIZE_OF_ONE > description.NodeResources.Cpu.CpuShares;
