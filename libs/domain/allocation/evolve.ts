import { assertNever, type Fact } from '@app/kernel';
import type { DesiredTransition } from '../nomad.js';
import type { AllocationEvent } from './events.js';
import { NO_TRANSITION, type AllocationHealth, type AllocationState } from './state.js';

/** The state of an allocation after one more event. Which indexes move: spec/lifecycle §7.5. */
export function evolveAllocation(
  state: AllocationState | undefined,
  event: AllocationEvent,
  fact: Fact,
): AllocationState | undefined {
  if (event.type === 'AllocationPlaced') return placed(event.data, fact);
  if (state === undefined) return undefined;
  const { type, data } = event;
  const { index, time } = fact;
  switch (type) {
    case 'AllocationStopDesired':
      return {
        ...state,
        modifyIndex: index,
        allocModifyIndex: index,
        modifyTime: time,
        desiredStatus: 'stop',
        desiredDescription: data.description,
        clientStatus: data.clientStatus ?? state.clientStatus,
        followupEvalId: data.followupEvalId || state.followupEvalId,
      };
    case 'AllocationPreempted':
      return {
        ...state,
        modifyIndex: index,
        allocModifyIndex: index,
        modifyTime: time,
        desiredStatus: 'evict',
        desiredDescription: `Preempted by alloc ID ${data.byAllocation}`,
        preemptedByAllocation: data.byAllocation,
      };
    case 'AllocationUpdatedInPlace': {
      const moved = data.deploymentId !== state.deploymentId;
      return {
        ...state,
        ...data,
        modifyIndex: index,
        allocModifyIndex: index,
        modifyTime: time,
        deploymentStatus: moved ? null : state.deploymentStatus,
      };
    }
    case 'AllocationFollowupScheduled':
      return {
        ...state,
        modifyIndex: index,
        allocModifyIndex: index,
        modifyTime: time,
        followupEvalId: data.followupEvalId,
      };
    case 'AllocationConnectionNoted':
      return {
        ...state,
        modifyIndex: index,
        allocModifyIndex: index,
        modifyTime: time,
        clientStatus: data.clientStatus,
        clientDescription: data.clientDescription,
        stateChanges: [...state.stateChanges, { value: data.clientStatus, time }],
      };
    case 'AllocationRescheduleNoted':
      return {
        ...state,
        modifyIndex: index,
        allocModifyIndex: index,
        modifyTime: time,
        rescheduleTracker: data.rescheduleTracker,
      };
    case 'AllocationTransitionDesired':
      return {
        ...state,
        modifyIndex: index,
        allocModifyIndex: index,
        desiredTransition: { ...state.desiredTransition, ...given(data.transition) },
      };
    case 'AllocationReplaced':
      return { ...state, modifyIndex: index, nextAllocation: data.nextAllocation };
    case 'AllocationPromoted':
      return {
        ...state,
        modifyIndex: index,
        allocModifyIndex: index,
        deploymentStatus: { ...(state.deploymentStatus ?? UNDECIDED), canary: false, modifyIndex: index },
      };
    case 'AllocationReported':
      return {
        ...state,
        modifyIndex: index,
        modifyTime: time,
        clientStatus: data.clientStatus,
        clientDescription: data.clientDescription,
        taskStates: data.taskStates,
        networkStatus: data.networkStatus,
        deploymentStatus: withHealth(state.deploymentStatus, data.health, fact),
      };
    case 'AllocationHealthSet':
      return {
        ...state,
        modifyIndex: index,
        modifyTime: time,
        deploymentStatus: {
          ...(state.deploymentStatus ?? UNDECIDED),
          healthy: data.healthy,
          timestamp: time,
          modifyIndex: index,
        },
      };
    case 'AllocationPurged':
    case 'AllocationCollected':
      return { ...state, modifyIndex: index, allocModifyIndex: index, purged: true };
  }
  return assertNever(type);
}

const UNDECIDED: AllocationHealth = { healthy: null, timestamp: 0, canary: false, modifyIndex: 0 };

/** Every property is written out: an object made by a rest or a second spread is a slow one, and so is every copy that later states make of it. */
function placed(
  data: Extract<AllocationEvent, { type: 'AllocationPlaced' }>['data'],
  { index, time }: Fact,
): AllocationState {
  const state: AllocationState = {
    id: data.id,
    namespace: data.namespace,
    evalId: data.evalId,
    name: data.name,
    nodeId: data.nodeId,
    nodeName: data.nodeName,
    jobId: data.jobId,
    jobType: data.jobType,
    jobVersion: data.jobVersion,
    jobCreateIndex: data.jobCreateIndex,
    jobModifyIndex: data.jobModifyIndex,
    taskGroup: data.taskGroup,
    allocatedResources: data.allocatedResources,
    metrics: data.metrics,
    desiredStatus: 'run',
    desiredDescription: '',
    desiredTransition: NO_TRANSITION,
    clientStatus: 'pending',
    clientDescription: '',
    taskStates: null,
    stateChanges: [],
    previousAllocation: data.previousAllocation,
    nextAllocation: '',
    deploymentId: data.deploymentId,
    deploymentStatus: data.canary ? { ...UNDECIDED, canary: true, modifyIndex: index } : null,
    rescheduleTracker: data.rescheduleTracker,
    networkStatus: null,
    followupEvalId: '',
    signingKeyId: data.signingKeyId,
    createIndex: index,
    modifyIndex: index,
    allocModifyIndex: index,
    createTime: time,
    modifyTime: time,
    purged: false,
  };
  const { preemptedAllocations } = data;
  return preemptedAllocations === undefined ? state : { ...state, preemptedAllocations };
}

/** A client's health counts only when it is set and says something new. spec/lifecycle §7.4. */
function withHealth(
  stored: AllocationHealth | null,
  health: { readonly healthy: boolean; readonly timestamp: number } | null,
  fact: Fact,
): AllocationHealth | null {
  if (health === null || stored?.healthy === health.healthy) return stored;
  return { ...(stored ?? UNDECIDED), ...health, modifyIndex: fact.index };
}

const given = (transition: Partial<DesiredTransition>): Partial<DesiredTransition> =>
  Object.fromEntries(Object.entries(transition).filter(([, value]) => value !== null));
