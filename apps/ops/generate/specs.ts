import {
  canonicalize,
  type AllocatedResources,
  type AllocMetric,
  type AllocationReport,
  type JobSpec,
  type NodeDescription,
  type TaskState,
} from '@app/domain';
import type { TimeUs } from '@app/kernel';
import type { Chance } from './chance.js';

/* What clients and agents would have said. Shapes and sizes are those of a small service: one group, one task. */

export const GROUP = 'web';
const TASK = 'server';
const [CPU, MEMORY_MB, DISK_MB] = [100, 128, 300];
const SECOND_NS = 1_000_000_000;

/** A job as it is stored; `release` tells its versions apart. */
export const specOf = (id: string, count: number, canaries: number, release: string): JobSpec =>
  canonicalize(
    {
      ID: id,
      Name: id,
      Type: 'service',
      Datacenters: ['*'],
      Meta: { team: id.slice(0, id.indexOf('-')) },
      Update: { MaxParallel: 5, HealthCheck: 'task_states', MinHealthyTime: 10 * SECOND_NS, Canary: canaries },
      TaskGroups: [
        {
          Name: GROUP,
          Count: count,
          EphemeralDisk: { SizeMB: DISK_MB },
          Tasks: [
            {
              Name: TASK,
              Driver: 'mock_driver',
              Config: { run_for: '24h' },
              Env: { RELEASE: release },
              Resources: { CPU, MemoryMB: MEMORY_MB },
              LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
            },
          ],
        },
      ],
    },
    { region: 'global', namespace: 'default', nodePool: 'default' },
  );

export const RESOURCES: AllocatedResources = {
  Tasks: {
    [TASK]: {
      Cpu: { CpuShares: CPU, ReservedCores: null },
      Memory: { MemoryMB: MEMORY_MB, MemoryMaxMB: 0 },
      Networks: null,
      Devices: null,
    },
  },
  TaskLifecycles: { [TASK]: null },
  Shared: { Networks: null, DiskMB: DISK_MB, Ports: null },
};

const CORES = 32;
/** A machine with room for some hundred of these tasks. */
export const nodeOf = (id: string, number: number): NodeDescription => ({
  ID: id,
  Name: `node-${number}`,
  Datacenter: `dc${1 + (number % 3)}`,
  NodePool: 'default',
  NodeClass: number % 10 === 0 ? 'large' : '',
  HTTPAddr: '',
  Attributes: {
    'cpu.arch': 'amd64',
    'cpu.numcores': String(CORES),
    'driver.mock_driver': '1',
    'kernel.name': 'linux',
    'nomad.version': '2.0.0',
    'os.name': 'debian',
    'os.version': '13',
  },
  Meta: { rack: `r${Math.floor(number / 40)}` },
  Drivers: {
    mock_driver: { Attributes: null, Detected: true, Healthy: true, HealthDescription: 'Healthy', UpdateTime: null },
  },
  NodeResources: {
    Cpu: {
      CpuShares: CORES * 2500,
      TotalCpuCores: CORES,
      ReservableCpuCores: Array.from({ length: CORES }, (_, n) => n),
    },
    Memory: { MemoryMB: 128 * 1024 },
    Disk: { DiskMB: 1_000_000 },
    NodeNetworks: [
      {
        Mode: 'host',
        Addresses: [{ Alias: 'default', Address: `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}` }],
      },
    ],
    Networks: null,
    MinDynamicPort: 20_000,
    MaxDynamicPort: 32_000,
  },
  ReservedResources: {
    Cpu: { CpuShares: 0 },
    Memory: { MemoryMB: 0 },
    Disk: { DiskMB: 0 },
    Networks: { ReservedHostPorts: '' },
  },
  HostVolumes: null,
});

/** As placement would tell of it: two nodes looked at. */
export const metricsOf = (chance: Chance, nodeIds: readonly [string, string], nodes: number): AllocMetric => ({
  NodesEvaluated: 2,
  NodesFiltered: 0,
  NodesInPool: nodes,
  NodePool: 'default',
  NodesAvailable: { dc1: nodes },
  ClassFiltered: null,
  ConstraintFiltered: null,
  NodesExhausted: 0,
  ClassExhausted: null,
  DimensionExhausted: null,
  QuotaExhausted: null,
  ResourcesExhausted: null,
  Scores: null,
  ScoreMetaData: nodeIds.map((NodeID) => {
    const binpack = Math.round(chance.number() * 1e4) / 1e4;
    return { NodeID, Scores: { binpack, 'job-anti-affinity': 0 }, NormScore: binpack };
  }),
  AllocationTime: 50_000 + chance.below(200_000),
  CoalescedFailures: 0,
});

const timeOf = (time: TimeUs): string => new Date(Math.floor(time / 1000)).toISOString();
const event = (Type: string, time: TimeUs, DisplayMessage: string): TaskState['Events'][number] => ({
  Type,
  Time: String(time * 1000),
  DisplayMessage,
  Details: {},
});

/** The life of the task as an agent tells it. */
function taskState(started: TimeUs, ended?: { readonly time: TimeUs; readonly failed: boolean }): TaskState {
  const events = [
    event('Received', started - 20_000, 'Task received by client'),
    event('Task Setup', started - 10_000, 'Building Task Directory'),
    event('Started', started, 'Task started by client'),
  ];
  if (ended !== undefined) {
    const code = ended.failed ? 1 : 0;
    const end = event('Terminated', ended.time, `Exit Code: ${code}`);
    events.push({ ...end, Details: { exit_code: String(code), signal: '0' }, ExitCode: code });
  }
  return {
    State: ended === undefined ? 'running' : 'dead',
    Failed: ended?.failed ?? false,
    Restarts: 0,
    LastRestart: null,
    StartedAt: timeOf(started),
    FinishedAt: ended === undefined ? null : timeOf(ended.time),
    Events: events,
  };
}

/** What becomes of a task, in the words of its agent. */
export function reportOf(
  id: string,
  what: 'running' | 'healthy' | 'unhealthy' | 'complete' | 'failed',
  started: TimeUs,
  now: TimeUs,
): AllocationReport {
  const ended = what === 'complete' || what === 'failed' ? { time: now, failed: what === 'failed' } : undefined;
  return {
    id,
    clientStatus: ended === undefined ? 'running' : what === 'failed' ? 'failed' : 'complete',
    clientDescription:
      ended === undefined ? 'Tasks are running' : ended.failed ? 'Failed tasks' : 'All tasks have completed',
    taskStates: { [TASK]: taskState(started, ended) },
    networkStatus: null,
    health: what === 'healthy' || what === 'unhealthy' ? { healthy: what === 'healthy', timestamp: now } : null,
  };
}
