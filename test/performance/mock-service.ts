const NS_PER_MS = 1e6;

/** How a service tells that its allocations are healthy, and for how long it waits; milliseconds. */
export interface MockHealth {
  readonly check: 'manual' | 'task_states';
  readonly minHealthyMs: number;
  readonly healthyDeadlineMs: number;
  readonly progressDeadlineMs: number;
}

/** A service of one group, `web`, whose mock_driver tasks run for an hour; updates do not wait for one another. */
export const mockService = (ID: string, Count: number, health: MockHealth): object => ({
  ID,
  Name: ID,
  Type: 'service',
  Datacenters: ['dc1'],
  Update: {
    MaxParallel: Count,
    HealthCheck: health.check,
    MinHealthyTime: health.minHealthyMs * NS_PER_MS,
    HealthyDeadline: health.healthyDeadlineMs * NS_PER_MS,
    ProgressDeadline: health.progressDeadlineMs * NS_PER_MS,
  },
  TaskGroups: [
    {
      Name: 'web',
      Count,
      EphemeralDisk: { SizeMB: 10 },
      Tasks: [
        {
          Name: 'main',
          Driver: 'mock_driver',
          Config: { run_for: '1h' },
          Resources: { CPU: 1, MemoryMB: 10 },
          LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
        },
      ],
    },
  ],
});
