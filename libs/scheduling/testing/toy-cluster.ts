import type {
  AllocationState,
  DeploymentGroup,
  DeploymentState,
  DesiredTransition,
  EvaluationState,
  EvaluationTrigger,
  JobSpec,
  JobVersion,
  NewEvaluation,
  NodeDescription,
  NodeState,
  Plan,
  PlannedPlacement,
  SchedulerConfiguration,
} from '@app/domain';
import { DEFAULT_SCHEDULER_CONFIGURATION, isActive, isClientTerminal, isTerminal, NO_TRANSITION } from '@app/domain';
import { isoFromUs, ownProperty, setOwnProperty, US_PER_S } from '@app/kernel';
import { computedClass } from '../placement/computed-class.js';
import type { Usage } from '../placement/resources.js';
import { NO_USAGE, sumUsage } from '../placement/resources.js';
import type { ClusterView, SchedulingResult } from '../ports.js';
import { schedule } from '../schedule.js';
import { node } from './specs.js';

const NAMESPACE = 'default';
const START = 1_700_000_000 * US_PER_S;

/**
 * A cluster in memory with a clock that only tests move: it commits plans as spec/lifecycle §7 says, so that schedules can be followed over
 * several evaluations. One job id per cluster unless a test says otherwise.
 */
export interface ToyCluster {
  readonly view: ClusterView;
  now(): number;
  advance(seconds: number): void;
  addNode(description: NodeDescription): void;
  setNode(id: string, change: Partial<NodeState>): void;
  /** A new version of the job. Does not evaluate it. */
  register(spec: JobSpec): JobVersion;
  stopJob(jobId?: string): void;
  /** Schedules without committing anything. */
  plan(options?: EvaluationOptions): SchedulingResult;
  /** Schedules and commits. */
  evaluate(options?: EvaluationOptions): SchedulingResult;
  /** Runs the delayed evaluations whose time has come. */
  runDue(): readonly SchedulingResult[];
  readonly delayed: readonly NewEvaluation[];
  readonly blocked: readonly NewEvaluation[];
  allocations(jobId?: string): readonly AllocationState[];
  /** Neither server- nor client-terminal. */
  live(jobId?: string): readonly AllocationState[];
  deployment(jobId?: string): DeploymentState | undefined;
  deployments(jobId?: string): readonly DeploymentState[];
  /** A client tells of an allocation. */
  tell(id: string, change: Partial<Pick<AllocationState, 'clientStatus' | 'taskStates'>> & { healthy?: boolean }): void;
  /** Clients run everything that is to run, and end what is not. */
  settle(healthy?: boolean): void;
  transition(id: string, change: Partial<DesiredTransition>): void;
  setDeployment(change: Partial<DeploymentState>): void;
  promote(): void;
}

export interface EvaluationOptions {
  readonly jobId?: string;
  readonly trigger?: EvaluationTrigger;
  /** An evaluation that exists already, such as a delayed or blocked one. */
  readonly of?: NewEvaluation;
  readonly type?: string;
}

export interface ToyOptions {
  readonly nodes?: number | readonly NodeDescription[];
  readonly configuration?: Partial<SchedulerConfiguration>;
  readonly describe?: (id: string) => NodeDescription;
  /** Offer the sums of what is used on each node, which a view may do or leave undone. */
  readonly keepsUsage?: boolean;
}

/** Thousands of clusters share their nodes. */
const classes = new WeakMap<NodeDescription, string>();
function classOf(description: NodeDescription): string {
  const known = classes.get(description) ?? computedClass(description);
  classes.set(description, known);
  return known;
}

export function toyCluster(options: ToyOptions = {}): ToyCluster {
  const { describe = node } = options;
  const configuration: SchedulerConfiguration = { ...DEFAULT_SCHEDULER_CONFIGURATION, ...options.configuration };
  const nodes = new Map<string, NodeState>();
  const versions = new Map<string, JobVersion[]>();
  const allocations = new Map<string, AllocationState>();
  const byJob = new Map<string, Map<string, AllocationState>>();
  /** Not client-terminal. */
  const byNode = new Map<string, Map<string, AllocationState>>();
  const deployments = new Map<string, DeploymentState>();
  const delayed: NewEvaluation[] = [];
  const blocked: NewEvaluation[] = [];
  let index = 10;
  let clock = START;
  let ids = 0;
  let elapsedNs = 0;

  const newId = (): string => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`;
  /** Every look at the clock is a microsecond after the one before. */
  const elapsed = (): number => (elapsedNs += 1000);
  const of = (map: Map<string, Map<string, AllocationState>>, key: string): Map<string, AllocationState> => {
    const known = map.get(key) ?? new Map<string, AllocationState>();
    map.set(key, known);
    return known;
  };
  const used = new Map<string, Usage>();
  const store = (alloc: AllocationState): AllocationState => {
    const former = of(byNode, alloc.nodeId).get(alloc.id);
    const before = sumUsage(used.get(alloc.nodeId) ?? NO_USAGE, former ? [former] : [], -1);
    used.set(alloc.nodeId, sumUsage(before, isClientTerminal(alloc) ? [] : [alloc], 1));
    allocations.set(alloc.id, alloc);
    of(byJob, alloc.jobId).set(alloc.id, alloc);
    if (isClientTerminal(alloc)) of(byNode, alloc.nodeId).delete(alloc.id);
    else of(byNode, alloc.nodeId).set(alloc.id, alloc);
    return alloc;
  };

  const view: ClusterView = {
    get index() {
      return index;
    },
    configuration,
    job: (namespace, id) => {
      const known = versions.get(id);
      return known && { namespace, id, versions: known.toReversed(), purged: false };
    },
    jobVersion: (_namespace, id, createIndex, version) =>
      versions.get(id)?.find((v) => v.createIndex === createIndex && v.version === version),
    allocationsOfJob: (_namespace, id) => [...of(byJob, id).values()],
    deploymentsOfJob: (_namespace, id) => [...deployments.values()].filter(({ jobId }) => jobId === id),
    node: (id) => nodes.get(id),
    nodes: () => [...nodes.values()],
    liveAllocationsOnNode: (id) => [...of(byNode, id).values()],
    ...(options.keepsUsage && { usedOnNode: (id: string) => used.get(id) ?? NO_USAGE }),
  };

  const change = (id: string, update: Partial<AllocationState>): AllocationState =>
    store({ ...(allocations.get(id) as AllocationState), ...update, modifyIndex: index, modifyTime: clock });
  const count = (alloc: AllocationState, step: (group: DeploymentGroup) => Partial<DeploymentGroup>): void => {
    const deployment = deployments.get(alloc.deploymentId);
    const group = ownProperty(deployment?.groups, alloc.taskGroup);
    if (deployment === undefined || group === undefined) return;
    const groups = { ...deployment.groups, [alloc.taskGroup]: { ...group, ...step(group) } };
    deployments.set(deployment.id, { ...deployment, groups, modifyIndex: index });
  };
  const countPlaced = (alloc: AllocationState): void =>
    count(alloc, (group) => ({
      placedAllocs: group.placedAllocs + 1,
      placedCanaries: alloc.deploymentStatus?.canary ? [...group.placedCanaries, alloc.id] : group.placedCanaries,
    }));

  const addPlacement = (plan: Plan, placement: PlannedPlacement): void => {
    const { canary, previousAllocation } = placement;
    const alloc: AllocationState = {
      ...placement,
      namespace: NAMESPACE,
      evalId: plan.evalId,
      jobId: plan.jobId,
      jobType: versions.get(plan.jobId)?.at(-1)?.spec.Type ?? '',
      desiredStatus: 'run',
      desiredDescription: '',
      desiredTransition: NO_TRANSITION,
      clientStatus: 'pending',
      clientDescription: '',
      taskStates: null,
      stateChanges: [],
      nextAllocation: '',
      deploymentStatus: canary ? { healthy: null, timestamp: 0, canary: true, modifyIndex: index } : null,
      networkStatus: null,
      followupEvalId: '',
      signingKeyId: '',
      createIndex: index,
      modifyIndex: index,
      allocModifyIndex: index,
      createTime: clock,
      modifyTime: clock,
      purged: false,
    };
    store(alloc);
    if (previousAllocation !== '' && allocations.has(previousAllocation))
      change(previousAllocation, { nextAllocation: alloc.id });
    countPlaced(alloc);
  };

  const commitDeployment = (plan: Plan): void => {
    const planned = plan.deployment;
    if (planned === null) return;
    const known = deployments.get(planned.id);
    const groups: Record<string, DeploymentGroup> = { ...known?.groups };
    for (const [name, goals] of Object.entries(planned.groups)) {
      const fresh = {
        requireProgressBy: 0,
        promoted: false,
        placedCanaries: [],
        placedAllocs: 0,
        healthyAllocs: 0,
        unhealthyAllocs: 0,
      };
      setOwnProperty(groups, name, { ...fresh, ...ownProperty(groups, name), ...goals });
    }
    const { id, jobVersion, jobModifyIndex, jobSpecModifyIndex, jobCreateIndex, statusDescription, evalPriority } =
      planned;
    deployments.set(id, {
      namespace: NAMESPACE,
      jobId: plan.jobId,
      status: 'running',
      createIndex: index,
      createTime: clock,
      modifyTime: 0,
      purged: false,
      ...known,
      id,
      jobVersion,
      jobModifyIndex,
      jobSpecModifyIndex,
      jobCreateIndex,
      statusDescription,
      evalPriority,
      groups,
      modifyIndex: index,
    });
  };

  const endDeployments = (plan: Plan): void => {
    for (const { deploymentId, status, description } of plan.deploymentUpdates) {
      const deployment = deployments.get(deploymentId);
      if (deployment) deployments.set(deploymentId, { ...deployment, status, statusDescription: description });
    }
  };

  const commit = (plan: Plan): void => {
    index++;
    commitDeployment(plan);
    endDeployments(plan);
    for (const placement of plan.placements) addPlacement(plan, placement);
    for (const { allocationId, inPlace, ...update } of plan.updates) {
      const former = allocations.get(allocationId) as AllocationState;
      const { followupEvalId, clientStatus, clientDescription, rescheduleTracker } = update;
      const moved = inPlace !== undefined && inPlace.deploymentId !== former.deploymentId;
      const alloc = change(allocationId, {
        ...(inPlace && { ...inPlace, evalId: plan.evalId }),
        ...(moved && { deploymentStatus: null }),
        ...(followupEvalId !== undefined && { followupEvalId }),
        ...(clientStatus && {
          clientStatus,
          stateChanges: [...former.stateChanges, { value: clientStatus, time: clock }],
        }),
        ...(clientDescription !== undefined && { clientDescription }),
        ...(rescheduleTracker && { rescheduleTracker }),
      });
      if (moved) countPlaced(alloc);
    }
    for (const { allocationId, description, clientStatus, followupEvalId } of plan.stops) {
      change(allocationId, {
        desiredStatus: 'stop',
        desiredDescription: description,
        ...(clientStatus && { clientStatus }),
        ...(followupEvalId && { followupEvalId }),
      });
    }
    for (const { id, preemptedAllocations = [] } of plan.placements) {
      for (const victim of preemptedAllocations) {
        change(victim, {
          desiredStatus: 'evict',
          desiredDescription: `Preempted by alloc ID ${id}`,
          preemptedByAllocation: id,
        });
      }
    }
    delayed.push(...plan.followups);
    for (const needless of plan.needlessEvals) {
      const at = delayed.findIndex(({ id }) => id === needless);
      if (at >= 0) delayed.splice(at, 1);
    }
  };

  const evaluationOf = ({
    jobId = 'shop',
    trigger = 'job-register',
    of: existing,
    type,
  }: EvaluationOptions): EvaluationState => {
    const job = versions.get(jobId)?.at(-1);
    const fresh: NewEvaluation = {
      id: newId(),
      namespace: NAMESPACE,
      priority: job?.spec.Priority ?? 50,
      type: type ?? job?.spec.Type ?? 'service',
      triggeredBy: trigger,
      jobId,
      jobModifyIndex: job?.jobModifyIndex ?? 0,
      nodeId: '',
      nodeModifyIndex: 0,
      deploymentId: '',
      status: 'pending',
      statusDescription: '',
      wait: 0,
      waitUntil: 0,
      previousEval: '',
      classEligibility: null,
      escapedComputedClass: false,
      failedGroups: null,
      quotaLimitReached: '',
    };
    return {
      ...(existing ?? fresh),
      nextEval: '',
      blockedEval: '',
      planAnnotations: null,
      queuedAllocations: null,
      snapshotIndex: 0,
      createIndex: index,
      modifyIndex: index,
      createTime: clock,
      modifyTime: clock,
    };
  };
  const plan = (wanted: EvaluationOptions = {}): SchedulingResult =>
    schedule({ evaluation: evaluationOf(wanted), cluster: view, now: clock, newId, elapsed });
  const evaluate = (wanted: EvaluationOptions = {}): SchedulingResult => {
    const result = plan(wanted);
    if (result.plan) commit(result.plan);
    blocked.push(...result.outcome.blocked);
    return result;
  };

  const allOf = (jobId = 'shop'): AllocationState[] => [...of(byJob, jobId).values()];
  const deploymentsOf = (jobId = 'shop'): readonly DeploymentState[] => view.deploymentsOfJob(NAMESPACE, jobId);
  const tell: ToyCluster['tell'] = (id, { healthy, clientStatus, taskStates }) => {
    index++;
    const former = allocations.get(id) as AllocationState;
    const known = former.deploymentStatus?.healthy ?? null;
    const ended = clientStatus === 'failed' || clientStatus === 'complete';
    const finished = {
      State: 'dead',
      Failed: clientStatus === 'failed',
      Restarts: 0,
      LastRestart: null,
      StartedAt: null,
      Events: [],
    } as const;
    const alloc = change(id, {
      ...(clientStatus && { clientStatus }),
      ...(ended && { taskStates: { main: { ...finished, Events: [], FinishedAt: isoFromUs(clock) } } }),
      ...(taskStates && { taskStates }),
      ...(healthy !== undefined && {
        deploymentStatus: {
          canary: former.deploymentStatus?.canary ?? false,
          healthy,
          timestamp: clock,
          modifyIndex: index,
        },
      }),
    });
    if (healthy === true && known === null) count(alloc, (group) => ({ healthyAllocs: group.healthyAllocs + 1 }));
    if (healthy === false && known === null) count(alloc, (group) => ({ unhealthyAllocs: group.unhealthyAllocs + 1 }));
  };

  const cluster: ToyCluster = {
    view,
    delayed,
    blocked,
    now: () => clock,
    advance: (seconds) => {
      clock += seconds * US_PER_S;
    },
    addNode: (description) => {
      nodes.set(description.ID, {
        id: description.ID,
        secretDigest: '',
        description,
        computedClass: classOf(description),
        status: 'ready',
        statusDescription: '',
        statusUpdatedAt: 0,
        eligibility: 'eligible',
        drain: null,
        lastDrain: null,
        events: [],
        lastMissedHeartbeatIndex: 0,
        lastAllocUpdateIndex: 0,
        createIndex: ++index,
        modifyIndex: index,
        purged: false,
      });
    },
    setNode: (id, update) => {
      nodes.set(id, { ...(nodes.get(id) as NodeState), ...update, modifyIndex: ++index });
    },
    register: (job) => {
      const former = versions.get(job.ID) ?? [];
      const createIndex = former[0]?.createIndex ?? index + 1;
      index++;
      const version: JobVersion = {
        version: former.length,
        spec: job,
        stable: false,
        status: 'pending',
        submitTime: clock,
        createIndex,
        modifyIndex: index,
        jobModifyIndex: index,
        versionTag: null,
      };
      versions.set(job.ID, [...former, version]);
      return version;
    },
    stopJob: (jobId = 'shop') => {
      const current = versions.get(jobId)?.at(-1);
      if (current) cluster.register({ ...current.spec, Stop: true });
    },
    plan,
    evaluate,
    runDue: () => {
      const due = delayed.filter((evaluation) => evaluation.waitUntil <= clock);
      for (const evaluation of due) delayed.splice(delayed.indexOf(evaluation), 1);
      return due.map((evaluation) => evaluate({ of: evaluation, jobId: evaluation.jobId }));
    },
    allocations: allOf,
    live: (jobId) => allOf(jobId).filter((alloc) => !isTerminal(alloc)),
    deployments: deploymentsOf,
    deployment: (jobId) => deploymentsOf(jobId).at(-1),
    tell,
    settle: (healthy = true) => {
      for (const alloc of allocations.values()) {
        if (isClientTerminal(alloc)) continue;
        const host = nodes.get(alloc.nodeId);
        if (host?.status !== 'ready') continue;
        if (alloc.desiredStatus !== 'run') tell(alloc.id, { clientStatus: 'complete' });
        else if (alloc.clientStatus === 'pending') tell(alloc.id, { clientStatus: 'running' });
        const deployment = deployments.get(alloc.deploymentId);
        const watched = healthy && deployment !== undefined && isActive(deployment) && alloc.desiredStatus === 'run';
        if (watched && (alloc.deploymentStatus?.healthy ?? null) === null) tell(alloc.id, { healthy: true });
      }
    },
    transition: (id, update) => {
      index++;
      change(id, { desiredTransition: { ...(allocations.get(id) as AllocationState).desiredTransition, ...update } });
    },
    setDeployment: (update) => {
      const latest = cluster.deployment();
      if (latest) deployments.set(latest.id, { ...latest, ...update, modifyIndex: ++index });
    },
    promote: () => {
      const latest = cluster.deployment();
      if (!latest) return;
      const groups = Object.fromEntries(
        Object.entries(latest.groups).map(([name, group]) => [name, { ...group, promoted: true }]),
      );
      cluster.setDeployment({ groups, statusDescription: 'Deployment is running' });
      for (const id of Object.values(latest.groups).flatMap((group) => group.placedCanaries)) {
        const alloc = allocations.get(id);
        if (alloc?.deploymentStatus) change(id, { deploymentStatus: { ...alloc.deploymentStatus, canary: false } });
      }
    },
  };
  const given = options.nodes ?? 3;
  const descriptions =
    typeof given === 'number' ? Array.from({ length: given }, (_, i) => describe(`node-${i}`)) : given;
  for (const description of descriptions) cluster.addNode(description);
  return cluster;
}
