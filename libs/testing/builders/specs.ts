import {
  canonicalize,
  type AllocatedResources,
  type AllocMetric,
  type JobSpec,
  type JobType,
  type NodeDescription,
  type ReschedulePolicy,
  type UpdateStrategy,
} from '@app/domain';
import type { JsonObject } from '@app/kernel';

/** A second in nanoseconds, as everywhere in a specification. */
export const SECOND_NS = 1_000_000_000;

/** What a specification for tests may say; everything else is as a registration without it would get it. */
export interface SpecOptions {
  readonly id?: string;
  readonly type?: JobType;
  readonly count?: number;
  /** One group for each name. */
  readonly groups?: readonly string[];
  readonly update?: Partial<UpdateStrategy>;
  readonly reschedule?: Partial<ReschedulePolicy>;
  /** Differs between versions that have to replace each other's allocations. */
  readonly tag?: string;
  readonly priority?: number;
  readonly config?: JsonObject;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** The canonical specification of a job `web` with one mock task: what a registration by HTTP would store. */
export function jobSpec(options: SpecOptions = {}): JobSpec {
  return canonicalize(jobInput(options), { region: 'global', namespace: 'default', nodePool: 'default' });
}

/** The same job as a client would send it. */
export function jobInput(options: SpecOptions = {}): object {
  const { id = 'web', type = 'service', count = 2, groups = ['app'], update, reschedule, tag, priority = 50 } = options;
  const mayReschedule = type === 'service' || type === 'batch';
  return {
    ID: id,
    Name: id,
    Type: type,
    Priority: priority,
    Datacenters: ['*'],
    TaskGroups: groups.map((Name) => ({
      Name,
      Count: type === 'system' ? 1 : count,
      ...(type === 'service' && { Update: { HealthCheck: 'task_states', ...update } }),
      ...(mayReschedule && reschedule && { ReschedulePolicy: reschedule }),
      Tasks: [
        {
          Name: 'main',
          Driver: 'mock_driver',
          Config: options.config ?? { run_for: '10m' },
          Env: tag === undefined ? null : { TAG: tag },
          Resources: { CPU: 20, MemoryMB: 16 },
          LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
        },
      ],
      EphemeralDisk: { SizeMB: 10 },
    })),
    ...options.more,
  };
}

/** What a node with 4000 MHz and 8 GB says of itself. */
export const nodeDescription = (ID: string, change: Partial<NodeDescription> = {}): NodeDescription => ({
  ID,
  Name: `node-${ID.slice(-4)}`,
  Datacenter: 'dc1',
  NodePool: 'default',
  NodeClass: '',
  HTTPAddr: '',
  Attributes: { 'kernel.name': 'linux', 'nomad.version': '2.0.0' },
  Meta: null,
  Drivers: {
    mock_driver: { Attributes: null, Detected: true, Healthy: true, HealthDescription: 'Healthy', UpdateTime: null },
  },
  NodeResources: {
    Cpu: { CpuShares: 4000, TotalCpuCores: 4, ReservableCpuCores: [0, 1, 2, 3] },
    Memory: { MemoryMB: 8192 },
    Disk: { DiskMB: 100_000 },
    NodeNetworks: [{ Mode: 'host', Addresses: [{ Alias: 'default', Address: '10.0.0.1' }] }],
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
  ...change,
});

/** What one mock task takes. */
export const RESOURCES: AllocatedResources = {
  Tasks: {
    main: {
      Cpu: { CpuShares: 20, ReservedCores: null },
      Memory: { MemoryMB: 16, MemoryMaxMB: 0 },
      Networks: null,
      Devices: null,
    },
  },
  TaskLifecycles: { main: null },
  Shared: { Networks: null, DiskMB: 10, Ports: null },
};

/** A placement that looked at one node. */
export const METRICS: AllocMetric = {
  NodesEvaluated: 1,
  NodesFiltered: 0,
  NodesInPool: 1,
  NodePool: 'default',
  NodesAvailable: { dc1: 1 },
  ClassFiltered: null,
  ConstraintFiltered: null,
  NodesExhausted: 0,
  ClassExhausted: null,
  DimensionExhausted: null,
  QuotaExhausted: null,
  ResourcesExhausted: null,
  Scores: null,
  ScoreMetaData: null,
  AllocationTime: 1000,
  CoalescedFailures: 0,
};
