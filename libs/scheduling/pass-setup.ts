import type { AllocationState, JobType, JobVersion } from '@app/domain';
import { currentVersion, isTerminal } from '@app/domain';
import type { Index } from '@app/kernel';
import type { Placer } from './placement/placer.js';
import { createPlacer } from './placement/placer.js';
import { matchesDatacenter, matchesPool } from './placement/constraints.js';
import type { SchedulingRequest } from './ports.js';
import { requiresReplacement } from './reconcile/job-diff-kind.js';
import { groupOf } from './reconcile/classify.js';
import type { ReconcileInput, UpdateVerdict } from './reconcile/pass.js';

/** What both kinds of scheduler start from. */
export interface PassSetup {
  readonly job: JobVersion | undefined;
  readonly jobType: JobType;
  readonly input: ReconcileInput;
  readonly placer: Placer;
}

const IGNORE: UpdateVerdict = { kind: 'ignore' };
const DESTRUCTIVE: UpdateVerdict = { kind: 'destructive' };

/** Reads what the pass needs from the cluster. */
export function setUp({ evaluation, cluster, now, newId, elapsed }: SchedulingRequest): PassSetup {
  const { namespace, jobId } = evaluation;
  const stored = cluster.job(namespace, jobId);
  const job = currentVersion(stored);
  const stops = (stored?.versions ?? []).filter((one) => one.spec.Stop && one.createIndex === job?.createIndex);
  // The evaluation of a stop is of type service whatever the job's (spec/lifecycle §1.6).
  const jobType = job === undefined || job.spec.Stop ? (evaluation.type as JobType) : job.spec.Type;
  const seed = `${evaluation.id} ${cluster.index}`;
  const placer = createPlacer(cluster, { namespace, id: jobId, seed }, elapsed);
  const versionOf = rememberLast((createIndex, version) => cluster.jobVersion(namespace, jobId, createIndex, version));
  const allocations = cluster.allocationsOfJob(namespace, jobId);
  const input: ReconcileInput = {
    evaluation,
    job,
    lastStop: job === undefined || stops.length === 0 ? null : Math.max(...stops.map(({ version }) => version)),
    jobType,
    deployments: cluster.deploymentsOfJob(namespace, jobId),
    allocations,
    allocation: byId(allocations),
    node: (id) => cluster.node(id),
    versionOf,
    updateVerdict: updateVerdicts(job, versionOf, placer, (id) => cluster.node(id)),
    now,
    newId,
  };
  return { job, jobType, input, placer };
}

/** Looked up only where something is replaced or disconnected: the index is made at the first question. */
function byId(allocations: readonly AllocationState[]): ReconcileInput['allocation'] {
  let index: ReadonlyMap<string, AllocationState> | undefined;
  return (id) => {
    if (id === '') return undefined;
    index ??= new Map(allocations.map((alloc) => [alloc.id, alloc]));
    return index.get(id);
  };
}

/** Neighbours are mostly of the same version. */
function rememberLast(
  look: (createIndex: Index, version: number) => JobVersion | undefined,
): ReconcileInput['versionOf'] {
  let last: { readonly createIndex: Index; readonly version: number; readonly found: JobVersion | undefined } | null =
    null;
  return ({ jobCreateIndex, jobVersion }) => {
    if (last === null || last.createIndex !== jobCreateIndex || last.version !== jobVersion) {
      last = { createIndex: jobCreateIndex, version: jobVersion, found: look(jobCreateIndex, jobVersion) };
    }
    return last.found;
  };
}

/** Whether an allocation can be brought to the current version where it runs. Source: spec/lifecycle §4. */
function updateVerdicts(
  job: JobVersion | undefined,
  versionOf: ReconcileInput['versionOf'],
  placer: Placer,
  node: ReconcileInput['node'],
): ReconcileInput['updateVerdict'] {
  const replacements = new Map<JobVersion, Map<string, boolean>>();
  const mustReplace = (former: JobVersion, current: JobVersion, group: string): boolean => {
    const ofVersion = replacements.get(former) ?? new Map<string, boolean>();
    replacements.set(former, ofVersion);
    const known = ofVersion.get(group) ?? requiresReplacement(former.spec, current.spec, group);
    ofVersion.set(group, known);
    return known;
  };
  return (alloc: AllocationState) => {
    if (job === undefined || alloc.jobModifyIndex === job.jobModifyIndex) return IGNORE;
    const former = versionOf(alloc);
    if (former === undefined || mustReplace(former, job, alloc.taskGroup)) return DESTRUCTIVE;
    if (isTerminal(alloc)) return IGNORE;
    const present = node(alloc.nodeId);
    if (present === undefined || present.purged) return DESTRUCTIVE;
    const { description } = present;
    if (
      !matchesDatacenter(job.spec.Datacenters, description.Datacenter) ||
      !matchesPool(job.spec.NodePool, description)
    ) {
      return DESTRUCTIVE;
    }
    const maxRunDuration = groupOf(alloc, former)?.MaxRunDuration ?? 0;
    if (maxRunDuration > 0) return { kind: 'in-place', resources: alloc.allocatedResources };
    const ask = placer.ask(job, alloc.taskGroup);
    const resources = ask === undefined ? null : placer.refit(ask, alloc);
    return resources === null ? DESTRUCTIVE : { kind: 'in-place', resources };
  };
}
