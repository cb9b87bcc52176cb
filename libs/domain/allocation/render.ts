import { isoFromUs, nsFromUs, byName } from '@app/kernel';
import {
  NO_RESOURCES,
  type AllocatedPortMapping,
  type AllocatedResources,
  type NetworkResource,
  type Port,
  type TaskEvent,
  type TaskState,
} from '../nomad.js';
import { rawNumber } from '../raw-json.js';
import type { AllocationHealth, AllocationState, RescheduleTracker } from './state.js';

/**
 * Nomad's Allocation without its `Job`, which the edge puts in as text. Members that are empty are left out (spec/http-api §1.3, §2.3).
 */
export function renderAllocation(state: AllocationState): object {
  const legacy = legacyResources(state.allocatedResources);
  const transition = state.desiredTransition;
  return omitEmpty({
    ID: state.id,
    Namespace: state.namespace,
    EvalID: state.evalId,
    Name: state.name,
    NodeID: state.nodeId,
    NodeName: state.nodeName,
    JobID: state.jobId,
    TaskGroup: state.taskGroup,
    Resources: legacy.all,
    SharedResources: legacy.shared,
    TaskResources: legacy.tasks,
    AllocatedResources: renderResources(state.allocatedResources),
    Metrics: state.metrics,
    DesiredStatus: state.desiredStatus,
    DesiredDescription: state.desiredDescription,
    DesiredTransition: Object.values(transition).every((value) => value === null) ? null : transition,
    ClientStatus: state.clientStatus,
    ClientDescription: state.clientDescription,
    TaskStates: renderTaskStates(state.taskStates),
    AllocStates: state.stateChanges.map((change) => ({ Field: 0, Value: change.value, Time: isoFromUs(change.time) })),
    PreviousAllocation: state.previousAllocation,
    NextAllocation: state.nextAllocation,
    DeploymentID: state.deploymentId,
    DeploymentStatus: renderHealth(state.deploymentStatus),
    RescheduleTracker: renderTracker(state.rescheduleTracker),
    NetworkStatus: state.networkStatus,
    FollowupEvalID: state.followupEvalId,
    PreemptedAllocations: state.preemptedAllocations,
    PreemptedByAllocation: state.preemptedByAllocation,
    SigningKeyID: state.signingKeyId,
    CreateIndex: state.createIndex,
    ModifyIndex: state.modifyIndex,
    AllocModifyIndex: state.allocModifyIndex,
    CreateTime: rawNumber(nsFromUs(state.createTime)),
    ModifyTime: rawNumber(nsFromUs(state.modifyTime)),
  });
}

/** Nomad's AllocListStub; every member is always there. spec/http-api §3. */
export const renderAllocationStub = (
  state: AllocationState,
  options: { readonly resources: boolean; readonly taskStates: boolean } = { resources: false, taskStates: true },
): object => ({
  ID: state.id,
  EvalID: state.evalId,
  Name: state.name,
  Namespace: state.namespace,
  NodeID: state.nodeId,
  NodeName: state.nodeName,
  JobID: state.jobId,
  JobType: state.jobType,
  JobVersion: state.jobVersion,
  TaskGroup: state.taskGroup,
  AllocatedResources: options.resources ? renderResources(state.allocatedResources) : null,
  DesiredStatus: state.desiredStatus,
  DesiredDescription: state.desiredDescription,
  ClientStatus: state.clientStatus,
  ClientDescription: state.clientDescription,
  DesiredTransition: state.desiredTransition,
  TaskStates: options.taskStates ? renderTaskStates(state.taskStates) : null,
  DeploymentStatus: renderHealth(state.deploymentStatus),
  FollowupEvalID: state.followupEvalId,
  NextAllocation: state.nextAllocation,
  RescheduleTracker: renderTracker(state.rescheduleTracker),
  PreemptedAllocations: state.preemptedAllocations ?? null,
  PreemptedByAllocation: state.preemptedByAllocation ?? '',
  CreateIndex: state.createIndex,
  ModifyIndex: state.modifyIndex,
  CreateTime: rawNumber(nsFromUs(state.createTime)),
  ModifyTime: rawNumber(nsFromUs(state.modifyTime)),
});

const renderHealth = (health: AllocationHealth | null): object | null =>
  health && {
    Healthy: health.healthy,
    Timestamp: isoFromUs(health.timestamp),
    Canary: health.canary,
    ModifyIndex: health.modifyIndex,
  };

const renderTracker = (tracker: RescheduleTracker | null): object | null =>
  tracker && {
    Events: tracker.events.map((event) => ({
      RescheduleTime: rawNumber(nsFromUs(event.rescheduleTime)),
      PrevAllocID: event.prevAllocId,
      PrevNodeID: event.prevNodeId,
      Delay: event.delay,
    })),
    LastReschedule: tracker.lastReschedule,
  };

const renderTaskStates = (states: AllocationState['taskStates']): object | null =>
  states && Object.fromEntries(Object.entries(states).map(([name, state]) => [name, renderTaskState(state)]));

const renderTaskState = (state: TaskState): object => ({
  State: state.State,
  Failed: state.Failed,
  Restarts: state.Restarts,
  LastRestart: state.LastRestart,
  StartedAt: state.StartedAt,
  FinishedAt: state.FinishedAt,
  Events: state.Events.map(renderTaskEvent),
  Paused: '',
});

const renderTaskEvent = (event: TaskEvent): object => ({
  Type: event.Type,
  Time: rawNumber(event.Time),
  Message: event.Message ?? '',
  DisplayMessage: event.DisplayMessage,
  Details: event.Details,
  FailsTask: event.FailsTask ?? false,
  RestartReason: event.RestartReason ?? '',
  SetupError: event.SetupError ?? '',
  DriverError: event.DriverError ?? '',
  ExitCode: event.ExitCode ?? 0,
  Signal: event.Signal ?? 0,
  KillTimeout: event.KillTimeout ?? 0,
  KillError: event.KillError ?? '',
  KillReason: event.KillReason ?? '',
  StartDelay: event.StartDelay ?? 0,
  DownloadError: event.DownloadError ?? '',
  ValidationError: event.ValidationError ?? '',
  DiskLimit: 0,
  FailedSibling: event.FailedSibling ?? '',
  VaultError: '',
  TaskSignalReason: event.TaskSignalReason ?? '',
  TaskSignal: event.TaskSignal ?? '',
  DriverMessage: event.DriverMessage ?? '',
  GenericSource: '',
});

const renderResources = (resources: AllocatedResources): object => ({
  Tasks: Object.fromEntries(
    Object.entries(resources.Tasks).map(([name, task]) => [name, { ...task, Networks: renderNetworks(task.Networks) }]),
  ),
  TaskLifecycles: resources.TaskLifecycles,
  Shared: {
    Networks: renderNetworks(resources.Shared.Networks),
    DiskMB: resources.Shared.DiskMB,
    Ports: resources.Shared.Ports?.map((port: AllocatedPortMapping) => omitEmpty(port)) ?? null,
  },
});

/** NetworkResource and Port leave out what is empty. */
export const renderNetworks = (networks: readonly NetworkResource[] | null): object[] | null =>
  networks?.map((network) =>
    omitEmpty({
      ...network,
      ReservedPorts: network.ReservedPorts?.map((port: Port) => omitEmpty(port)) ?? null,
      DynamicPorts: network.DynamicPorts?.map((port: Port) => omitEmpty(port)) ?? null,
    }),
  ) ?? null;

/** The views that older clients read. spec/lifecycle §7.6. */
function legacyResources(resources: AllocatedResources): {
  all: object;
  shared: object;
  tasks: Record<string, object>;
} {
  const networks = renderNetworks(resources.Shared.Networks);
  const shared = { ...NO_RESOURCES, DiskMB: resources.Shared.DiskMB, Networks: networks };
  const all = { ...shared };
  const tasks = byName<object>();
  for (const [name, { Cpu, Memory, Networks }] of Object.entries(resources.Tasks)) {
    const cores = Cpu.ReservedCores?.length ?? 0;
    tasks[name] = {
      ...NO_RESOURCES,
      CPU: Cpu.CpuShares,
      Cores: cores,
      MemoryMB: Memory.MemoryMB,
      MemoryMaxMB: Memory.MemoryMaxMB,
      Networks: renderNetworks(Networks),
    };
    all.CPU += Cpu.CpuShares;
    all.Cores += cores;
    all.MemoryMB += Memory.MemoryMB;
    all.MemoryMaxMB += Math.max(Memory.MemoryMB, Memory.MemoryMaxMB);
  }
  return { all, shared, tasks };
}

/** Drops members that are Go's zero values: `""`, 0, false, null, `[]`, `{}`. */
export function omitEmpty(object: object): object {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => !isEmpty(value)));
}

const isEmpty = (value: unknown): boolean =>
  value === '' ||
  value === 0 ||
  value === false ||
  value === null ||
  value === undefined ||
  (typeof value === 'object' && Object.keys(value).length === 0);
