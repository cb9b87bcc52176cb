export { ClusterState, type Movement } from './cluster-state.js';
export { DeploymentWatcher } from './deployment-watcher.js';
export { EvaluationQueue } from './evaluation-queue.js';
export { HeartbeatWatcher, heartbeatTtlMs } from './heartbeat-watcher.js';
export { Leader, SCHEDULER_LEASE } from './leader.js';
export type { Reactor, ReactorContext } from './reactor.js';
export { restoreCluster } from './restore-cluster.js';
export { Scheduler } from './scheduler.js';
