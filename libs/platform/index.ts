export type { Clock, ManualClock } from './clock/clock.js';
export { elapsedNs, systemClock } from './clock/clock.js';
export type { LogLevel, Role } from './config/configuration.js';
export { Configuration } from './config/configuration.js';
export {
  configured,
  loadAgentConfiguration,
  loadConfiguration,
  loadOpsConfiguration,
} from './config/load-configuration.js';
export type { AgentConfiguration } from './config/agent-configuration.js';
export type { OpsConfiguration } from './config/ops-configuration.js';
/** @public used by scripts/docs.mjs */
export { renderConfigurationDocs } from './config/render-configuration-docs.js';
export type { DirectoryLock } from './embedded-postgres/directory-lock.js';
export type { EmbeddedPostgres, EmbeddedPostgresOptions } from './embedded-postgres/embedded-postgres.js';
export { startEmbeddedPostgres } from './embedded-postgres/embedded-postgres.js';
export { findRunningPostgres, hasEmbeddedPostgres } from './embedded-postgres/find-running.js';
export { networks } from './networks.js';
export { openTlsFiles, watchTlsFiles, type TlsFiles, type TlsMaterial } from './tls/tls-files.js';
export { outliveFaults } from './fault-guard.js';
export type { Logger } from './logger/logger.js';
export { createLogger, LogTap } from './logger/logger.js';
export type { Metrics } from './metrics/metrics.js';
export {
  counterOf,
  createMetrics,
  currentCount,
  currentValue,
  gaugeOf,
  histogramOf,
  type Gauge,
} from './metrics/metrics.js';
export { METRICS, type MetricDescription } from './metrics/catalogue.js';
/** @public used by scripts/docs.mjs */
export { renderMetricsDocs } from './metrics/render-metrics-docs.js';
export type { Shutdown, ShutdownPhase } from './shutdown/shutdown.js';
export { createShutdown } from './shutdown/shutdown.js';
export { startTracing } from './tracing/start-tracing.js';
export type { Tracing } from './tracing/tracing.js';
export { explainListenFailure, runMain, StartupError } from './startup-error.js';
