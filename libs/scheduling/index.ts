export { explainPlacement } from './placement/explain.js';
export type { Usage } from './placement/resources.js';
export { usageOf } from './placement/resources.js';
export type { ClusterView, SchedulingRequest, SchedulingResult } from './ports.js';
export { schedule, scheduleInSteps } from './schedule.js';
