const SECOND_NS = 1e9;

/** A small service with a canary, whose health is set by hand: its deployments stay open until somebody decides. `mark` makes a new version. */
export const chaosJob = (ID: string, mark: string): object => ({
  ID,
  Name: ID,
  Type: 'service',
  Datacenters: ['dc1'],
  Meta: { mark },
  Update: {
    MaxParallel: 1,
    Canary: 1,
    HealthCheck: 'manual',
    MinHealthyTime: 1,
    HealthyDeadline: 300 * SECOND_NS,
    ProgressDeadline: 600 * SECOND_NS,
    AutoRevert: mark.charCodeAt(0) % 2 === 0,
  },
  TaskGroups: [
    {
      Name: 'web',
      Count: 2,
      EphemeralDisk: { SizeMB: 10 },
      Tasks: [
        {
          Name: 'main',
          Driver: 'mock_driver',
          Config: { run_for: '1h' },
          Env: { MARK: mark },
          Resources: { CPU: 10, MemoryMB: 10 },
          LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
        },
      ],
    },
  ],
});
