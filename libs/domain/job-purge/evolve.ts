import { assertNever, type Fact } from '@app/kernel';
import type { JobPurgeEvent } from './events.js';
import type { JobPurgeState } from './state.js';

/** The state of the purge of a job after one more event. */
export function evolveJobPurge(
  state: JobPurgeState | undefined,
  { type, data }: JobPurgeEvent,
  { index }: Fact,
): JobPurgeState | undefined {
  switch (type) {
    case 'JobPurgeBegun':
      return { namespace: data.namespace, jobId: data.jobId, upTo: index, isOver: false };
    case 'JobPurgeEnded':
      return state && { ...state, isOver: true };
  }
  return assertNever(type);
}
