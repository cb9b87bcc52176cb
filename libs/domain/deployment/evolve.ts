import { assertNever, usFromNs, type Fact, type TimeUs, ownProperty } from '@app/kernel';
import type { PlannedDeploymentGroup } from '../plan/plan.js';
import { DEPLOYMENT } from './descriptions.js';
import type { DeploymentEvent } from './events.js';
import {
  isActive,
  requiresPromotion,
  type DeploymentGroup,
  type DeploymentState,
  type DeploymentStatus,
} from './state.js';

/** The state of a deployment after one more event. Total: an event on a deployment that does not exist changes nothing. */
export function evolveDeployment(
  state: DeploymentState | undefined,
  event: DeploymentEvent,
  fact: Fact,
): DeploymentState | undefined {
  if (event.type === 'DeploymentCreated') {
    const { groups, ...created } = event.data;
    return {
      ...created,
      groups: mapValues(groups, newGroup),
      status: 'running',
      createIndex: fact.index,
      modifyIndex: fact.index,
      createTime: fact.time,
      modifyTime: 0,
      purged: false,
    };
  }
  if (state === undefined) return undefined;
  const touched = { ...state, modifyIndex: fact.index, modifyTime: fact.time };
  const { type, data } = event;
  switch (type) {
    case 'DeploymentGoalsChanged':
      return {
        ...touched,
        statusDescription: isActive(state) ? data.statusDescription : state.statusDescription,
        groups: withGoals(state, data.groups),
      };
    case 'DeploymentAllocationsPlaced':
      return withGroup(touched, data.group, (group) => ({
        ...group,
        placedAllocs: group.placedAllocs + data.allocations.length,
        placedCanaries: [...group.placedCanaries, ...data.canaries.filter((id) => !group.placedCanaries.includes(id))],
        requireProgressBy:
          group.requireProgressBy === 0 && data.allocations.length > 0
            ? deadlineFrom(group, fact.time)
            : group.requireProgressBy,
      }));
    case 'DeploymentAllocationsHealthy':
      return withGroup(touched, data.group, (group) => ({
        ...group,
        healthyAllocs: group.healthyAllocs + data.allocations.length,
        requireProgressBy: Math.max(group.requireProgressBy, deadlineFrom(group, data.healthyAt)),
      }));
    case 'DeploymentAllocationsUnhealthy':
      return withGroup(touched, data.group, (group) => ({
        ...group,
        // One that went unhealthy, healthy and unhealthy again is taken off twice and was counted once.
        healthyAllocs: Math.max(0, group.healthyAllocs - data.wereHealthy),
        unhealthyAllocs: group.unhealthyAllocs + data.allocations.length,
        requireProgressBy:
          data.wereHealthy > 0
            ? Math.max(group.requireProgressBy, deadlineFrom(group, data.unhealthyAt))
            : group.requireProgressBy,
      }));
    case 'DeploymentPromoted': {
      const groups = mapValues(state.groups, (group, name) =>
        data.groups.includes(name) ? { ...group, promoted: true, requireProgressBy: rebased(group, fact.time) } : group,
      );
      const promoted = { ...touched, groups };
      const settled = state.status === 'running' && !requiresPromotion(promoted);
      return settled ? { ...promoted, statusDescription: DEPLOYMENT.running } : promoted;
    }
    case 'DeploymentPaused':
      return withDeadlines(ended(touched, 'paused', DEPLOYMENT.paused), fact.time);
    case 'DeploymentResumed':
      return withDeadlines(ended(touched, 'running', DEPLOYMENT.running), fact.time);
    case 'DeploymentFailed':
      return ended(touched, 'failed', data.statusDescription);
    case 'DeploymentSucceeded':
      return ended(touched, 'successful', data.statusDescription);
    case 'DeploymentCancelled':
      return ended(touched, 'cancelled', data.statusDescription);
    case 'DeploymentPurged':
    case 'DeploymentCollected':
      return { ...touched, purged: true };
  }
  return assertNever(type);
}

/** A terminal deployment keeps its status whatever happens. */
const ended = (state: DeploymentState, status: DeploymentStatus, statusDescription: string): DeploymentState =>
  isActive(state) ? { ...state, status, statusDescription } : state;

const newGroup = (planned: PlannedDeploymentGroup): DeploymentGroup => ({
  ...planned,
  requireProgressBy: 0,
  promoted: false,
  placedCanaries: [],
  placedAllocs: 0,
  healthyAllocs: 0,
  unhealthyAllocs: 0,
});

/** Counters, promotion and canaries are the deployment's own: a plan only sets goals. spec/lifecycle §7.3. */
const withGoals = (
  state: DeploymentState,
  planned: Readonly<Record<string, PlannedDeploymentGroup>>,
): DeploymentState['groups'] => ({
  ...state.groups,
  ...mapValues(planned, (group, name) => ({ ...(ownProperty(state.groups, name) ?? newGroup(group)), ...group })),
});

/** 0 where the group has no progress deadline. spec/lifecycle §6.2. */
const deadlineFrom = (group: DeploymentGroup, time: TimeUs): TimeUs =>
  group.progressDeadline === 0 ? 0 : time + usFromNs(group.progressDeadline);

const rebased = (group: DeploymentGroup, time: TimeUs): TimeUs =>
  group.requireProgressBy === 0 ? 0 : deadlineFrom(group, time);

const withDeadlines = (state: DeploymentState, time: TimeUs): DeploymentState => ({
  ...state,
  groups: mapValues(state.groups, (group) => ({ ...group, requireProgressBy: deadlineFrom(group, time) })),
});

function withGroup(
  state: DeploymentState,
  name: string,
  change: (group: DeploymentGroup) => DeploymentGroup,
): DeploymentState {
  const group = ownProperty(state.groups, name);
  return group === undefined ? state : { ...state, groups: { ...state.groups, [name]: change(group) } };
}

const mapValues = <A, B>(record: Readonly<Record<string, A>>, map: (value: A, key: string) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
