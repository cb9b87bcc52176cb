/** Every StatusDescription of a deployment; spec/lifecycle §0.2. */
export const DEPLOYMENT = {
  running: 'Deployment is running',
  needsPromotion: 'Deployment is running but requires manual promotion',
  autoPromotion: 'Deployment is running pending automatic promotion',
  paused: 'Deployment is paused',
  successful: 'Deployment completed successfully',
  stopped: 'Cancelled because job is stopped',
  newerJob: 'Cancelled due to newer version of job',
  unhealthy: 'Failed due to unhealthy allocations',
  deadline: 'Failed due to progress deadline',
  failedByUser: 'Deployment marked as failed',
} as const;

export const rollingBack = (base: string, version: number): string =>
  `${base} - rolling back to job version ${version}`;
export const notRollingBack = (base: string, version: number): string =>
  `${base} - not rolling back to stable job version ${version} as current job has same specification`;
export const nothingToRevertTo = (base: string): string => `${base} - no stable job version to auto revert to`;
