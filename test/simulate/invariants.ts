import {
  currentVersion,
  hasUpdate,
  isActive,
  isClientTerminal,
  isTerminal,
  type AllocationState,
  type DeploymentState,
  type GroupSummary,
  type JobState,
  type JobSummaryState,
} from '@app/domain';
import {
  allocationStream,
  jobSummaryStream,
  streamKey,
  streamType,
  US_PER_S,
  type StreamName,
  type TimeUs,
} from '@app/kernel';
import { lateGroups } from '@app/reactors';
import { usageOf } from '@app/scheduling';
import type { MemoryLog, SimulatedCommit } from './memory-log.js';

const UPDATING = 'alloc is being updated due to job update';
/** How late a deadline may be noticed: the watcher gathers changes before it looks. */
const SLACK_US = 5 * US_PER_S;

/** Something that must never be was. */
export class Violation extends Error {}

/** What holds after every commit. @throws Violation */
export function checkCommit(log: MemoryLog, commit: SimulatedCommit): void {
  const placed: AllocationState[] = [];
  const updated: AllocationState[] = [];
  const created = placementsOf(commit);
  for (const { stream, before, after } of commit.movements) {
    const type = streamType(stream);
    if (type === 'deployment') staysEnded(before as DeploymentState | undefined, after as DeploymentState);
    if (type === 'job-summary') neverNegative(after as JobSummaryState);
    if (type !== 'allocation') continue;
    const alloc = after as AllocationState;
    // What is over is forgotten by the cluster: a last word about it looks like something new, but is not.
    if (created.has(stream)) placed.push(alloc);
    else if ((before as AllocationState | undefined)?.desiredStatus === 'run' && alloc.desiredDescription === UPDATING)
      updated.push(alloc);
  }
  if (placed.length === 0) return;
  const job = log.cluster.job(placed[0]!.namespace, placed[0]!.jobId);
  const current = currentVersion(job);
  if (job === undefined || current === undefined || current.spec.Stop)
    throw new Violation(`an allocation of ${placed[0]!.jobId} was placed, which is stopped`);
  for (const nodeId of new Set(placed.map((alloc) => alloc.nodeId))) hasRoom(log, nodeId);
  if (placed[0]!.jobType !== 'service') return;
  const live = log.cluster.allocationsOfJob(job.namespace, job.id).filter((alloc) => !isTerminal(alloc));
  namesAreUnique(live, placed);
  for (const group of current.spec.TaskGroups) {
    const here = live.filter((alloc) => alloc.taskGroup === group.Name);
    const canaries = group.Update?.Canary ?? 0;
    if (here.length > group.Count + canaries)
      throw new Violation(`${job.id} runs ${here.length} allocations of ${group.Count} and ${canaries} canaries`);
    const replaced = updated.filter((alloc) => alloc.taskGroup === group.Name).length;
    if (replaced === 0 || !hasUpdate(group.Update)) continue;
    const { deploymentId } = placed.find((alloc) => alloc.previousAllocation !== '' && alloc.taskGroup === group.Name)!;
    // What counts is what the pass saw: what it updates in place belongs to the deployment only from now on.
    const joined = new Set(
      commit.events
        .filter(({ event }) => event.type === 'AllocationUpdatedInPlace')
        .map(({ stream }) => streamKey(stream)),
    );
    const open = here.filter(
      (alloc) =>
        alloc.deploymentId === deploymentId &&
        alloc.deploymentStatus?.healthy !== true &&
        !placed.includes(alloc) &&
        !joined.has(alloc.id),
    ).length;
    if (replaced + open > group.Update!.MaxParallel) {
      throw new Violation(
        `${job.id} replaces ${replaced} while ${open} are not healthy yet: more than max_parallel ${group.Update!.MaxParallel}`,
      );
    }
  }
}

/** The streams of the allocations that a commit places. */
export const placementsOf = (commit: SimulatedCommit): ReadonlySet<StreamName> =>
  new Set(commit.events.filter(({ event }) => event.type === 'AllocationPlaced').map(({ stream }) => stream));

function staysEnded(before: DeploymentState | undefined, after: DeploymentState): void {
  if (before === undefined || isActive(before) || after.status === before.status) return;
  throw new Violation(`deployment ${after.id} was ${before.status} and is ${after.status} now`);
}

function neverNegative({ jobId, groups, liveAllocations, activeDeployments }: JobSummaryState): void {
  const counts = [
    liveAllocations,
    activeDeployments,
    ...Object.values(groups).flatMap((group) => Object.values(group) as number[]),
  ];
  if (counts.some((count) => count < 0)) throw new Violation(`the summary of ${jobId} counts below zero`);
}

function hasRoom(log: MemoryLog, nodeId: string): void {
  const node = log.cluster.node(nodeId);
  if (node === undefined) throw new Violation(`an allocation was placed on ${nodeId}, which is not there`);
  const { Cpu, Memory } = node.description.NodeResources;
  const most = log.cluster.usedOnNode(nodeId);
  if (most.cpu <= Cpu.CpuShares && most.memory <= Memory.MemoryMB) return;
  let [cpu, memory] = [0, 0];
  for (const alloc of log.cluster.liveAllocationsOnNode(nodeId)) {
    // What another plan has reserved is not there yet, and what makes way for it is still.
    if (isTerminal(alloc) || log.read(allocationStream(alloc.id)) === undefined) continue;
    const usage = usageOf(alloc.allocatedResources);
    cpu += usage.cpu;
    memory += usage.memory;
  }
  if (cpu > Cpu.CpuShares || memory > Memory.MemoryMB)
    throw new Violation(`node ${nodeId} is overcommitted: ${cpu} MHz, ${memory} MB`);
}

/** Among those of one version no name is used twice; an old one and its successor-to-be may share one for a while (spec/lifecycle §3.5). */
function namesAreUnique(live: readonly AllocationState[], placed: readonly AllocationState[]): void {
  const key = (alloc: AllocationState): string => `${alloc.name} ${alloc.jobCreateIndex} ${alloc.jobVersion}`;
  const names = new Set(placed.map(key));
  const seen = new Set<string>();
  for (const alloc of live) {
    const name = key(alloc);
    if (!names.has(name)) continue;
    if (seen.has(name))
      throw new Violation(`two live allocations are called ${alloc.name} in version ${alloc.jobVersion}`);
    seen.add(name);
  }
}

const BINS = { pending: 'starting', running: 'running', unknown: 'unknown' } as const satisfies Partial<
  Record<AllocationState['clientStatus'], keyof GroupSummary>
>;

/** What holds whenever somebody looks: counters are what there is to count, and no deadline has passed unnoticed. @throws Violation */
export function checkAll(log: MemoryLog, now: TimeUs): void {
  const { cluster } = log;
  for (const job of cluster.jobs()) checkSummary(log, job);
  for (const deployment of cluster.activeDeployments()) {
    if (lateGroups(cluster, deployment, now - SLACK_US).length > 0)
      throw new Violation(`deployment ${deployment.id} runs on past its deadline`);
  }
}

function checkSummary(log: MemoryLog, job: JobState): void {
  const summary = log.read<JobSummaryState>(jobSummaryStream(job.namespace, job.id));
  if (summary === undefined || summary.purged) return;
  const allocs = log.cluster.allocationsOfJob(job.namespace, job.id);
  const counted: Record<string, number> = {};
  let live = 0;
  for (const alloc of allocs) {
    if (!isTerminal(alloc)) live++;
    const bin = BINS[alloc.clientStatus as keyof typeof BINS];
    if (bin !== undefined && alloc.jobCreateIndex === summary.jobCreateIndex)
      counted[`${alloc.taskGroup} ${bin}`] = (counted[`${alloc.taskGroup} ${bin}`] ?? 0) + 1;
  }
  const active = log.cluster.deploymentsOfJob(job.namespace, job.id).filter(isActive).length;
  if (live !== summary.liveAllocations)
    throw new Violation(`${job.id} has ${live} live allocations, its summary says ${summary.liveAllocations}`);
  if (active !== summary.activeDeployments)
    throw new Violation(`${job.id} has ${active} active deployments, its summary says ${summary.activeDeployments}`);
  for (const [name, group] of Object.entries(summary.groups)) {
    for (const bin of Object.values(BINS)) {
      const actual = counted[`${name} ${bin}`] ?? 0;
      if (group[bin] !== actual)
        throw new Violation(`${job.id} has ${actual} ${bin} allocations, its summary says ${group[bin]}`);
    }
  }
}

/** What everything has come to once nothing fails any more, as sentences about what has not. */
export function unsettled(log: MemoryLog): string[] {
  const complaints: string[] = [];
  for (const job of log.cluster.jobs()) {
    const current = currentVersion(job)!;
    const live = log.cluster.allocationsOfJob(job.namespace, job.id).filter((alloc) => !isTerminal(alloc));
    if (current.spec.Stop) {
      if (live.length > 0) complaints.push(`${job.id} is stopped and has ${live.length} live allocations`);
      continue;
    }
    if (current.spec.Type !== 'service') continue;
    const wanted = current.spec.TaskGroups.reduce((sum, group) => sum + group.Count, 0);
    const good = live.filter((alloc) => alloc.jobVersion === current.version && alloc.clientStatus === 'running');
    if (live.length !== wanted || good.length !== wanted)
      complaints.push(
        `${job.id} wants ${wanted}, has ${live.length} live and ${good.length} running of its version ${current.version}`,
      );
    if (new Set(good.map((alloc) => alloc.name)).size !== good.length)
      complaints.push(`names of ${job.id} are used twice`);
  }
  for (const { id, status } of log.cluster.activeDeployments()) complaints.push(`deployment ${id} is still ${status}`);
  for (const { id, status, triggeredBy, jobId } of log.cluster.openEvaluations())
    complaints.push(`evaluation ${id} of ${jobId} (${triggeredBy}) is still ${status}`);
  for (const node of log.cluster.nodes()) {
    const stuck = log.cluster
      .liveAllocationsOnNode(node.id)
      .filter((alloc) => alloc.desiredStatus !== 'run' && !isClientTerminal(alloc));
    if (stuck.length > 0) complaints.push(`${stuck.length} allocations on ${node.id} were told to stop and did not`);
  }
  return complaints;
}
