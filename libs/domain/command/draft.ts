import {
  allocationStream,
  deploymentStream,
  evaluationStream,
  jobPurgeStream,
  jobStream,
  jobSummaryStream,
  namespaceStream,
  nodePoolStream,
  nodeStream,
  servicesStream,
  scalingPolicyStream,
  type CommandContext,
  type DomainEvent,
  type Fact,
  type NewEvent,
  type StateView,
  type StreamName,
} from '@app/kernel';
import { evolve, type AggregateState } from '../aggregates.js';
import type { AllocationEvent } from '../allocation/events.js';
import type { AllocationState } from '../allocation/state.js';
import type { DeploymentEvent } from '../deployment/events.js';
import type { DeploymentState } from '../deployment/state.js';
import type { EvaluationEvent } from '../evaluation/events.js';
import type { EvaluationState, NewEvaluation } from '../evaluation/state.js';
import type { JobPurgeEvent } from '../job-purge/events.js';
import type { JobPurgeState } from '../job-purge/state.js';
import type { JobSummaryEvent } from '../job-summary/events.js';
import type { JobSummaryState } from '../job-summary/state.js';
import type { JobEvent } from '../job/events.js';
import type { JobState } from '../job/state.js';
import type { NamespaceState } from '../namespace/state.js';
import type { NodePoolEvent } from '../node-pool/events.js';
import type { NodePoolState } from '../node-pool/state.js';
import type { NodeEventRecord } from '../node/events.js';
import type { NodeState } from '../node/state.js';
import type { ServicesEvent } from '../service/events.js';
import type { AllocationServices } from '../service/state.js';
import type { ScalingPolicyEvent } from '../scaling-policy/events.js';

/** A change to one stream within a decision: its state before the first event and after the last one. */
export interface Change<S> {
  readonly before: S | undefined;
  readonly after: S;
}

/**
 * A decision in the making. Reads see what the decision has said so far, so that one commit may touch an object several times.
 * The index of the commit is not known yet: until then everything touched looks newer than anything else.
 */
export interface Draft {
  readonly context: CommandContext;
  readonly job: (namespace: string, id: string) => JobState | undefined;
  readonly jobPurge: (namespace: string, id: string) => JobPurgeState | undefined;
  readonly summary: (namespace: string, id: string) => JobSummaryState | undefined;
  readonly deployment: (id: string) => DeploymentState | undefined;
  readonly allocation: (id: string) => AllocationState | undefined;
  readonly evaluation: (id: string) => EvaluationState | undefined;
  readonly node: (id: string) => NodeState | undefined;
  readonly services: (allocationId: string) => AllocationServices | undefined;
  readonly namespace: (name: string) => NamespaceState | undefined;
  readonly nodePool: (name: string) => NodePoolState | undefined;
  readonly onJob: (job: { readonly namespace: string; readonly id: string }, event: JobEvent) => void;
  readonly onJobPurge: (namespace: string, id: string, event: JobPurgeEvent) => void;
  readonly onSummary: (namespace: string, id: string, event: JobSummaryEvent) => void;
  readonly onDeployment: (id: string, event: DeploymentEvent) => void;
  readonly onAllocation: (id: string, event: AllocationEvent) => void;
  readonly onEvaluation: (id: string, event: EvaluationEvent) => void;
  readonly onNode: (id: string, event: NodeEventRecord) => void;
  readonly onServices: (allocationId: string, event: ServicesEvent) => void;
  readonly onNodePool: (name: string, event: NodePoolEvent) => void;
  readonly onScalingPolicy: (id: string, event: ScalingPolicyEvent) => void;
  /** Adds a new evaluation; `snapshotIndex` only for blocked ones. */
  readonly evaluate: (evaluation: NewEvaluation, snapshotIndex?: number) => string;
  readonly changes: (type: 'allocation') => readonly Change<AllocationState>[];
  readonly deploymentChanges: () => readonly Change<DeploymentState>[];
  readonly evaluationChanges: () => readonly Change<EvaluationState>[];
  readonly events: () => readonly NewEvent[];
}

/** Events that are the first of a stream whose id was drawn for this very decision. */
const BEGINNINGS: ReadonlySet<string> = new Set(['EvaluationCreated', 'AllocationPlaced', 'DeploymentCreated']);
const UNKNOWN_INDEX = Number.MAX_SAFE_INTEGER;

/** Starts a decision on the states that `view` shows. */
export function draftOf(view: StateView, context: CommandContext): Draft {
  const fact: Fact = { index: UNKNOWN_INDEX, time: context.now };
  const before = new Map<StreamName, AggregateState | undefined>();
  const after = new Map<StreamName, AggregateState | undefined>();
  const events: NewEvent[] = [];

  const read = <S extends AggregateState>(stream: StreamName): S | undefined =>
    (after.has(stream) ? after.get(stream) : view.read(stream)) as S | undefined;
  const emit = (stream: StreamName, event: DomainEvent): void => {
    // What begins a stream under a random id needs no look at the store: that there is nothing yet is checked by the append.
    const state = BEGINNINGS.has(event.type) ? undefined : read<AggregateState>(stream);
    if (!before.has(stream)) before.set(stream, state);
    after.set(stream, evolve(stream, state, event, fact));
    events.push({ stream, event });
  };
  const changed = <S>(type: string): Change<S>[] =>
    [...after.entries()]
      .filter(([stream]) => stream.startsWith(`${type}/`))
      .map(([stream, state]) => ({ before: before.get(stream) as S | undefined, after: state as S }));

  return {
    context,
    job: (namespace, id) => read(jobStream(namespace, id)),
    jobPurge: (namespace, id) => read(jobPurgeStream(namespace, id)),
    summary: (namespace, id) => read(jobSummaryStream(namespace, id)),
    deployment: (id) => read(deploymentStream(id)),
    allocation: (id) => read(allocationStream(id)),
    evaluation: (id) => read(evaluationStream(id)),
    node: (id) => read(nodeStream(id)),
    services: (allocationId) => read(servicesStream(allocationId)),
    namespace: (name) => read(namespaceStream(name)),
    nodePool: (name) => read(nodePoolStream(name)),
    onJob: ({ namespace, id }, event) => emit(jobStream(namespace, id), event),
    onJobPurge: (namespace, id, event) => emit(jobPurgeStream(namespace, id), event),
    onSummary: (namespace, id, event) => emit(jobSummaryStream(namespace, id), event),
    onDeployment: (id, event) => emit(deploymentStream(id), event),
    onAllocation: (id, event) => emit(allocationStream(id), event),
    onEvaluation: (id, event) => emit(evaluationStream(id), event),
    onNode: (id, event) => emit(nodeStream(id), event),
    onServices: (allocationId, event) => emit(servicesStream(allocationId), event),
    onNodePool: (name, event) => emit(nodePoolStream(name), event),
    onScalingPolicy: (id, event) => emit(scalingPolicyStream(id), event),
    evaluate: (evaluation, snapshotIndex = 0) => {
      emit(evaluationStream(evaluation.id), { type: 'EvaluationCreated', data: { ...evaluation, snapshotIndex } });
      return evaluation.id;
    },
    changes: (type) => changed(type),
    deploymentChanges: () => changed('deployment'),
    evaluationChanges: () => changed('evaluation'),
    events: () => events,
  };
}
