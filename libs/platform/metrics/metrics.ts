import { collectDefaultMetrics, Registry } from 'prom-client';

export { Counter, Gauge, Histogram } from 'prom-client';

/** The process's metrics: register a prom-client metric with `registers: [metrics.registry]`. */
export interface Metrics {
  readonly registry: Registry;
  /** `Content-Type` of {@link Metrics.render}. */
  readonly contentType: string;
  /** Prometheus' text format. */
  readonly render: () => Promise<string>;
}

/** A registry of its own with the usual process and Node metrics (memory, CPU, event loop lag, GC). */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return { registry, contentType: registry.contentType, render: () => registry.metrics() };
}
