import { assertNever, type Fact, ownProperty } from '@app/kernel';
import { THIS_INDEX } from '../evaluation/state.js';
import type { JobSummaryEvent } from './events.js';
import type { GroupSummary, JobSummaryState } from './state.js';

export const EMPTY_SUMMARY: GroupSummary = {
  queued: 0,
  complete: 0,
  failed: 0,
  running: 0,
  starting: 0,
  lost: 0,
  unknown: 0,
};

/** The summary of a job after one more event. */
export function evolveJobSummary(
  state: JobSummaryState | undefined,
  event: JobSummaryEvent,
  fact: Fact,
): JobSummaryState | undefined {
  const { type, data } = event;
  if (type === 'JobSummaryGroupsAdded') {
    const before = state === undefined || state.purged ? undefined : state;
    const fresh = data.groups.filter((name) => ownProperty(before?.groups, name) === undefined);
    return {
      namespace: data.namespace,
      jobId: data.jobId,
      jobCreateIndex: data.jobCreateIndex === THIS_INDEX ? fact.index : data.jobCreateIndex,
      groups: { ...before?.groups, ...Object.fromEntries(fresh.map((name) => [name, EMPTY_SUMMARY])) },
      children: before?.children ?? { pending: 0, running: 0, dead: 0 },
      liveAllocations: before?.liveAllocations ?? 0,
      activeDeployments: before?.activeDeployments ?? 0,
      createIndex: before?.createIndex ?? fact.index,
      modifyIndex: fact.index,
      purged: false,
    };
  }
  if (state === undefined) return undefined;
  const touched = { ...state, modifyIndex: fact.index };
  switch (type) {
    case 'JobSummaryChanged':
      return {
        ...touched,
        groups: { ...state.groups, ...data.groups },
        liveAllocations: data.liveAllocations,
        activeDeployments: data.activeDeployments,
      };
    case 'JobSummaryChildrenCounted':
      return { ...touched, children: { pending: data.pending, running: data.running, dead: data.dead } };
    case 'JobSummaryPurged':
      return { ...touched, groups: {}, liveAllocations: 0, activeDeployments: 0, purged: true };
  }
  return assertNever(type);
}
