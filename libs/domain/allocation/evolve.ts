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
  const seen = { ...state, modifyIndex: fact.index };
  const byServer = { ...seen, allocModifyIndex: fact.index };
  const { type, data } = event;
  switch (type) {
    case 'AllocationStopDesired':
      return {
        ...byServer,
        modifyTime: fact.time,
        desiredStatus: 'stop',
        desiredDescription: data.description,
        clientStatus: data.clientStatus ?? state.clientStatus,
        followupEvalId: data.followupEvalId || state.followupEvalId,
      };
    case 'AllocationPreempted':
      return {
        ...byServer,
        modifyTime: fact.time,
        desiredStatus: 'evict',
        desiredDescription: `Preempted by alloc ID ${data.byAllocation}`,
        preemptedByAllocation: data.byAllocation,
      };
    case 'AllocationUpdatedInPlace': {
      const { deploymentId, ...updated } = data;
      const moved = deploymentId !== state.deploymentId;
      return {
        ...byServer,
        ...updated,
        modifyTime: fact.time,
        deploymentId,
        deploymentStatus: moved ? null : state.deploymentStatus,
      };
    }
    case 'AllocationFollowupScheduled':
      return { ...byServer, modifyTime: fact.time, followupEvalId: data.followupEvalId };
    case 'AllocationConnectionNoted':
      return {
        ...byServer,
        modifyTime: fact.time,
        clientStatus: data.clientStatus,
        clientDescription: data.clientDescription,
        stateChanges: [...state.stateChanges, { value: data.clientStatus, time: fact.time }],
      };
    case 'AllocationRescheduleNoted':
      return { ...byServer, modifyTime: fact.time, rescheduleTracker: data.rescheduleTracker };
    case 'AllocationTransitionDesired':
      return { ...byServer, desiredTransition: { ...state.desiredTransition, ...given(data.transition) } };
    case 'AllocationReplaced':
      return { ...seen, nextAllocation: data.nextAllocation };
    case 'AllocationPromoted':
      return {
        ...byServer,
        deploymentStatus: { ...(state.deploymentStatus ?? UNDECIDED), canary: false, modifyIndex: fact.index },
      };
    case 'AllocationReported':
      return {
        ...seen,
        modifyTime: fact.time,
        clientStatus: data.clientStatus,
        clientDescription: data.clientDescription,
        taskStates: data.taskStates,
        networkStatus: data.networkStatus,
        deploymentStatus: withHealth(state.deploymentStatus, data.health, fact),
      };
    case 'AllocationHealthSet':
      return {
        ...seen,
        modifyTime: fact.time,
        deploymentStatus: {
          ...(state.deploymentStatus ?? UNDECIDED),
          healthy: data.healthy,
          timestamp: fact.time,
          modifyIndex: fact.index,
        },
      };
    case 'AllocationPurged':
    case 'AllocationCollected':
      return { ...byServer, purged: true };
  }
  return assertNever(type);
}

const UNDECIDED: AllocationHealth = { healthy: null, timestamp: 0, canary: false, modifyIndex: 0 };

function placed(data: Extract<AllocationEvent, { type: 'AllocationPlaced' }>['data'], fact: Fact): AllocationState {
  const { canary, ...given } = data;
  return {
    ...given,
    desiredStatus: 'run',
    desiredDescription: '',
    desiredTransition: NO_TRANSITION,
    clientStatus: 'pending',
    clientDescription: '',
    taskStates: null,
    stateChanges: [],
    nextAllocation: '',
    deploymentStatus: canary ? { ...UNDECIDED, canary: true, modifyIndex: fact.index } : null,
    networkStatus: null,
    followupEvalId: '',
    createIndex: fact.index,
    modifyIndex: fact.index,
    allocModifyIndex: fact.index,
    createTime: fact.time,
    modifyTime: fact.time,
    purged: false,
  };
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
