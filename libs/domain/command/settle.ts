import { ownProperty, byName } from '@app/kernel';
import { isTerminal, type AllocationState } from '../allocation/state.js';
import { isActive } from '../deployment/state.js';
import { EMPTY_SUMMARY } from '../job-summary/evolve.js';
import type { GroupSummary, JobSummaryState } from '../job-summary/state.js';
import { countChild } from '../job/children.js';
import { currentVersion, isTemplate, type JobStatus, type JobVersion } from '../job/state.js';
import { endServices } from '../service/register.js';
import type { Change, Draft } from './draft.js';

/**
 * What every commit owes to the bookkeeping, derived from the changes of allocations, deployments and evaluations in it: the counters of
 * deployments (spec/lifecycle §7.2) and the summaries of jobs (§1.8).
 */
export function settle(draft: Draft): void {
  countHealth(draft);
  summariseJobs(draft);
  endServices(draft);
}

/** The second half of {@link settle}, for decisions that count health before they go on. Once per decision: it adds up differences. */
export function summariseJobs(draft: Draft): void {
  for (const job of touchedJobs(draft)) summarise(draft, job.namespace, job.jobId);
}

interface HealthEdges {
  readonly placed: AllocationState[];
  readonly healthy: AllocationState[];
  readonly unhealthy: AllocationState[];
  wereHealthy: number;
}

/** The first half of {@link settle}. Once per decision, too. */
export function countHealth(draft: Draft): void {
  const edges = new Map<string, Map<string, HealthEdges>>();
  for (const change of draft.changes('allocation')) {
    const { after } = change;
    if (!after.deploymentId || after.purged) continue;
    if (ownProperty(draft.deployment(after.deploymentId)?.groups, after.taskGroup) === undefined) continue;
    const groups = getOrAdd(edges, after.deploymentId, () => new Map<string, HealthEdges>());
    noteEdge(
      getOrAdd(groups, after.taskGroup, () => ({ placed: [], healthy: [], unhealthy: [], wereHealthy: 0 })),
      change,
    );
  }
  for (const [deployment, groups] of edges) {
    for (const [group, edge] of groups) emitCounts(draft, deployment, group, edge);
  }
}

/** First match counts; from unhealthy back to healthy nothing does. */
function noteEdge(edges: HealthEdges, { before, after }: Change<AllocationState>): void {
  const was = before?.deploymentStatus?.healthy ?? null;
  const is = after.deploymentStatus?.healthy ?? null;
  if (before === undefined || before.deploymentId !== after.deploymentId) edges.placed.push(after);
  else if (was === null && is === true) edges.healthy.push(after);
  else if (was !== false && is === false) {
    edges.unhealthy.push(after);
    if (was === true) edges.wereHealthy++;
  }
}

function emitCounts(draft: Draft, deployment: string, group: string, edges: HealthEdges): void {
  const latest = (allocs: readonly AllocationState[]): number =>
    Math.max(...allocs.map((alloc) => alloc.deploymentStatus?.timestamp ?? 0));
  if (edges.placed.length > 0) {
    const canaries = edges.placed.filter((alloc) => alloc.deploymentStatus?.canary).map(id);
    draft.onDeployment(deployment, {
      type: 'DeploymentAllocationsPlaced',
      data: { group, allocations: edges.placed.map(id), canaries },
    });
  }
  if (edges.healthy.length > 0) {
    draft.onDeployment(deployment, {
      type: 'DeploymentAllocationsHealthy',
      data: { group, allocations: edges.healthy.map(id), healthyAt: latest(edges.healthy) },
    });
  }
  if (edges.unhealthy.length > 0) {
    const { wereHealthy } = edges;
    draft.onDeployment(deployment, {
      type: 'DeploymentAllocationsUnhealthy',
      data: { group, allocations: edges.unhealthy.map(id), wereHealthy, unhealthyAt: latest(edges.unhealthy) },
    });
  }
}

function touchedJobs(draft: Draft): { namespace: string; jobId: string }[] {
  const jobs = new Map<string, { namespace: string; jobId: string }>();
  const add = ({ namespace, jobId }: { namespace: string; jobId: string }): void => {
    jobs.set(`${namespace}/${jobId}`, { namespace, jobId });
  };
  for (const { before, after } of draft.changes('allocation')) if (movesSummary(before, after)) add(after);
  for (const { before, after } of draft.deploymentChanges()) if (activity(before) !== activity(after)) add(after);
  for (const { before, after } of draft.evaluationChanges()) {
    if (after.queuedAllocations !== null && after.queuedAllocations !== before?.queuedAllocations) add(after);
  }
  return [...jobs.values()];
}

const movesSummary = (before: AllocationState | undefined, after: AllocationState): boolean =>
  before === undefined || before.clientStatus !== after.clientStatus || isTerminal(before) !== isTerminal(after);

const activity = (deployment: (Parameters<typeof isActive>[0] & { purged?: boolean }) | undefined): number =>
  deployment !== undefined && !deployment.purged && isActive(deployment) ? 1 : 0;

function summarise(draft: Draft, namespace: string, jobId: string): void {
  const summary = draft.summary(namespace, jobId);
  if (summary === undefined || summary.purged) return;
  const groups = byName<GroupSummary>();
  let { liveAllocations, activeDeployments } = summary;
  const bump = (name: string, change: (group: GroupSummary) => GroupSummary): void => {
    groups[name] = change(ownProperty(groups, name) ?? ownProperty(summary.groups, name) ?? EMPTY_SUMMARY);
  };
  for (const { before, after } of draft.changes('allocation')) {
    if (after.namespace !== namespace || after.jobId !== jobId || after.purged) continue;
    // What a job of the same id has left behind that was purged.
    if (after.jobCreateIndex !== summary.jobCreateIndex) continue;
    liveAllocations += (isTerminal(after) ? 0 : 1) - (before === undefined || isTerminal(before) ? 0 : 1);
    if (before === undefined) bump(after.taskGroup, placedOne);
    else if (before.clientStatus !== after.clientStatus) bump(after.taskGroup, (group) => moved(group, before, after));
  }
  for (const { before, after } of draft.deploymentChanges()) {
    if (after.namespace !== namespace || after.jobId !== jobId) continue;
    if (after.jobCreateIndex === summary.jobCreateIndex) activeDeployments += activity(after) - activity(before);
  }
  for (const { before, after } of draft.evaluationChanges()) {
    if (after.namespace !== namespace || after.jobId !== jobId || after.queuedAllocations === before?.queuedAllocations)
      continue;
    for (const [name, queued] of Object.entries(after.queuedAllocations ?? {}))
      bump(name, (group) => ({ ...group, queued }));
  }
  if (unchanged(summary, groups, liveAllocations, activeDeployments)) return;
  draft.onSummary(namespace, jobId, {
    type: 'JobSummaryChanged',
    data: { groups, liveAllocations, activeDeployments },
  });
}

const unchanged = (
  summary: JobSummaryState,
  groups: Record<string, GroupSummary>,
  liveAllocations: number,
  activeDeployments: number,
): boolean =>
  liveAllocations === summary.liveAllocations &&
  activeDeployments === summary.activeDeployments &&
  Object.entries(groups).every(([name, group]) =>
    (Object.keys(group) as (keyof GroupSummary)[]).every(
      (bin) => group[bin] === ownProperty(summary.groups, name)?.[bin],
    ),
  );

const placedOne = (group: GroupSummary): GroupSummary => ({
  ...group,
  starting: group.starting + 1,
  queued: Math.max(0, group.queued - 1),
});

/** Where a client status is counted in a job's summary. */
export const SUMMARY_BIN = {
  pending: 'starting',
  running: 'running',
  complete: 'complete',
  failed: 'failed',
  lost: 'lost',
  unknown: 'unknown',
} as const satisfies Record<AllocationState['clientStatus'], keyof GroupSummary>;

/** What has failed or completed stays counted as such. */
function moved(group: GroupSummary, before: AllocationState, after: AllocationState): GroupSummary {
  const to = SUMMARY_BIN[after.clientStatus];
  const from = SUMMARY_BIN[before.clientStatus];
  const leaves = from !== 'complete' && from !== 'failed' && group[from] > 0;
  const joined = { ...group, [to]: group[to] + 1 };
  return leaves ? { ...joined, [from]: joined[from] - 1 } : joined;
}

/** The status of a job by its own rules; spec/lifecycle §1.7. `openEvaluations`: some evaluation of it is not terminal after this commit. */
export function jobStatus(
  version: Pick<JobVersion, 'spec'>,
  summary: Pick<JobSummaryState, 'liveAllocations' | 'activeDeployments'> | undefined,
  openEvaluations: boolean,
): JobStatus {
  const { spec } = version;
  if (spec.Type === 'system' || isTemplate(spec)) return spec.Stop ? 'dead' : 'running';
  if (summary !== undefined && (summary.activeDeployments > 0 || summary.liveAllocations > 0)) return 'running';
  return openEvaluations ? 'pending' : 'dead';
}

/** Recomputes the status of a job after everything else in the commit was said. */
export function restateJob(draft: Draft, namespace: string, jobId: string, openEvaluations: boolean): void {
  const job = draft.job(namespace, jobId);
  const current = currentVersion(job);
  if (job === undefined || current === undefined) return;
  const status = jobStatus(current, draft.summary(namespace, jobId), openEvaluations);
  if (status === current.status) return;
  draft.onJob(job, { type: 'JobStatusChanged', data: { status } });
  countChild(draft, current.spec, current.status, status);
}

const id = (alloc: AllocationState): string => alloc.id;

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const present = map.get(key);
  if (present !== undefined) return present;
  const made = make();
  map.set(key, made);
  return made;
}
