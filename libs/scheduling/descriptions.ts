/** What the scheduler writes about allocations and evaluations; consumers of the API see these texts. Source: spec/lifecycle §0.2, §0.3, §2.5, §5.4. */
export const NOT_NEEDED = 'alloc not needed due to job update';
export const REPLACEMENT_NOT_NEEDED = 'alloc not needed due to disconnected client reconnect';
export const MIGRATING = 'alloc is being migrated';
export const UPDATING = 'alloc is being updated due to job update';
export const LOST = 'alloc is lost since its node is down';
export const RESCHEDULED = 'alloc was rescheduled because it failed';
export const NODE_TAINTED = 'alloc not needed as node is tainted';
export const UNKNOWN = 'alloc is unknown since its node is disconnected';

export const DEPLOYMENT_RUNNING = 'Deployment is running';
export const DEPLOYMENT_NEEDS_PROMOTION = 'Deployment is running but requires manual promotion';
export const DEPLOYMENT_AUTO_PROMOTION = 'Deployment is running pending automatic promotion';
export const DEPLOYMENT_SUCCESSFUL = 'Deployment completed successfully';
export const DEPLOYMENT_JOB_STOPPED = 'Cancelled because job is stopped';
export const DEPLOYMENT_NEWER_JOB = 'Cancelled due to newer version of job';

export const BLOCKED_FOR_ROOM = 'created to place remaining allocations';
export const DELAYED_RESCHEDULING = 'created for delayed rescheduling';
export const DELAYED_DISCONNECT = 'created for delayed disconnect timeout';
