export type { Usage } from './placement/resources.js';
export { usageOf } from './placement/resources.js';
export type { ClusterView, SchedulerConfiguration, SchedulingRequest, SchedulingResult } from './ports.js';
export { schedule } from './schedule.js';
