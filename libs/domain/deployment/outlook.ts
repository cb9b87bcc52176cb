import { isoFromUs, ownProperty, type TimeUs } from '@app/kernel';
import type { AllocationState } from '../allocation/state.js';
import type { EvaluationState } from '../evaluation/state.js';
import type { JobState } from '../job/state.js';
import { failureOf } from './decide.js';
import { DEPLOYMENT } from './descriptions.js';
import type { DeploymentState } from './state.js';
import { renderDeploymentWait } from './waiting.js';

/** What becomes of a deployment if nobody acts and nothing changes. */
export interface Outlook {
  /** `wait`: nothing, for ever. */
  readonly what: 'promote' | 'fail' | 'revert' | 'wait';
  /** 0: at once; also where nothing happens. */
  readonly at: TimeUs;
  /** The stable version that is brought back, if any. */
  readonly backTo: number | null;
  /** How the deployment will be described; empty where it goes on. */
  readonly description: string;
}

export const GOES_ON_WAITING: Outlook = { what: 'wait', at: 0, backTo: null, description: '' };
export const PROMOTES_ITSELF: Outlook = { what: 'promote', at: 0, backTo: null, description: '' };

/** The end of a deployment by the watcher's own rule, see `failWatchedDeployment`. */
export function failureAhead(
  job: JobState | undefined,
  {
    cause,
    rollback,
    at,
  }: { readonly cause: 'unhealthy' | 'deadline'; readonly rollback: boolean; readonly at: TimeUs },
): Outlook {
  const base = cause === 'deadline' ? DEPLOYMENT.deadline : DEPLOYMENT.unhealthy;
  const { statusDescription, stable } = failureOf(job, { base, rollback, sayNothingStable: true });
  return {
    what: stable === null ? 'fail' : 'revert',
    at,
    backTo: stable?.version ?? null,
    description: statusDescription,
  };
}

/** An active deployment with all that tells for what it waits. */
export interface WaitingDeployment {
  readonly deployment: DeploymentState;
  /** Those that it names, as far as they are known. */
  readonly canaries: readonly AllocationState[];
  /** What waits for room for its job, if anything does. */
  readonly blocked: EvaluationState | undefined;
  readonly outlook: Outlook;
}

/** The kinds of waiting, by who has to act. */
const ACTS = { promotion: null, resume: 'operator', placement: 'room', health: 'node' } as const;

/**
 * As `renderDeploymentWait`, and: `WaitingFor` may be `placement` (room on some node); `By` is `operator`, `deployment`, `room` or `node`;
 * `BlockedEval` and `Unplaced` (allocations by group) tell what is not placed; `Next`: what happens if nobody acts.
 */
export function renderWaiting({ deployment, canaries, blocked, outlook }: WaitingDeployment): Readonly<
  Record<string, unknown>
> & {
  readonly By: string | null;
  readonly Since: string | null;
} {
  const wait = renderDeploymentWait(deployment, canaries);
  const unplaced = new Map(
    Object.keys(blocked?.failedGroups ?? {})
      .filter((group) => Object.hasOwn(deployment.groups, group))
      .map((group) => [group, (ownProperty(blocked!.failedGroups, group)?.CoalescedFailures ?? 0) + 1]),
  );
  const isUnplaced = wait.WaitingFor === 'health' && unplaced.size > 0;
  const waitingFor = isUnplaced ? 'placement' : wait.WaitingFor;
  return {
    ...wait,
    WaitingFor: waitingFor,
    By: waitingFor === null ? null : (wait.By ?? ACTS[waitingFor]),
    Since: isUnplaced ? isoFromUs(blocked!.createTime) : wait.Since,
    BlockedEval: unplaced.size > 0 ? blocked!.id : '',
    Unplaced: Object.fromEntries(unplaced),
    Next: {
      What: outlook.what,
      At: isoFromUs(outlook.at),
      BackTo: outlook.backTo,
      Description: outlook.description,
    },
  };
}
