/** A job of one task that runs until it is stopped. */
export const demoJob = (ID: string): object => ({
  ID,
  Name: ID,
  Type: 'service',
  Datacenters: ['dc1'],
  Update: { MinHealthyTime: 1_000_000, HealthCheck: 'task_states' },
  TaskGroups: [
    {
      Name: 'app',
      Count: 1,
      Tasks: [
        { Name: 'main', Driver: 'mock_driver', Config: { run_for: '10m' }, Resources: { CPU: 20, MemoryMB: 16 } },
      ],
    },
  ],
});
