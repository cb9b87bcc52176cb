import type { AllocationReport, ClientStatus, TaskEvent, TaskState } from '@app/domain';
import { usFromRfc3339 } from '@app/kernel';
import { type ReportedAllocation, RpcError, ZERO_TIME } from '@app/nomad-rpc';

const STATUSES: ReadonlySet<string> = new Set<ClientStatus>([
  'pending',
  'running',
  'complete',
  'failed',
  'lost',
  'unknown',
]);
const TASK_STATES: ReadonlySet<string> = new Set<TaskState['State']>(['pending', 'running', 'dead']);

/** What a client tells of an allocation, in our own terms. @throws RpcError for a status that there is none of */
export function reportOf(alloc: ReportedAllocation): AllocationReport {
  if (!STATUSES.has(alloc.ClientStatus))
    throw new RpcError(`invalid client status ${JSON.stringify(alloc.ClientStatus)}`);
  const { DeploymentStatus: health, TaskStates: states } = alloc;
  return {
    id: alloc.ID.toLowerCase(),
    clientStatus: alloc.ClientStatus as ClientStatus,
    clientDescription: alloc.ClientDescription,
    taskStates: states === null ? null : taskStates(states),
    networkStatus:
      alloc.NetworkStatus === null
        ? null
        : {
            ...alloc.NetworkStatus,
            DNS: alloc.NetworkStatus.DNS && {
              Servers: mutable(alloc.NetworkStatus.DNS.Servers),
              Searches: mutable(alloc.NetworkStatus.DNS.Searches),
              Options: mutable(alloc.NetworkStatus.DNS.Options),
            },
          },
    // Whether it is a canary, and when that changed, is the server's to say.
    health:
      health === null || health.Healthy === null
        ? null
        : { healthy: health.Healthy, timestamp: usFromRfc3339(health.Timestamp) },
  };
}

type Reported = NonNullable<ReportedAllocation['TaskStates']>;
type ReportedTask = Reported[string];
type ReportedEvent = NonNullable<ReportedTask['Events']>[number];

const taskStates = (states: Reported): Record<string, TaskState> =>
  Object.fromEntries(Object.entries(states).map(([name, state]) => [name, taskState(state)]));

function taskState(state: ReportedTask): TaskState {
  if (!TASK_STATES.has(state.State)) throw new RpcError(`invalid task state ${JSON.stringify(state.State)}`);
  return {
    State: state.State as TaskState['State'],
    Failed: state.Failed,
    Restarts: state.Restarts,
    LastRestart: when(state.LastRestart),
    StartedAt: when(state.StartedAt),
    FinishedAt: when(state.FinishedAt),
    Events: (state.Events ?? []).map(taskEvent),
  };
}

/** Members that say nothing are left out, as events of our own agents do. */
function taskEvent(event: ReportedEvent): TaskEvent {
  const { Type, Time, DisplayMessage, Details, ...rest } = event;
  const told = Object.entries(rest)
    .filter(([, value]) => value !== '' && value !== 0 && value !== 0n && value !== false)
    .map(([key, value]): [string, unknown] => [key, typeof value === 'bigint' ? Number(value) : value]);
  return { Type, Time: String(Time), DisplayMessage, Details: Details ?? {}, ...Object.fromEntries(told) };
}

const when = (time: string): string | null => (time === ZERO_TIME ? null : time);
const mutable = (list: readonly string[] | null): string[] | null => list && [...list];
